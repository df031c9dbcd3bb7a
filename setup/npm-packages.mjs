import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runStep } from './say.mjs';
import { npmCli, npmEnvironment, npmOptions } from './node-runtime.mjs';

/** @typedef {{ version?: string, integrity?: string, optional?: boolean }} LockedPackage */

/** @param {string} file @returns {Record<string, LockedPackage>} */
function lockedPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

/**
 * Whether node_modules holds what package-lock.json says, by the hidden lock file that npm writes last. Optional packages may be missing
 * (they are for other machines); nothing may be there that is not locked.
 * @param {string} root
 */
export function hasNpmPackages(root) {
  const hidden = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(hidden)) return false;
  const locked = lockedPackages(join(root, 'package-lock.json'));
  const installed = lockedPackages(hidden);
  const asLocked = Object.entries(locked).every(([path, wanted]) => {
    if (path === '') return true;
    const found = installed[path];
    if (found === undefined) return wanted.optional === true;
    return found.version === wanted.version && found.integrity === wanted.integrity;
  });
  return asLocked && Object.keys(installed).every((path) => locked[path] !== undefined);
}

/** @param {string} root @param {string} node */
export async function ensureNpmPackages(root, node) {
  if (hasNpmPackages(root)) return;
  await runStep('Installing npm packages', node, [npmCli(), 'ci', ...npmOptions], { cwd: root, env: npmEnvironment() });
}
