import { readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { repositoryFiles, root } from './repository.ts';

const files = repositoryFiles();
const limitBytes = 1024 * 1024;

test('no file is larger than 1 MB', () => {
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter((path) => statSync(join(root, path)).size > limitBytes)).toEqual([]);
});

test('a file is named after the one thing in it: kebab-case, components PascalCase', () => {
  const named = files.filter((path) => /^(src|tools|bench|tests|setup)\/.*\.(ts|mjs|vue)$/.test(path));
  const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*\.(ts|mjs)$/;
  const pascal = /^([A-Z][a-z0-9]*)+\.vue$/;
  expect(named.filter((path) => !kebab.test(basename(path)) && !pascal.test(basename(path)))).toEqual([]);
});

test('no file gathers what has no name', () => {
  expect(files.filter((path) => /(^|\/)(utils?|helpers?|types|common|misc)\.(ts|js|mjs)$/.test(path))).toEqual([]);
});

test('no file has two versions of a piece side by side, as a merge leaves them', () => {
  const readable = files.filter((path) => /\.(ts|mjs|vue|css|html|json|md|c|py|service)$/.test(path));
  expect(readable.filter((path) => /^(<{7}|>{7}) /m.test(readFileSync(join(root, path), 'utf8')))).toEqual([]);
});
