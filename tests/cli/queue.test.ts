import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hubServerFileSchema } from '../../src/contract/hub-file.ts';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { demoId } from '../../tools/demo/demo-keys.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { must } from '../hub/visitor.ts';

const program = join(import.meta.dirname, '../../src/cli/imi.ts');
const lin = demoId('lin');
let folder: string;
let world: World;
let hub: Hub;

interface Done {
  code: number;
  out: string;
  err: string;
}
const imi = (...args: string[]): Promise<Done> =>
  new Promise((resolve) => {
    execFile(process.execPath, [program, 'queue', ...args], (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }));
  });
const config = (): string => join(folder, 'mine', 'queue.json');

/** A queue system of one's own, from `init` to the hub's file. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'imi-queue-cli-'));
  world = await seedWorld(folder);
  const made = await imi('init', '--dir', join(folder, 'mine'), '--name', 'big-hall', '--gateway', 'http://127.0.0.1:1');
  expect(made.code).toBe(0);
  const { queue } = JSON.parse(made.out) as { queue: { name: string; key: string } };
  const serverFile = hubServerFileSchema.parse({ ...world.serverFile, gateway: { ...world.serverFile.gateway, queue: { ...queue, letter: 'B' } } });
  hub = must(await openHub({ hubFile: world.hubFile, serverFile, dataDir: world.hubDir }));
  writeFileSync(config(), readFileSync(config(), 'utf8').replace('http://127.0.0.1:1', hub.gatewayUrl ?? ''));
}, 60_000);
afterAll(async () => {
  await hub.close();
  rmSync(folder, { recursive: true });
});

it('keeps its key to itself, and writes over nothing', async () => {
  expect(statSync(join(folder, 'mine', 'queue.key.json')).mode & 0o777).toBe(0o600);
  const again = await imi('init', '--dir', join(folder, 'mine'), '--name', 'big-hall', '--gateway', 'http://127.0.0.1:1');
  expect(again).toMatchObject({ code: 2, out: '' });
  expect(again.err).toContain('already there');
});

it('lists the numbers that wait, calls one, and says who does not wait', async () => {
  const { code } = must(hub.handOffs.put(lin, new Uint8Array(40)));
  expect(must(hub.handOffs.place(lin, code))).toEqual({ ticket: 'B001', counter: null });
  expect(await imi('tickets', '--config', config())).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^B001 {2}waiting {2}until \d{4}-/) });
  expect(await imi('call', 'B001', '7', '--config', config())).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^B001 {2}called to counter 7 {2}until/) });
  expect(must(hub.handOffs.place(lin, code))).toEqual({ ticket: 'B001', counter: '7' });
  expect(await imi('call', 'B002', '7', '--config', config())).toEqual({ code: 1, out: '', err: 'imi queue: ticket-unknown (404)\n' });
  expect(await imi('requests', '--config', config())).toEqual({ code: 0, out: '', err: '' });
});

it('follows what happens until it is told to stop', async () => {
  const { code } = must(hub.handOffs.put(lin, new Uint8Array(40)));
  const watching = spawn(process.execPath, [program, 'queue', 'watch', '--config', config(), '--json']);
  let out = '';
  watching.stdout.on('data', (piece: Buffer) => (out += piece.toString()));
  const ended = new Promise<number | null>((resolve) => void watching.once('close', resolve));
  await expect.poll(() => out, { timeout: 10_000 }).toContain('"ticket":"B001"');
  must(hub.handOffs.place(lin, code));
  // What changes again before it is told is told as it is by then.
  await expect.poll(() => out, { timeout: 10_000 }).toContain('"ticket":"B002"');
  must(hub.handOffs.drop(lin, code));
  await expect.poll(() => out.trim().split('\n').map((line) => JSON.parse(line) as unknown), { timeout: 10_000 }).toMatchObject([
    { event: 'ticket', ticket: 'B001', state: 'called', counter: '7' },
    { event: 'ticket', ticket: 'B002', state: 'waiting' },
    { event: 'ticket', ticket: 'B002', state: 'ended' },
  ]);
  watching.kill('SIGTERM');
  expect(await ended).toBe(0);
});

it.each([
  { name: 'nothing', args: [] },
  { name: 'no configuration', args: ['tickets'] },
  { name: 'what it does not know', args: ['close', '--config', 'x'] },
  { name: 'a counter too few', args: ['call', 'B001'] },
  { name: 'a ticket that is none', args: ['call', '17', '3'] },
  { name: 'a counter that is none', args: ['call', 'B001', 'three'] },
])('called with $name, it says how it is called', async ({ args }) => {
  const called = await imi(...args, ...(args[0] === 'call' ? ['--config', config()] : []));
  expect(called).toMatchObject({ code: 2, out: '' });
  expect(called.err).not.toBe('');
});
