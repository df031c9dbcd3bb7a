import { verify, createPublicKey } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { OpenPgpInfo, RawCard } from '../../src/contract/device-host.ts';
import type { Result } from '../../src/contract/result.ts';
import type { DeviceHost } from '../../src/drivers/device-host.ts';
import { loadCardState, openpgpFingerprint, type NewCard } from '../../tools/virtual-card/card-state.ts';
import type { CommandPattern } from '../../tools/virtual-card/control.ts';
import { slotIs, startRig, whyNoReaders, type Rig } from './device-rig.ts';

const why = whyNoReaders();

const ascii = (digits: string): Uint8Array => Uint8Array.from(Buffer.from(digits, 'ascii'));
const adminPin = (): Uint8Array => ascii('4815162342');
const resetCode = (): Uint8Array => ascii('739154820617');
const avoid = ['000000199108232264', '19910823'];

function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.failure.code} ${result.failure.detail ?? ''}`);
  return result.value;
}
const brief = (result: Result<unknown>): unknown => (result.ok ? result.value : result.failure.code);

describe.skipIf(why !== null)(`a card is made${why === null ? '' : ` (${why})`}`, () => {
  let rig: Rig;
  let host: DeviceHost;
  let last = 0;

  beforeAll(async () => {
    rig = await startRig();
    host = rig.host('smartcard');
  }, 30_000);
  afterAll(() => rig.stop());
  afterEach(async () => {
    await rig.hand.fault(null);
    await rig.hand.pull();
    await slotIs(host, rig.reader, 'no-card');
  });

  async function inserted(path: string): Promise<number> {
    await rig.hand.insert(path);
    last = (await slotIs(host, rig.reader, 'card-present', last + 1)).insertion;
    return last;
  }
  async function raw(path: string): Promise<{ insertion: number; card: RawCard }> {
    const insertion = await inserted(path);
    return { insertion, card: valueOf(await host.call('card.open-raw', { reader: rig.reader, insertion })) };
  }
  const make = (insertion: number): Promise<Result<OpenPgpInfo>> => host.call('card.make', { insertion, adminPin: adminPin(), resetCode: resetCode() });
  const blank = (card: Partial<NewCard> = {}): string => rig.card({ blank: true, ...card });

  test('from blank to a card that signs, proves and agrees, with the person’s own PIN', async () => {
    const path = blank();
    const { insertion, card } = await raw(path);
    expect(card).toEqual({ version: '3.4', keys: { sig: null, aut: null, dec: null }, state: 'blank' });
    expect(brief(await host.call('card.authenticate', { insertion, data: new Uint8Array(32) }))).toBe('card-error');
    const info = valueOf(await make(insertion));
    expect(info).toMatchObject({ pinPerSignature: true, signatureCount: 1, tries: { pw1: 3, resetCode: 3, pw3: 3 } });

    const state = loadCardState(path);
    expect(Buffer.from(state.pw3.value, 'hex').toString()).toBe('4815162342');
    expect(Buffer.from(state.resetCode?.value ?? '', 'hex').toString()).toBe('739154820617');
    for (const role of ['sig', 'aut', 'dec'] as const) {
      const { fingerprint, createdAt } = state.keys[role];
      expect(fingerprint).toBe(Buffer.from(openpgpFingerprint(role === 'dec' ? 'x25519' : 'ed25519', info.keys[role], createdAt)).toString('hex'));
    }

    expect(brief(await host.call('card.choose-pin', { insertion, newPin: ascii('910823'), avoid }))).toEqual({ chosen: false, weakness: 'personal' });
    expect(brief(await host.call('card.choose-pin', { insertion, newPin: ascii('480213'), avoid }))).toEqual({ chosen: true });
    const data = new Uint8Array(900).fill(7);
    const proof = valueOf(await host.call('card.authenticate', { insertion, data }));
    const aut = createPublicKey({ key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), info.keys.aut]), format: 'der', type: 'spki' });
    expect(verify(null, data, aut, proof)).toBe(true);
    expect(brief(await host.call('card.sign', { insertion, data }))).toBe('card-error');
    expect(brief(await host.call('card.verify', { insertion, purpose: 'sign', pin: ascii('123456') }))).toEqual({ verified: false, triesLeft: 2 });
    expect(brief(await host.call('card.verify', { insertion, purpose: 'sign', pin: ascii('480213') }))).toEqual({ verified: true });
    expect(valueOf(await host.call('card.sign', { insertion, data })).length).toBe(64);
  });

  test('whoever calls keeps no secret', async () => {
    const { insertion } = await raw(blank());
    const secrets = { adminPin: adminPin(), resetCode: resetCode() };
    const making = host.call('card.make', { insertion, ...secrets });
    expect([...secrets.adminPin, ...secrets.resetCode].every((byte) => byte === 0)).toBe(true);
    valueOf(await making);
  });

  test.each<[name: string, card: Partial<NewCard>, expected: string]>([
    ['RSA only', { rsaOnly: true }, 'card-wrong-curve'],
    ['an AUT key for hashes only', { blank: true, style: { longestChallenge: 64 } }, 'card-aut-short'],
    ['somebody’s keys', {}, 'card-not-blank'],
    ['no keys, and another admin PIN', { blank: true, adminPin: '87654321' }, 'card-not-blank'],
    ['no keys, and another PIN', { blank: true, pin: '654321' }, 'card-not-blank'],
  ])('refused: %s', async (_, card, expected) => {
    const { insertion } = await raw(rig.card(card));
    expect(brief(await make(insertion))).toBe(expected);
  });

  test('a used card is wiped, and then made', async () => {
    const path = rig.card({ kdf: true, adminPin: '87654321' });
    const before = await raw(path);
    expect(before.card.state).toBe('used');
    expect(before.card.keys.aut?.length).toBe(32);
    expect(valueOf(await host.call('card.wipe', { insertion: before.insertion }))).toMatchObject({ state: 'blank', keys: { aut: null } });
    const info = valueOf(await make(before.insertion));
    expect(info.keys.aut).not.toEqual(before.card.keys.aut);
  });

  /** What the card is asked, in order; it is pulled right after each. */
  const steps: { name: string; at: CommandPattern }[] = [
    { name: 'the admin PIN', at: { ins: 0x20, p1: 0x00, p2: 0x83 } },
    { name: 'one signature a PIN', at: { ins: 0xda, p1: 0x00, p2: 0xc4 } },
    { name: 'attributes', at: { ins: 0xda, p1: 0x00, p2: 0xc2 } },
    { name: 'a key', at: { ins: 0x47, p1: 0x80, p2: 0x00 } },
    { name: 'a fingerprint', at: { ins: 0xda, p1: 0x00, p2: 0xc9 } },
    { name: 'the trial signature', at: { ins: 0x2a, p1: 0x9e, p2: 0x9a } },
    { name: 'the trial proof', at: { ins: 0x88, p1: 0x00, p2: 0x00 } },
    { name: 'the trial agreement', at: { ins: 0x2a, p1: 0x80, p2: 0x86 } },
    { name: 'the reset code', at: { ins: 0xda, p1: 0x00, p2: 0xd3 } },
    { name: 'the new admin PIN', at: { ins: 0x24, p1: 0x00, p2: 0x83 } },
  ];
  test.each(steps)('pulled after $name: the next try succeeds', async ({ at }) => {
    const path = blank();
    const first = await raw(path);
    await rig.hand.fault({ kind: 'vanish-after', at });
    expect(brief(await make(first.insertion))).toBe('card-removed');
    await rig.hand.fault(null);
    await slotIs(host, rig.reader, 'no-card');
    const again = await raw(path);
    if (again.card.state === 'used') valueOf(await host.call('card.wipe', { insertion: again.insertion }));
    expect(valueOf(await make(again.insertion)).signatureCount).toBe(1);
  });

  test.each([
    { name: 'a PIN is blocked', at: { ins: 0x20, p1: 0x00, p2: 0x83 } },
    { name: 'it was terminated', at: { ins: 0xe6 } },
  ])('pulled while it is wiped, after $name: wiping goes on', async ({ at }) => {
    const path = rig.card();
    const first = await raw(path);
    await rig.hand.fault({ kind: 'vanish-after', at });
    expect(brief(await host.call('card.wipe', { insertion: first.insertion }))).toBe('card-removed');
    await rig.hand.fault(null);
    await slotIs(host, rig.reader, 'no-card');
    const again = await raw(path);
    expect(again.card.state).toBe('used');
    expect(valueOf(await host.call('card.wipe', { insertion: again.insertion })).state).toBe('blank');
  });

  test('a blocked PIN comes back with the reset code, and a wrong code never spends its last try', async () => {
    const path = blank();
    const { insertion } = await raw(path);
    valueOf(await make(insertion));
    const unblock = (code: string, pin: string) => host.call('card.unblock', { insertion, resetCode: ascii(code), newPin: ascii(pin), avoid });
    expect(brief(await unblock('739154820617', '111111'))).toEqual({ chosen: false, weakness: 'repeated' });
    expect(brief(await unblock('000000000000', '480213'))).toEqual({ codeWrong: true, triesLeft: 2 });
    expect(brief(await unblock('739154820617', '480213'))).toEqual({ chosen: true });
    expect(brief(await host.call('card.verify', { insertion, purpose: 'user', pin: ascii('480213') }))).toEqual({ verified: true });
    await unblock('000000000000', '480213');
    await unblock('000000000000', '480213');
    expect(brief(await unblock('739154820617', '480213'))).toBe('card-code-blocked');
    expect(loadCardState(path).resetCode?.triesLeft).toBe(1);
  });
});
