import { z } from 'zod';
import { fail } from '../../contract/result.ts';
import type { PartyRecord } from '../../ledger/verify/records.ts';
import { decodeRecord, stateKey } from '../../ledger/verify/records.ts';
import { toBase64url, toHex } from '../../ledger/verify/bytes.ts';
import { bytesText, hashText, nameText } from '../api-values.ts';
import type { GatewayParts } from '../gateway.ts';
import { answered, route, type Route } from '../route.ts';

const partySchema = z.strictObject({
  name: nameText,
  kind: z.enum(['authority', 'agency', 'hub', 'gateway', 'registrar', 'keeper', 'auditor', 'witness']),
  names: z.strictObject({ 'zh-Hans': z.string(), en: z.string() }),
  state: z.enum(['active', 'suspended', 'retired']),
  /** Raw Ed25519 and X25519 keys. */
  sign: bytesText,
  seal: bytesText,
  purposes: z.array(z.strictObject({ id: nameText, claims: z.array(z.string()), longestDays: z.int() })),
});

const partyView = (name: string, record: PartyRecord): z.input<typeof partySchema> => ({
  name,
  kind: record.party,
  names: { 'zh-Hans': record.names['zh-Hans'], en: record.names.en },
  state: record.state,
  sign: toBase64url(record.sign[1]),
  seal: toBase64url(record.seal[1]),
  purposes: record.purposes.map(({ id, claims, longestDays }) => ({ id, claims: [...claims], longestDays })),
});

/** What stands in the state under keys of these kinds may be asked for, all of it public to every node. */
const recordKey = z.string().max(200).regex(/^(?:(?:key|tx|answer)\/[0-9a-f]{64}|(?:resident|staff|grant|request|credential|access|case)\/[0-9a-f]{32}|(?:party|kiosk|service|status)\/[a-z0-9][a-z0-9./_-]{2,79}|authority|validators|sealed)$/);
const mostRecords = 32;

/** So that an agency need not believe the gateway: heads, proofs and receipts, to be checked against the trust root (ledger/verify). */
export const ledgerRoutes = ({ ledger, party }: GatewayParts, url: string): Route[] => [
  route({
    method: 'GET',
    path: '/v1/gateway',
    auth: 'none',
    summary: 'Which chain this is, and who answers',
    answers: { 200: { description: 'The gateway', schema: z.strictObject({ chain: z.string(), gateway: nameText, url: z.string().describe('What it calls itself: where answers to asks go') }) } },
    handle: async () => answered(200, { chain: ledger.chain, gateway: party.name, url }),
  }),
  route({
    method: 'GET',
    path: '/v1/parties/{name}',
    auth: 'party',
    kinds: ['agency', 'auditor', 'hub', 'registrar', 'keeper', 'authority', 'witness'],
    summary: 'A party, its keys and its purposes',
    description: 'As the ledger has it now; `/v1/ledger/records?key=party/…` gives the same with a proof.',
    params: z.strictObject({ name: nameText }),
    answers: { 200: { description: 'The party', schema: partySchema } },
    refusals: ['party-unknown'],
    handle: async ({ params: { name } }) => {
      const values = await ledger.values([stateKey.party(name)]);
      if (!values.ok) return values;
      const [value] = values.value;
      return value === null || value === undefined ? fail('party-unknown') : answered(200, partyView(name, decodeRecord('party', value)));
    },
  }),
  route({
    method: 'GET',
    path: '/v1/ledger/head',
    auth: 'party',
    kinds: ['agency', 'auditor', 'hub', 'registrar', 'keeper', 'authority', 'witness'],
    summary: 'The newest signed head',
    answers: { 200: { description: 'Signed by the validators', schema: z.strictObject({ head: bytesText }) } },
    handle: async () => {
      const head = await ledger.head();
      return head.ok ? answered(200, { head: toBase64url(head.value) }) : head;
    },
  }),
  route({
    method: 'GET',
    path: '/v1/ledger/records',
    auth: 'party',
    kinds: ['agency', 'auditor', 'hub', 'registrar', 'keeper', 'authority', 'witness'],
    summary: 'Records of the state, each with its proof',
    description: `\`keys\`: one to ${mostRecords}, with commas between. A value that is null is proven absent. All of them against one head.`,
    query: z.strictObject({ keys: z.string().min(1).max(mostRecords * 90) }),
    answers: {
      200: {
        description: 'In the order of the keys',
        schema: z.strictObject({ head: bytesText, records: z.array(z.strictObject({ key: z.string(), value: bytesText.nullable(), proof: bytesText })) }),
      },
    },
    handle: async ({ query }) => {
      const keys = query.keys.split(',');
      if (keys.length > mostRecords || keys.some((key) => !recordKey.safeParse(key).success)) return fail('call-malformed', 'query: keys');
      const read = await ledger.read(keys.map((key) => Buffer.from(key, 'ascii')));
      if (!read.ok) return read;
      const { head, entries } = read.value;
      const records = entries.map(({ value, proof }, at) => ({ key: keys[at] ?? '', value: value === null ? null : toBase64url(value), proof: toBase64url(proof) }));
      return answered(200, { head: toBase64url(head), records });
    },
  }),
  route({
    method: 'GET',
    path: '/v1/ledger/receipts/{transaction}',
    auth: 'party',
    kinds: ['agency', 'auditor', 'hub', 'registrar', 'keeper', 'authority', 'witness'],
    summary: 'The receipt of a recorded transaction, without private parts',
    params: z.strictObject({ transaction: hashText }),
    answers: { 200: { description: 'A receipt; what it proves, `imi verify-receipt` says', schema: z.strictObject({ transaction: hashText, receipt: bytesText }) } },
    refusals: ['request-unknown'],
    handle: async ({ params }) => {
      const transaction = Buffer.from(params.transaction, 'hex');
      const receipt = await ledger.receipt(transaction, 0);
      if (!receipt.ok) return receipt;
      return receipt.value === null ? fail('request-unknown') : answered(200, { transaction: toHex(transaction), receipt: toBase64url(receipt.value) });
    },
  }),
];
