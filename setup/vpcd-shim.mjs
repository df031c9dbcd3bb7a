import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runStep } from './say.mjs';

/** @param {string} root */
export async function ensureVpcdShim(root) {
  const source = join(root, 'setup/vpcd-shim.c');
  const library = join(root, '.runtime/vpcd-shim.so');
  const stamp = join(root, '.runtime/vpcd-shim.sha256');
  const digest = createHash('sha256').update(readFileSync(source)).digest('hex');
  if (existsSync(library) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;

  await runStep('Building the shim for the virtual reader', 'gcc', ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-o', library, source, '-ldl']);
  writeFileSync(stamp, digest);
}
