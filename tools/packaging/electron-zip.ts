import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { zipFile } from './zip-file.ts';

export interface ElectronZip {
  /** The folder that Electron's zip is in, as the packager wants it. */
  dir: string;
  isStandIn: boolean;
}

/** What marks the fuses in an Electron binary; then come the wire's version, its length and a byte a fuse (`@electron/fuses`). */
const fuseSentinel = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';

/**
 * Electron's zip of `version` from `dir`, held against the checksums that the `electron` package carries; or, where there is none, a stand-in
 * with which everything about a package can be made and checked but run.
 */
export function electronZip({ version, arch, dir, standInDir, checksums }: { version: string; arch: string; dir: string; standInDir: string; checksums: Readonly<Record<string, string>> }): ElectronZip {
  const name = `electron-v${version}-linux-${arch}.zip`;
  const file = path.join(dir, name);
  if (existsSync(file)) {
    const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
    if (sha256 !== checksums[name]) throw new Error(`${file} is not the Electron that was released: SHA-256 ${sha256}`);
    return { dir, isStandIn: false };
  }
  mkdirSync(standInDir, { recursive: true });
  writeFileSync(path.join(standInDir, name), zipFile(standInEntries(version)));
  return { dir: standInDir, isStandIn: true };
}

function standInEntries(version: string): { name: string; body: Buffer; mode: number }[] {
  const fuseWire = Buffer.concat([Buffer.from(fuseSentinel, 'latin1'), Buffer.from([1, 9]), Buffer.from('1'.repeat(9), 'latin1')]);
  const program = Buffer.concat([Buffer.from('#!/bin/sh\necho "This package was made without Electron and cannot run." >&2\nexit 1\n'), fuseWire, Buffer.from('\n')]);
  return [
    { name: 'electron', body: program, mode: 0o755 },
    { name: 'chrome-sandbox', body: Buffer.from('#!/bin/sh\nexit 1\n'), mode: 0o755 },
    { name: 'version', body: Buffer.from(version), mode: 0o644 },
    { name: 'LICENSE', body: Buffer.from('See the Electron release.\n'), mode: 0o644 },
    { name: 'LICENSES.chromium.html', body: Buffer.from('<!doctype html><title>See the Electron release</title>\n'), mode: 0o644 },
    { name: 'resources/default_app.asar', body: Buffer.alloc(0), mode: 0o644 },
  ];
}
