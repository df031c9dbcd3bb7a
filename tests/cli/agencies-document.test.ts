import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { connectHub } from '../../src/ledger/client/hub-client.ts';
import { seedWorld } from '../../tools/demo/world.ts';
import { must, Visitor } from '../hub/visitor.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/agencies.md'), 'utf8');
/** Each block of commands that says what becomes of it. */
const blocks = [...page.matchAll(/<!-- (run|refused) -->\n```sh\n([\s\S]*?)```/g)].map(([, fate, commands = '']) => ({ isRefused: fate === 'refused', commands }));

let folder: string;
let hub: Hub;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'imi-agencies-'));
  const dataDir = join(folder, 'out/demo');
  const world = await seedWorld(dataDir);
  hub = must(await openHub({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
  // The page's address is the demonstration's own, which another on this machine may have.
  for (const { id } of [{ id: 'tax-bureau' }]) {
    const path = join(dataDir, 'agencies', id, 'agency.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('http://127.0.0.1:7480', hub.gatewayUrl ?? ''));
  }
  for (const name of ['bin', 'docs', 'src', 'node_modules', '.runtime', 'package.json']) symlinkSync(join(root, name), join(folder, name));
  const client = connectHub({ socketPath: hub.socketPath });
  const lin = new Visitor(world, 'lin', (method, params) => client.call(method, params));
  const { id, submission } = await lin.request(await lin.signIn(), 'tax/property-tax-certificate', { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' });
  must(await client.call('transaction.submit', submission));
  must(await client.call('transaction.receipt', { transaction: id, waitMs: 5000 }));
  client.close();
});
afterAll(async () => {
  await hub.close();
  rmSync(folder, { recursive: true });
});

function shell(script: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: `${join(process.execPath, '..')}:${process.env['PATH'] ?? ''}`, HOME: folder, GATEWAY: new URL(hub.gatewayUrl ?? '').host, DEMO: 'out/demo' };
  return new Promise((resolve) => {
    const child = execFile('bash', ['-e', '-c', script], { cwd: folder, env }, (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }));
    child.stdin?.end();
  });
}

it('every command of the page for agencies does what the page says, from the first to the last', { timeout: 120_000 }, async () => {
  expect(blocks.length).toBeGreaterThan(8);
  // One shell's life: what a block sets, the next has. A refused one is to fail, and the rest goes on.
  const script = blocks.map(({ isRefused, commands }, i) => `echo "== ${i}"\n${isRefused ? `if ( ${commands.trim()} ); then echo "not refused" >&2; exit 9; fi` : commands}`).join('\n');
  const { code, stdout, stderr } = await shell(script);
  expect(`${code} ${stderr.split('\n').filter((line) => !line.startsWith('imi agency: ')).join('\n')}`).toBe('0 ');
  const said = stdout.split(/^== \d+$/m);
  expect(stdout).toContain('property_use: own-home');
  expect(stdout).toContain('name: 林悦');
  expect(stdout).toContain('"kind": "request.submit"');
  expect(stdout).toContain('"property_use": "own-home"');
  expect(stderr).toContain('imi agency: step-illegal');
  expect(stdout).toContain('"code":"signature-replayed"');
  expect(said.at(-1)).toContain('/v1/grants/{id}/reads');
});

it('lists every call of the table as the gateway has it', async () => {
  const { paths } = (await (await fetch(`${hub.gatewayUrl ?? ''}/openapi.json`)).json()) as { paths: Record<string, unknown> };
  const named = [...page.matchAll(/\/v1\/[a-z-]+(?:\/(?:[a-z-]+|\{[a-z]+\}))*/g)].map(([path]) => path);
  expect(named.length).toBeGreaterThan(12);
  expect(named.filter((path) => !(path in paths))).toEqual([]);
});
