import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { rejectionCodes, type RejectionCode } from '../../src/contract/failures.ts';
import { genesisState } from '../../src/ledger/genesis.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import type { MemorySigner } from '../../src/ledger/node-signer.ts';
import { judge, type Place } from '../../src/ledger/rules.ts';
import { StateDraft, type StateChange } from '../../src/ledger/state.ts';
import type { Act, Body, GrantGive, RequestSubmit, ServicePublish } from '../../src/ledger/verify/acts.ts';
import { concatBytes, u64, utf8 } from '../../src/ledger/verify/bytes.ts';
import { encodeCbor } from '../../src/ledger/verify/cbor.ts';
import { encodeBody, keyId, transactionId } from '../../src/ledger/verify/envelope.ts';
import {
  body,
  chain,
  envelopeOf,
  genesis,
  idOf,
  keys,
  lin,
  now,
  register,
  registerAct,
  requestBody,
  residentOf,
  sealKeyOf,
  signerOf,
  staffAct,
} from './small-district.ts';
import { activityCases } from './rules/activity-cases.ts';
import { partyCases } from './rules/party-cases.ts';
import { residentCases } from './rules/resident-cases.ts';

const place: Place = { chain, height: 5, time: now, logIndex: 41 };
const chen = residentOf('chen');
const day = 86_400;

let state: StateDraft;

async function take(envelope: Uint8Array | Promise<Uint8Array>, at: Place = place): Promise<void> {
  const judged = judge(state, await envelope, at, nodeCrypto);
  if (!judged.ok) throw new Error(`${judged.failure.code} ${judged.failure.detail ?? ''}`);
  state.apply(judged.value.changes);
}

let firstDay: StateChange[];

beforeAll(async () => {
  const changes = genesisState(genesis, nodeCrypto);
  if (!changes.ok) throw new Error(changes.failure.code);
  state = new StateDraft({ get: () => undefined });
  state.apply(changes.value);
  await take(register(lin));
  firstDay = state.changes();
});

beforeEach(() => {
  state = new StateDraft({ get: () => undefined });
  state.apply(firstDay);
});

const partyAct = (change: object = {}): Act =>
  ({ kind: 'party.enrol', id: 'water-works', party: 'agency', sign: signerOf('water').key, seal: sealKeyOf('water'), names: { 'zh-Hans': '水务', en: 'Water' }, ...change });
const twoOfThree = [keys.authority[0], keys.authority[1]];
const service: ServicePublish = {
  kind: 'service.publish',
  id: 'tax/property-tax-certificate',
  version: 1,
  agency: 'tax-bureau',
  purpose: 'tax.certificate',
  claims: ['name'],
  languages: ['zh-Hans', 'en'],
  definition: [-16, nodeCrypto.sha256(utf8('definition'))],
};
const block: Act = { kind: 'resident.block', subject: lin.id, reason: 'lost' };
const anchor: Act = { kind: 'credential.anchor', subject: lin.id, id: idOf('credential'), private: [-16, new Uint8Array(32)], status: 4 };

const enrol = (acts: Act[], change: Partial<Body> = {}): Promise<Uint8Array> => envelopeOf(body(acts, change), twoOfThree);
const request = (change: (acts: { grant: GrantGive; submit: RequestSubmit }) => Act[], counter = 3): Promise<Uint8Array> => {
  const whole = requestBody(lin, counter).body;
  const [grant, submit] = whole.acts;
  return envelopeOf({ ...whole, acts: change({ grant: grant as GrantGive, submit: submit as RequestSubmit }) }, [lin.sig, keys.kiosk]);
};
const asResident = (acts: Act[], change: Partial<Body> = {}, signers = [lin.sig, keys.kiosk]): Promise<Uint8Array> =>
  envelopeOf(body(acts, { counter: 3, kiosk: 'hall-1', ...change }), signers);
const forged = (signer: MemorySigner): MemorySigner => ({ key: signer.key, sign: (message) => signerOf('forger').sign(message) });

