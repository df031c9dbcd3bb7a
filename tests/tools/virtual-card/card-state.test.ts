import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cardPublicKeys, loadCardState, newCardState, publicKeyOf, saveCardState } from '../../../tools/virtual-card/card-state.ts';

const dir = mkdtempSync(join(tmpdir(), 'card-state-'));
afterAll(() => rmSync(dir, { recursive: true }));
const seed = new Uint8Array(32).fill(7);

describe('a new card', () => {
  it('follows from its seed alone', () => {
    expect(newCardState({ label: 'lin', seed })).toEqual(newCardState({ label: 'lin', seed }));
    const other = newCardState({ label: 'lin', seed: new Uint8Array(32).fill(8) });
    const keys = cardPublicKeys(newCardState({ label: 'lin', seed }));
    for (const role of ['sig', 'aut', 'dec'] as const) expect(cardPublicKeys(other)[role]).not.toEqual(keys[role]);
    expect(new Set([keys.sig, keys.aut, keys.dec].map((key) => Buffer.from(key).toString('hex'))).size).toBe(3);
  });

  it('has no key to ask for where it is of another kind', () => {
    const card = newCardState({ label: 'rsa', seed, rsaOnly: true });
    expect(() => cardPublicKeys(card)).toThrow('no sig key');
  });

  it.each([
    // RFC 8032 §7.1 test 1; RFC 7748 §6.1, Alice.
    ['ed25519', '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'],
    ['x25519', '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a', '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a'],
  ] as const)('derives its %s public keys', (algorithm, secret, publicKey) => {
    expect(Buffer.from(publicKeyOf(algorithm, Buffer.from(secret, 'hex'))).toString('hex')).toBe(publicKey);
  });
});

describe('a card on disk', () => {
  it('comes back as it was, for its owner only, and leaves no draft', () => {
    const path = join(dir, 'lin.json');
    const state = newCardState({ label: 'lin', seed, kdf: true, privateObjects: true, touch: { sig: true } });
    saveCardState(path, state);
    saveCardState(path, state);
    expect(loadCardState(path)).toEqual(state);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir)).toEqual(['lin.json']);
  });

  it('is refused where it is not a card', () => {
    const path = join(dir, 'not-a-card.json');
    writeFileSync(path, '{"format":"imi-virtual-card/1"}');
    expect(() => loadCardState(path)).toThrow();
  });
});
