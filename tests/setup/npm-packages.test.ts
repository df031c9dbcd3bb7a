import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hasNpmPackages } from '../../setup/npm-packages.mjs';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'imi-setup-'));
  mkdirSync(join(root, 'node_modules'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const a = { version: '1.0.0', integrity: 'sha512-a' };
const b = { version: '2.0.0', integrity: 'sha512-b' };

describe('whether node_modules is as locked', () => {
  test.each([
    { name: 'the same packages', locked: { '': {}, 'node_modules/a': a }, installed: { 'node_modules/a': a }, as: true },
    { name: 'another version', locked: { 'node_modules/a': a }, installed: { 'node_modules/a': { ...a, version: '1.0.1' } }, as: false },
    { name: 'another content under the same version', locked: { 'node_modules/a': a }, installed: { 'node_modules/a': { ...a, integrity: 'sha512-x' } }, as: false },
    { name: 'one is missing', locked: { 'node_modules/a': a, 'node_modules/b': b }, installed: { 'node_modules/a': a }, as: false },
    { name: 'one for other machines is missing', locked: { 'node_modules/a': a, 'node_modules/b': { ...b, optional: true } }, installed: { 'node_modules/a': a }, as: true },
    { name: 'one is there that is not locked', locked: { 'node_modules/a': a }, installed: { 'node_modules/a': a, 'node_modules/b': b }, as: false },
    { name: 'an installation that was broken off', locked: { 'node_modules/a': a }, installed: null, as: false },
  ])('$name: $as', ({ locked, installed, as }) => {
    writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: locked }));
    if (installed !== null) writeFileSync(join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages: installed }));
    expect(hasNpmPackages(root)).toBe(as);
  });
});