/** Produced by an engine, and there tested (engines/embedded.test.ts). */
const engineCodes: readonly RejectionCode[] = ['validators-fixed'];

interface Case {
  code: RejectionCode;
  name: string;
  envelope: () => Promise<Uint8Array>;
  before?: () => Promise<void> | void;
}

const retire = (): void => {
  const resident = state.read('resident', lin.id);
  if (resident !== undefined) state.write('resident', { ...resident, state: 'retired' }, lin.id);
};

const cases: Case[] = [
  { code: 'envelope-malformed', name: 'not CBOR', envelope: () => Promise.resolve(utf8('hello')) },
  { code: 'body-malformed', name: 'a member too many', envelope: () => enrol([partyAct()], { extra: 1 } as Partial<Body>) },
  { code: 'body-malformed', name: 'a resident without the card’s counter', envelope: () => asResident([block], { counter: undefined }) },
  { code: 'body-malformed', name: 'a counter without a resident', envelope: () => enrol([partyAct()], { counter: 1 }) },
  {
    code: 'body-malformed',
    name: 'one counter for the cards of two residents',
    envelope: () => asResident([block, { ...block, subject: chen.id }], {}, [lin.sig, chen.sig, keys.kiosk]),
    before: () => take(register(chen)),
  },
  { code: 'version-unknown', name: 'version 2', envelope: () => enrol([partyAct()], { v: 2 } as unknown as Partial<Body>) },
  { code: 'algorithm-unknown', name: 'a hash of another kind', envelope: () => envelopeOf(body([{ ...anchor, private: [-44, new Uint8Array(32)] } as unknown as Act]), [keys.registrar]) },
  { code: 'chain-wrong', name: 'another chain', envelope: () => enrol([partyAct()], { chain: 'imi-other' }) },
  { code: 'expired', name: 'a second too late', envelope: () => enrol([partyAct()], { notAfter: now - 1 }) },
  { code: 'not-after-too-far', name: 'a second more than 30 days', envelope: () => enrol([partyAct()], { notAfter: now + 30 * day + 1 }) },
  { code: 'acts-count', name: 'none', envelope: () => enrol([]) },
  { code: 'acts-count', name: 'seventeen', envelope: () => enrol(Array.from({ length: 17 }, () => partyAct())) },
  {
    code: 'transaction-known',
    name: 'the same body again',
    envelope: () => envelopeOf(body([partyAct()], { nonce: idOf('again') }), twoOfThree),
    before: () => take(envelopeOf(body([partyAct()], { nonce: idOf('again') }), twoOfThree)),
  },
  { code: 'signature-invalid', name: 'signed by another key', envelope: () => envelopeOf(body([partyAct()]), [keys.authority[0], forged(keys.authority[1])]) },
  { code: 'signer-missing', name: 'one of two', envelope: () => envelopeOf(body([partyAct()]), [keys.authority[0]]) },
  { code: 'signer-missing', name: 'staff without the new card', envelope: () => envelopeOf(body([registerAct(chen)]), [keys.staff]) },
  { code: 'signer-missing', name: 'another resident', envelope: () => asResident([block], {}, [chen.sig, keys.kiosk]), before: () => take(register(chen)) },
  { code: 'signer-superfluous', name: 'three of two', envelope: () => envelopeOf(body([partyAct()]), keys.authority) },
  { code: 'signer-unknown', name: 'a key that nobody has', envelope: () => envelopeOf(body([partyAct()]), [keys.authority[0], signerOf('nobody')]) },
  { code: 'signer-role', name: 'a technician registers', envelope: () => envelopeOf(body([registerAct(chen)]), [keys.technician, chen.sig]) },
  { code: 'signer-role', name: 'the AUT key signs', envelope: () => asResident([block], {}, [lin.aut, keys.kiosk]) },
  { code: 'signer-role', name: 'an agency anchors', envelope: () => envelopeOf(body([anchor]), [keys.tax]) },
  { code: 'signer-revoked', name: 'a blocked card', envelope: () => request(({ grant, submit }) => [grant, submit]), before: () => take(envelopeOf(body([block]), [keys.staff])) },
  {
    code: 'signer-expired',
    name: 'a second after the end of office',
    envelope: () => envelopeOf(body([block]), [keys.staff]),
    before: () => {
      const staff = state.read('staff', idOf('staff'));
      if (staff !== undefined) state.write('staff', { ...staff, until: now - 1 }, idOf('staff'));
    },
  },
  { code: 'kiosk-not-attested', name: 'no kiosk named', envelope: () => asResident([block], { kiosk: undefined }, [lin.sig]) },
  { code: 'kiosk-not-attested', name: 'a kiosk named that has not signed', envelope: () => asResident([block], {}, [lin.sig]) },
  {
    code: 'kiosk-retired',
    name: 'a retired kiosk',
    envelope: () => asResident([block]),
    before: () => state.write('kiosk', { id: 'hall-1', hub: 'hub-1', key: keys.kiosk.key, state: 'retired' }, 'hall-1'),
  },
  { code: 'act-unknown', name: 'a kind of tomorrow', envelope: () => enrol([partyAct({ kind: 'party.bless' })]) },
  { code: 'act-malformed', name: 'a name too few', envelope: () => enrol([partyAct({ names: { en: 'Water' } })]) },
  { code: 'act-malformed', name: 'a kiosk whose name no challenge can carry', envelope: () => envelopeOf(body([{ kind: 'kiosk.enrol', id: 'hall/2', hub: 'hub-1', key: signerOf('hall-2').key }]), [keys.technician, keys.hub]) },
  { code: 'act-malformed', name: 'purposes of a hub', envelope: () => enrol([partyAct({ party: 'hub', purposes: [] })]) },
  { code: 'id-taken', name: 'a party', envelope: () => enrol([partyAct({ id: 'tax-bureau' })]) },
  { code: 'id-taken', name: 'a resident', envelope: () => register({ ...chen, id: lin.id }) },
  { code: 'id-taken', name: 'a grant, within one body', envelope: () => request(({ grant }) => [grant, grant]) },
  { code: 'id-taken', name: 'a credential', envelope: () => envelopeOf(body([anchor, anchor]), [keys.registrar]) },
  { code: 'key-taken', name: 'a card that is registered', envelope: () => envelopeOf(body([registerAct(chen, { aut: lin.aut.key })]), [keys.staff, chen.sig]) },
  { code: 'key-taken', name: 'a party’s key for a kiosk', envelope: () => envelopeOf(body([{ kind: 'kiosk.enrol', id: 'hall-2', hub: 'hub-1', key: keys.tax.key }]), [keys.technician, keys.hub]) },
  { code: 'key-weak', name: 'a key of small order', envelope: () => enrol([partyAct({ sign: [-19, Uint8Array.from([1, ...new Uint8Array(31)])] })]) },
  { code: 'key-weak', name: 'a sealing key whose secrets are zero', envelope: () => enrol([partyAct({ seal: [-25, new Uint8Array(32)] })]) },
  { code: 'challenge-invalid', name: 'answered by another key', envelope: () => envelopeOf(body([{ ...registerAct(chen), proof: registerAct(lin).proof }]), [keys.staff, chen.sig]) },
  { code: 'challenge-invalid', name: 'answered too long ago', envelope: () => envelopeOf(body([{ ...registerAct(chen), proof: { ...registerAct(chen).proof, notAfter: now - 1 } }]), [keys.staff, chen.sig]) },
  { code: 'party-unknown', name: 'staff of nobody', envelope: () => envelopeOf(body([staffAct('new', 'nobody', 'staff', signerOf('new'))]), [keys.hub]) },
  { code: 'party-kind', name: 'a kiosk of an agency', envelope: () => envelopeOf(body([{ kind: 'kiosk.enrol', id: 'hall-2', hub: 'tax-bureau', key: signerOf('hall-2').key }]), [keys.technician, keys.tax]) },
  { code: 'party-kind', name: 'a service of a hub', envelope: () => envelopeOf(body([{ ...service, agency: 'hub-1' }]), [keys.hub]) },
  { code: 'role-unfit', name: 'an officer of a hub', envelope: () => envelopeOf(body([staffAct('new', 'hub-1', 'officer', signerOf('new'))]), [keys.hub]) },
  { code: 'subject-unknown', name: 'nobody is blocked', envelope: () => envelopeOf(body([{ ...block, subject: idOf('nobody') }]), [keys.staff]) },
  { code: 'subject-unknown', name: 'nobody’s credential', envelope: () => envelopeOf(body([{ ...anchor, subject: idOf('nobody') }]), [keys.registrar]) },
  { code: 'subject-inactive', name: 'a retired resident', envelope: () => envelopeOf(body([anchor]), [keys.registrar]), before: retire },
  { code: 'key-inactive', name: 'blocked twice', envelope: () => envelopeOf(body([block]), [keys.staff]), before: () => take(envelopeOf(body([block]), [keys.staff])) },
  { code: 'until-past', name: 'a grant until now', envelope: () => request(({ grant }) => [{ ...grant, until: now }]) },
  { code: 'until-past', name: 'staff until now', envelope: () => envelopeOf(body([staffAct('new', 'hub-1', 'staff', signerOf('new'), now)]), [keys.hub]) },
  { code: 'until-too-far', name: 'a grant a second longer than the law', envelope: () => request(({ grant }) => [{ ...grant, until: now + 366 * day + 1 }]) },
  { code: 'until-too-far', name: 'staff for life', envelope: () => envelopeOf(body([staffAct('new', 'hub-1', 'staff', signerOf('new'), now + 3653 * day + 1)]), [keys.hub]) },
  { code: 'grant-unknown', name: 'a grant that was not given', envelope: () => request(({ submit }) => [submit]) },
  {
    code: 'grant-unknown',
    name: 'another resident’s grant',
    envelope: () => request(({ submit }) => [{ ...submit, refs: [idOf('hers')] }]),
    before: () => state.write('grant', { id: idOf('hers'), subject: chen.id, until: now + day, reads: 1, state: 'live', since: 1 }, idOf('hers')),
  },
  ...(['ended', 'live'] as const).map(
    (grantState): Case => ({
      code: 'grant-not-live',
      name: grantState === 'ended' ? 'an ended grant' : 'a grant until now',
      envelope: () => request(({ submit }) => [{ ...submit, refs: [idOf('old')] }]),
      before: () => state.write('grant', { id: idOf('old'), subject: lin.id, until: grantState === 'ended' ? now + day : now, reads: 1, state: grantState, since: 1 }, idOf('old')),
    }),
  ),
  { code: 'refs-count', name: 'a request on nothing', envelope: () => request(({ submit }) => [{ ...submit, refs: [] }]) },
  { code: 'refs-count', name: 'five refs', envelope: () => request(({ grant }) => [{ ...grant, refs: Array.from({ length: 5 }, (_, i) => idOf(`ref ${i}`)) }]) },
  { code: 'service-known', name: 'the same version again', envelope: () => envelopeOf(body([service]), [keys.tax]), before: () => take(envelopeOf(body([service]), [keys.tax])) },
  { code: 'purpose-not-owned', name: 'another’s purpose', envelope: () => envelopeOf(body([{ ...service, purpose: 'pension.payment' }]), [keys.tax]) },
  { code: 'claims-beyond-purpose', name: 'a claim too many', envelope: () => envelopeOf(body([{ ...service, claims: ['name', 'marital_status'] }]), [keys.tax]) },
];

