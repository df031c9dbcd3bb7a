import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { caseMembers, openCaseBody, openCaseShare, sealCase, type SealedCase } from '../../src/identity/case-body.ts';
import { softwareOpener } from '../../src/identity/hpke.ts';
import { openSealed } from '../../src/identity/sealing.ts';
import { x25519Public } from '../../src/identity/x25519.ts';
import type { OpenedPart } from '../../src/ledger/verify/acts.ts';
import { decodeOpenedPart } from '../../src/ledger/verify/private-part.ts';

const id = new Uint8Array(16).fill(4);
const keeper = new Uint8Array(randomBytes(32));
const secrets = { 'authority-north': new Uint8Array(randomBytes(32)), 'authority-south': new Uint8Array(randomBytes(32)), 'authority-west': new Uint8Array(randomBytes(32)) };
type Member = keyof typeof secrets;
const names = Object.keys(secrets) as Member[];
const members = names.map((party) => ({ party, seal: x25519Public(secrets[party]) }));

const opened: OpenedPart = {
  salt: new Uint8Array(16).fill(9),
  part: { kind: 'case.open', basis: 'Audit Law, article 38', subjects: [new Uint8Array(16).fill(1)], kinds: ['access.record'], from: '2026-01-01T00:00:00.000Z', to: '2026-12-01T00:00:00.000Z' },
};

let two: SealedCase;
beforeAll(async () => {
  two = await sealCase(opened, id, x25519Public(keeper), members, 2);
});

async function piece(of: SealedCase, party: Member, context = id): Promise<Uint8Array> {
  const share = await openCaseShare(of.authority, context, party, softwareOpener(secrets[party]));
  if (!share.ok) throw new Error(share.failure.code);
  return share.value;
}

test('the keeper opens its own copy', async () => {
  const content = await openSealed(two.keeper, 'case', id, softwareOpener(keeper));
  if (!content.ok) throw new Error(content.failure.code);
  expect(decodeOpenedPart(content.value)).toEqual(opened);
});

test('and finds out who holds the other one, but opens none of it', async () => {
  expect(caseMembers(two.authority)).toEqual({ threshold: 2, members: names });
  expect((await openCaseShare(two.authority, id, 'authority-north', softwareOpener(keeper))).ok).toBe(false);
  expect(Buffer.from(two.authority).includes('Audit Law')).toBe(false);
});

describe.each([
  { pair: ['authority-north', 'authority-south'] },
  { pair: ['authority-west', 'authority-north'] },
  { pair: ['authority-south', 'authority-west'] },
] as const)('$pair', ({ pair }) => {
  test('open it together', async () => {
    const pieces = await Promise.all(pair.map((party) => piece(two, party)));
    expect(await openCaseBody(two.authority, id, pieces)).toEqual({ ok: true, value: opened });
  });
});

test('all three do too, and one with k = 1', async () => {
  expect(await openCaseBody(two.authority, id, await Promise.all(names.map((party) => piece(two, party))))).toMatchObject({ ok: true });
  const one = await sealCase(opened, id, x25519Public(keeper), members, 1);
  expect(await openCaseBody(one.authority, id, [await piece(one, 'authority-west')])).toEqual({ ok: true, value: opened });
});

describe('is not opened', () => {
  test('by one of two, also when it comes twice', async () => {
    const alone = await piece(two, 'authority-north');
    expect(await openCaseBody(two.authority, id, [alone])).toMatchObject({ failure: { code: 'case-too-few' } });
    expect(await openCaseBody(two.authority, id, [alone, alone.slice()])).toMatchObject({ failure: { code: 'case-too-few' } });
  });

  test('with a piece of another case, or an invented one', async () => {
    const other = await sealCase(opened, id, x25519Public(keeper), members, 2);
    const mixed = [await piece(two, 'authority-north'), await piece(other, 'authority-south')];
    expect(await openCaseBody(two.authority, id, mixed)).toMatchObject({ failure: { code: 'seal-broken' } });
    expect(await openCaseBody(two.authority, id, [await piece(two, 'authority-north'), new Uint8Array(randomBytes(33))])).toMatchObject({ failure: { code: 'seal-broken' } });
  });

  test('by somebody who is no member, or with another member’s key', async () => {
    expect(await openCaseShare(two.authority, id, 'audit-office', softwareOpener(secrets['authority-north']))).toMatchObject({ failure: { code: 'case-not-ours' } });
    expect((await openCaseShare(two.authority, id, 'authority-north', softwareOpener(secrets['authority-south']))).ok).toBe(false);
  });

  test('under another case’s id', async () => {
    const pieces = await Promise.all((['authority-north', 'authority-south'] as const).map((party) => piece(two, party)));
    expect(await openCaseBody(two.authority, new Uint8Array(16), pieces)).toMatchObject({ failure: { code: 'seal-broken' } });
  });
});
