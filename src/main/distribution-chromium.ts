/** Not `/usr/bin/chromium`: that wrapper reads /etc/chromium.d, with API keys, extensions and flags of its own. */
export const distributionChromium = '/usr/lib/chromium/chromium';