describe('what is refused', () => {
  test.each(cases)('$code: $name', async ({ code, envelope, before }) => {
    await before?.();
    const changes = state.changes();
    expect(judge(state, await envelope(), place, nodeCrypto)).toMatchObject({ ok: false, failure: { code } });
    expect(state.changes()).toEqual(changes);
  });

  test('every code has a case', () => {
    const produced = [...cases, ...partyCases, ...residentCases, ...activityCases].map(({ code }) => code);
    expect([...new Set([...produced, ...engineCodes])].sort()).toEqual([...rejectionCodes].sort());
  });
});

describe('what is taken, at the very bounds', () => {
  const bounds: { name: string; envelope: () => Promise<Uint8Array> }[] = [
    { name: 'in the last second', envelope: () => enrol([partyAct()], { notAfter: now }) },
    { name: 'thirty days ahead', envelope: () => enrol([partyAct()], { notAfter: now + 30 * day }) },
    { name: 'a grant as long as the law allows', envelope: () => request(({ grant }) => [{ ...grant, until: now + 366 * day }]) },
    { name: 'four refs', envelope: () => request(({ grant }) => [{ ...grant, refs: Array.from({ length: 4 }, (_, i) => idOf(`ref ${i}`)) }]) },
    { name: 'a grant and the request that rests on it', envelope: () => request(({ grant, submit }) => [grant, submit]) },
    { name: 'a resident blocks their own card', envelope: () => asResident([block]) },
    { name: 'a card blocked by staff', envelope: () => envelopeOf(body([block]), [keys.staff]) },
    { name: 'a card blocked by staff at a kiosk that attests', envelope: () => envelopeOf(body([block], { kiosk: 'hall-1' }), [keys.staff, keys.kiosk]) },
    { name: 'a credential anchored by the gateway', envelope: () => envelopeOf(body([anchor]), [keys.gateway]) },
    { name: 'a kiosk', envelope: () => envelopeOf(body([{ kind: 'kiosk.enrol', id: 'hall-2', hub: 'hub-1', key: signerOf('hall-2').key }]), [keys.technician, keys.hub]) },
    { name: 'sixteen acts', envelope: () => enrol(Array.from({ length: 16 }, (_, i) => partyAct({ id: `agency-${i}`, sign: signerOf(`agency ${i}`).key, seal: sealKeyOf(`agency ${i}`) }))) },
  ];
  test.each(bounds)('$name', async ({ envelope }) => {
    await take(envelope());
    expect(state.changes().length).toBeGreaterThan(0);
  });
});

