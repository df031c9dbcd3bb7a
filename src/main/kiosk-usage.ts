export const kioskUsage = `imi kiosk --data DIR [--hub FILE --kiosk ID]
  Without --hub and --kiosk: the kiosk that this folder was set up as, and in an empty one its first boot, where a technician sets it up on the screen.
  --hub-from PATH      at first boot, where hub files are looked for: a file, or a folder (several; /media, /run/media and /mnt otherwise)
  --panel WxH          at first boot, how large the screen is, where the kernel does not say it
  --headless           no display (tests, the tour)
  --scale N            the whole screen smaller, down to 0.5, in a plain window, for a demonstration
  --position X,Y       left upper corner of that window
  --confined           the browser in bubblewrap: no network, no files
  --chromium PATH      another browser than the distribution’s Chromium
  --renderer DIR       another build of the screens than dist/renderer`;
