/** Node-API modules that the device host loads at run time; `pcsclite` is built for Node's own headers and stays with the Chromium shell. */
const nativePackages = ['smartcard'];

const packedFolders = ['/.vite/build', '/dist/package/renderer', ...nativePackages.map((name) => `/node_modules/${name}`)];

/** Of a native package: what is loaded, not what it was built from. */
const nativeContents = /^\/(package\.json|LICENSE|dist|build|build\/Release|build\/Release\/[^/]+\.node|dist\/.+\.js|dist\/[^.]+)$/;

/**
 * Whether a file or folder of the project belongs into the package.
 * @param file - From the project's root, beginning with `/`; empty for the root itself.
 */
export function isPacked(file: string): boolean {
  if (file === '' || file === '/package.json' || file === '/LICENSE') return true;
  for (const folder of packedFolders) {
    if (file === folder || folder.startsWith(`${file}/`)) return true;
    if (!file.startsWith(`${folder}/`)) continue;
    return folder.startsWith('/node_modules/') ? nativeContents.test(file.slice(folder.length)) : true;
  }
  return false;
}