test('a resident’s chain holds every act with them as subject, in order', async () => {
  const { body: whole } = requestBody(lin, 9);
  await take(envelopeOf(whole, [lin.sig, keys.kiosk]));
  const expected = whole.acts.reduce<Uint8Array>(
    (hash, act, i) => nodeCrypto.sha256(concatBytes(utf8('imi/chain/1'), hash, u64(41), Uint8Array.of(i), nodeCrypto.sha256(encodeCbor(act)))),
    new Uint8Array(32),
  );
  expect(state.read('resident', lin.id)?.chain).toEqual({ count: 2, hash: expected });
});

test('the highest counter stays, and a lower one is no reason to refuse', async () => {
  for (const counter of [9, 4]) await take(request(({ grant }) => [{ ...grant, id: idOf(`grant with ${counter}`) }], counter));
  expect(state.read('resident', lin.id)?.counter).toBe(9);
});

test('a blocked card is blocked with all its keys, the data space stays', async () => {
  await take(envelopeOf(body([block]), [keys.staff]));
  const resident = state.read('resident', lin.id);
  const states = [resident?.sig, resident?.aut, resident?.dec, resident?.space].map((key) => key && state.read('key', keyId(key, nodeCrypto))?.state);
  expect(states).toEqual(['blocked', 'blocked', 'blocked', 'active']);
});

test('a transaction is known by its body, not by its envelope', async () => {
  const whole = requestBody(lin, 3).body;
  await take(envelopeOf(whole, [lin.sig, keys.kiosk]));
  expect(state.read('tx', transactionId(encodeBody(whole), nodeCrypto))).toEqual({ notAfter: whole.notAfter, height: 5, index: 41 });
  expect(judge(state, await envelopeOf(whole, [keys.kiosk, lin.sig]), place, nodeCrypto)).toMatchObject({ failure: { code: 'transaction-known' } });
});
