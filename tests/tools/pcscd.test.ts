import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { type Pcscd, type PcscdOptions, startPcscd } from '../../tools/pcscd.ts';

const running: Pcscd[] = [];
const dirs: string[] = [];
const nobody = 65_534;

function newDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'pcscd-'));
  chmodSync(dir, 0o755);
  dirs.push(dir);
  return dir;
}
async function start(options: Partial<PcscdOptions> = {}): Promise<Pcscd> {
  const pcscd = await startPcscd({ dir: newDir(), ...options });
  running.push(pcscd);
  return pcscd;
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((pcscd) => pcscd.stop()));
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true });
});

const readersOf = async ({ socketPath }: Pcscd): Promise<string> => {
  const { stdout } = await promisify(execFile)('opensc-tool', ['-l'], { env: { ...process.env, PCSCLITE_CSOCK_NAME: socketPath } });
  return stdout;
};
const refuses = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.on('connect', () => (socket.destroy(), resolve(false)));
    socket.on('error', () => resolve(true));
  });

describe('a PC/SC daemon of one\'s own', () => {
  it('shows two slots by their exact names, to its owner only, on 127.0.0.1 only', async () => {
    const pcscd = await start();
    const list = await readersOf(pcscd);
    for (const name of Object.values(pcscd.readerNames)) expect(list).toContain(name);
    expect(statSync(pcscd.socketPath).mode & 0o777).toBe(0o600);
    const others = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []).filter(({ family, internal }) => family === 'IPv4' && !internal);
    for (const { address } of others) expect(await refuses(address, pcscd.ports.resident), address).toBe(true);
  });

  it('stands beside another', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    expect(one.socketPath).not.toBe(other.socketPath);
    expect(new Set([...Object.values(one.ports), ...Object.values(other.ports)]).size).toBe(4);
    expect(await readersOf(one)).toBe(await readersOf(other));
  });

  it.skipIf(process.getuid?.() !== 0)('runs as somebody without rights (needs root to become that)', async () => {
    const pcscd = await start({ uid: nobody, gid: nobody });
    expect(statSync(pcscd.socketPath).uid).toBe(nobody);
    expect(await readersOf(pcscd)).toContain(pcscd.readerNames.staff);
  });

  it('is gone when killed, and comes back behind the same socket and ports', async () => {
    const pcscd = await start();
    const { socketPath, ports } = pcscd;
    await pcscd.kill();
    expect(existsSync(socketPath)).toBe(true);
    expect(await refuses('127.0.0.1', ports.resident)).toBe(true);
    await pcscd.restart();
    expect(pcscd.socketPath).toBe(socketPath);
    expect(pcscd.ports).toEqual(ports);
    expect(await readersOf(pcscd)).toContain(pcscd.readerNames.resident);
    await pcscd.stop();
    expect(existsSync(socketPath)).toBe(false);
  });

  it('does not start vpcd without the shim', async () => {
    await expect(startPcscd({ dir: newDir(), shim: '/nowhere/vpcd-shim.so' })).rejects.toThrow('/nowhere/vpcd-shim.so is missing');
  });

  it('says so where its folder\'s name is too long for a socket', async () => {
    await expect(startPcscd({ dir: join(newDir(), 'x'.repeat(80)) })).rejects.toThrow('too long');
  });
});
