/** Hosts that nobody here wrote read the card: GnuPG's scdaemon and OpenSC, through pcscd. */
import { spawn } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Pcscd, startPcscd } from '../../../tools/pcscd.ts';
import { cardPublicKeys, loadCardState, newCardState, type NewCard, saveCardState } from '../../../tools/virtual-card/card-state.ts';
import { type CardHand, startVirtualCard } from '../../../tools/virtual-card/hand.ts';

const missing = ['/usr/bin/gpg', '/usr/lib/gnupg/scdaemon', '/usr/bin/openpgp-tool'].filter((path) => !existsSync(path));
const pcscLibrary = 'libpcsclite.so.1';
const seed = new Uint8Array(32).fill(7);

describe.skipIf(missing.length > 0)(`what other hosts read${missing.length > 0 ? ` (missing: ${missing.join(', ')})` : ''}`, () => {
  let dir: string;
  let pcscd: Pcscd;
  let hand: CardHand;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'hosts-'));
    pcscd = await startPcscd({ dir });
    hand = await startVirtualCard({ ports: pcscd.ports });
  });
  afterAll(async () => {
    await hand.close();
    await pcscd.stop();
    rmSync(dir, { recursive: true });
  });

  async function run(program: string, args: readonly string[], more: Record<string, string> = {}): Promise<{ code: number | null; out: string; complaints: string }> {
    const env = { ...process.env, LC_ALL: 'C', PCSCLITE_CSOCK_NAME: pcscd.socketPath, ...more };
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 15_000 });
    const [code, out, complaints] = await Promise.all([
      new Promise<number | null>((resolve) => child.on('close', resolve)),
      text(child.stdout),
      text(child.stderr),
    ]);
    return { code, out, complaints };
  }

  /** With an agent and a scdaemon of its own, which would otherwise remember the card before. */
  async function gpg(args: readonly string[]): ReturnType<typeof run> {
    const home = { GNUPGHOME: mkdtempSync(join(dir, 'gnupg-')) };
    writeFileSync(join(home.GNUPGHOME, 'scdaemon.conf'), `disable-ccid\npcsc-driver ${pcscLibrary}\n`);
    const result = await run('gpg', args, home);
    await run('gpgconf', ['--kill', 'all'], home);
    return result;
  }

  async function insert(options: Partial<NewCard> = {}): Promise<string> {
    const path = join(dir, 'card.json');
    await hand.pull();
    saveCardState(path, newCardState({ label: 'lin', seed, ...options }));
    await hand.insert(path);
    return path;
  }

  it.each<{ name: string; options: Partial<NewCard>; says: RegExp[] }>([
    { name: 'as most are', options: {}, says: [/Signature PIN \.*: forced/, /PIN retry counter : 3 0 3/, /KDF setting \.*: off/] },
    { name: 'of the narrower style', options: { style: { attributes: 'only-inside', constructed: 'content', wrongPin: '63Cx' } }, says: [/Signature counter : 0/] },
    { name: 'with KDF, touch and a count', options: { kdf: true, touch: { sig: true }, signatureCount: 65_537 }, says: [/KDF setting \.*: on/, /Signature counter : 65537/] },
  ])('gpg --card-status: a card $name', async ({ options, says }) => {
    const path = await insert(options);
    const { code, out, complaints } = await gpg(['--no-options', '--card-status']);
    expect(complaints.replace(/gpg: (keybox|directory) .* created\n/g, '')).toBe('');
    expect(code).toBe(0);
    const { serial, keys } = loadCardState(path);
    expect(out).toContain(`D276000124010304FFFE${serial.toUpperCase()}0000`);
    expect(out).toMatch(/Key attributes \.*: ed25519 cv25519 ed25519/);
    for (const key of Object.values(keys)) expect(out.replaceAll(/\s/g, '')).toContain(key.fingerprint.toUpperCase());
    for (const line of says) expect(out).toMatch(line);
  });

  it('openpgp-tool: holder and keys', async () => {
    const path = await insert();
    const { code, out, complaints } = await run('openpgp-tool', ['-r', pcscd.readerNames.resident, '-U', '-C', '-K']);
    expect(complaints).toBe('');
    expect(code).toBe(0);
    expect(out).toMatch(/Version: +3\.4/);
    expect(out).toMatch(/Language: +zh/);
    expect(out).toMatch(/Sig Algorithm: +EDDSA/);
    expect(out).toMatch(/Aut Algorithm: +EDDSA/);
    expect(out).toMatch(/Dec Algorithm: +ECDH/);
    expect(out.replaceAll(':', '')).toContain(loadCardState(path).keys.sig.fingerprint);
  });

  it('openpgp-tool: the right PIN, and a wrong one that costs a try', async () => {
    const path = await insert();
    expect((await run('openpgp-tool', ['--verify', 'CHV1', '--pin', '123456'])).code).toBe(0);
    expect((await run('openpgp-tool', ['--verify', 'CHV1', '--pin', '654321'])).code).not.toBe(0);
    expect(loadCardState(path).pw1.triesLeft).toBe(2);
  });

  it('opensc-tool: names the card, and hands its signature through', async () => {
    const path = await insert();
    expect((await run('opensc-tool', ['-n'])).out).toContain('OpenPGP card v3.4');
    const commands = ['00A4040006D27600012401', '0020008106313233343536', '002A9E9A0301020300'];
    const { code, out } = await run('opensc-tool', ['-r', pcscd.readerNames.resident, ...commands.flatMap((command) => ['-s', command])]);
    expect(code).toBe(0);
    const last = out.slice(out.lastIndexOf('Received'));
    const bytes = [...last.matchAll(/^((?:[0-9A-F]{2} ){1,16})/gm)].map(([, line]) => line?.replaceAll(' ', '')).join('');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(cardPublicKeys(loadCardState(path)).sig).toString('base64url') }, format: 'jwk' });
    expect(verify(null, Buffer.from('010203', 'hex'), key, Buffer.from(bytes.slice(0, 128), 'hex'))).toBe(true);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ signatureCount: 1 });
  });
});
