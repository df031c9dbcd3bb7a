import { posix } from 'node:path';

const hidrawFolder = `prebuilds/HID_hidraw-linux-${process.arch}`;

/**
 * Node-API modules that the device host loads at run time, each with what of it is loaded, not what it was built from. `pcsclite` is built for Node's own
 * headers and stays with the Chromium shell.
 */
const nativePackages: Readonly<Record<string, RegExp>> = {
  smartcard: /^\/(package\.json|LICENSE|dist|build|build\/Release|build\/Release\/[^/]+\.node|dist\/.+\.js|dist\/[^.]+)$/,
  'node-hid': new RegExp(`^/(package\\.json|LICENSE-bsd\\.txt|nodehid\\.js|binding-options\\.js|prebuilds|${hidrawFolder}|${hidrawFolder}/[^/]+\\.node)$`),
  'pkg-prebuilds': /^\/(package\.json|LICENSE|bindings\.js|lib|lib\/prebuild\.js)$/,
};

const packedFolders = ['/.vite/build', '/dist/package/renderer', ...Object.keys(nativePackages).map((name) => `/node_modules/${name}`)];

/**
 * Whether a file or folder of the project belongs into the package.
 * @param file - From the project's root, beginning with `/`; empty for the root itself.
 */
export function isPacked(file: string): boolean {
  if (file === '' || file === '/package.json' || file === '/LICENSE') return true;
  for (const folder of packedFolders) {
    if (file === folder || folder.startsWith(`${file}/`)) return true;
    if (!file.startsWith(`${folder}/`)) continue;
    return nativePackages[posix.basename(folder)]?.test(file.slice(folder.length)) ?? true;
  }
  return false;
}
