import { describe, expect, test } from 'vitest';
import { bindings, importsOf, loadsOf, objection, waysTo } from './arrows.ts';
import { readText, repositoryFiles } from './repository.ts';

const sources = repositoryFiles().filter((path) => /^(src|tools|bench)\/.*\.(ts|mts|vue|js|mjs)$/.test(path));
const imports = sources.flatMap((path) => importsOf(path, readText(path)).map((imported) => ({ path, imported })));

test('every import of the house follows an arrow of the design', () => {
  expect(imports.length).toBeGreaterThan(10);
  expect(imports.map(({ path, imported }) => objection(path, imported)).filter((said) => said !== null)).toEqual([]);
});

test.each(bindings)('the binding %s is loaded by one file', (binding) => {
  const loaders = new Set(imports.filter(({ path, imported }) => path.startsWith('src/') && imported === binding).map(({ path }) => path));
  expect([...loaders]).toHaveLength(1);
});

test('no schema comes along to the screen, whose policy refuses the code that it makes', () => {
  const ofScreens = sources.filter((path) => path.startsWith('src/renderer/') && /\.(ts|vue)$/.test(path));
  expect(waysTo('zod', ofScreens, (path) => (sources.includes(path) && /\.(ts|vue)$/.test(path) ? readText(path) : undefined))).toEqual([]);
});

describe('the test itself', () => {
  test.each([
    { name: 'the screens know the ledger', path: 'src/renderer/pages/home.vue', imported: '../../ledger/verify/cbor.ts' },
    { name: 'the screens know Node', path: 'src/renderer/app.ts', imported: 'node:fs' },
    { name: 'a driver knows the visit', path: 'src/drivers/host.ts', imported: '../main/visit/machine.ts' },
    { name: 'the proofs know Node', path: 'src/ledger/verify/head.ts', imported: 'node:crypto' },
    { name: 'the proofs know the rules', path: 'src/ledger/verify/head.ts', imported: '../rules.ts' },
    { name: 'the kiosk knows the engine', path: 'src/main/kiosk.ts', imported: '../ledger/engines/embedded.ts' },
    { name: 'the kiosk knows the hub', path: 'src/main/kiosk.ts', imported: '../hub/hub.ts' },
    { name: 'the visit knows a shell', path: 'src/main/visit/machine.ts', imported: '../shells/chromium.ts' },
    { name: 'the visit knows Electron', path: 'src/main/visit/machine.ts', imported: 'electron' },
    { name: 'a command knows a shell', path: 'src/cli/kiosk.ts', imported: '../main/shells/chromium.ts' },
    { name: 'the kiosk knows a stand-in', path: 'src/main/kiosk.ts', imported: '../../tools/virtual-card/openpgp-card.ts' },
    { name: 'the hub knows a test', path: 'src/hub/hub.ts', imported: '../../tests/house/arrows.ts' },
    { name: 'the keeper knows the registrar', path: 'src/keeper/store.ts', imported: '../registrar/issuer.ts' },
    { name: 'the contract knows a part', path: 'src/contract/bridge.ts', imported: '../ledger/verify/acts.ts' },
  ])('objects when $name', ({ path, imported }) => {
    expect(objection(path, imported)).not.toBeNull();
  });

  test.each([
    { name: 'anyone knows the contract', path: 'src/drivers/host.ts', imported: '../contract/result.ts' },
    { name: 'a part knows itself', path: 'src/main/visit/machine.ts', imported: '../outbox.ts' },
    { name: 'the kiosk knows the light client', path: 'src/main/kiosk.ts', imported: '../ledger/client/light-client.ts' },
    { name: 'the hub knows the engine', path: 'src/hub/hub.ts', imported: '../ledger/engines/embedded.ts' },
    { name: 'the shell knows Electron', path: 'src/main/shells/electron.ts', imported: 'electron' },
    { name: 'a stand-in knows the kiosk', path: 'tools/demo/start.ts', imported: '../../src/main/kiosk.ts' },
  ])('is content when $name', ({ path, imported }) => {
    expect(objection(path, imported)).toBeNull();
  });

  test('finds the way over which a package comes', () => {
    const files: Record<string, string> = {
      'src/renderer/Page.vue': `<script setup lang="ts">import type { A } from '../contract/a.ts'; import { b } from '../contract/b.ts'; b();</script>`,
      'src/contract/a.ts': `import { z } from 'zod'; export type A = z.infer<typeof z>;`,
      'src/contract/b.ts': `import { c } from './c.ts'; export const b = c;`,
      'src/contract/c.ts': `import * as z from 'zod'; export const c = z;`,
    };
    expect(waysTo('zod', ['src/renderer/Page.vue'], (path) => files[path])).toEqual(['src/renderer/Page.vue → src/contract/b.ts → src/contract/c.ts']);
    expect(loadsOf('x.ts', `import type { A } from 'types'; import { b } from 'values'; export { b };`)).toEqual(['values']);
  });

  test('sees imports of every form', () => {
    const script = [
      `import { a } from 'static';`,
      `import type { B } from 'types';`,
      `export { c } from 'passed-on';`,
      `const d = await import('dynamic');`,
      `const e = require('required');`,
    ].join('\n');
    expect(importsOf('x.ts', script).toSorted()).toEqual(['dynamic', 'passed-on', 'required', 'static', 'types']);
    expect(importsOf('x.vue', `<template><p /></template>\n<script setup lang="ts">\n${script}\n</script>`)).toHaveLength(5);
  });
});
