import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { hubFileSchema, type HubFile } from '../contract/hub-file.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { secretsOf } from '../hub/key-file.ts';
import { socketPathIn } from '../ledger/client/hub-address.ts';
import { connectHub } from '../ledger/client/hub-client.ts';
import { createLightClient } from '../ledger/client/light-client.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import { ed25519Signer, type MemorySigner } from '../ledger/node-signer.ts';
import type { Act, PartyEnrol, PartyRotate, StaffRole } from '../ledger/verify/acts.ts';
import { fromBase64url, fromHex, toHex } from '../ledger/verify/bytes.ts';
import { openEnvelope, signEnvelope } from '../ledger/verify/envelope.ts';
import { createDistrict } from '../main/district.ts';
import { readWords, refused } from './arguments.ts';
import { CardFailed, CardsAtHand, isBinding, type CardSigner } from './cards-at-hand.ts';
import { openTerminal } from './terminal.ts';
import { readValidatorKey } from './validator-key.ts';

export const usage = `imi enrol party FILE --key AUTHORITY-KEY [--key …] WHERE
imi enrol rotate-party FILE --key AUTHORITY-KEY [--key …] WHERE
imi enrol suspend-party|resume-party|retire-party NAME --key AUTHORITY-KEY [--key …] WHERE
imi enrol validator PUBLIC-KEY --power N --key AUTHORITY-KEY [--key …] WHERE
imi enrol staff --party NAME --role ROLE --until YYYY-MM-DD --key KEY [--binding smartcard|pcsclite] WHERE
imi enrol retire-staff ID --key KEY WHERE
imi enrol bring FILE --hub FILE --data DIR
  WHERE: --hub FILE --data DIR, on the hub’s machine while it runs (DIR is the hub’s folder); or --hub FILE --out FILE, to be brought there.
  party: FILE is JSON: id, party (agency, auditor, registrar, keeper, gateway, hub, witness, authority), sign and seal as base64url, names, and for
  an agency its purposes, each with id, claims and longestDays. As many keys of the authority as the ledger asks for.
  rotate-party: FILE is JSON: id, current (its signing key until now), and sign, seal or both, the new ones. retire-party is for good.
  validator: PUBLIC-KEY of an agency’s CometBFT, as its file has it under pub_key; power 0 takes it away. In force two blocks later.
  staff: the person’s card goes into any reader, and signs a trial with its PIN. ROLE: staff, technician, registrar, officer or auditor. KEY: of the party that
  the person works for.`;

const options = {
  key: { type: 'string', multiple: true },
  party: { type: 'string' },
  power: { type: 'string' },
  role: { type: 'string' },
  until: { type: 'string' },
  binding: { type: 'string', default: 'smartcard' },
  hub: { type: 'string' },
  data: { type: 'string' },
  out: { type: 'string' },
} as const;
type Options = ReturnType<typeof readWords<typeof options>>['values'];

type Failed = Failure<string>;

/** How long the signatures are good: whoever carries them to the hub has a week. */
const goodForSeconds = 7 * 86_400;
const recordWaitMs = 10_000;

/** Who belongs to a district: parties and validators by its authority, people by the party that they work for. 0: recorded, or written; 1: refused, the code is on stderr; 2: called wrongly. */
export async function run(args: string[]): Promise<number> {
  const done = await enrol(args);
  if (done.ok) {
    process.stdout.write(`${done.value}\n`);
    return 0;
  }
  if (done.failure.code !== 'usage') return refused(done.failure);
  process.stderr.write(`${done.failure.detail ?? ''}\n${usage}\n`);
  return 2;
}

async function enrol(args: string[]): Promise<Result<string, Failed>> {
  try {
    const { positionals, values } = readWords(args, options);
    const [what, name = '', ...others] = positionals;
    if (others.length > 0 || values.hub === undefined) return fail('usage', 'Something is missing, or there is too much.');
    const hubFile = hubFileSchema.parse(JSON.parse(readFileSync(values.hub, 'utf8')));
    if (what === 'bring') return await bring(new Uint8Array(readFileSync(name)), hubFile, values);
    const keys = signersOf(values.key ?? []);
    if (!keys.ok) return keys;
    if (what === 'staff') return await enrolStaff(keys.value, hubFile, values);
    const act = actOf(what ?? '', name, values.power);
    return act.ok ? await record(act.value, keys.value, hubFile, values) : act;
  } catch (error) {
    if (error instanceof CardFailed) return { ok: false, failure: error.failure };
    // An option that is not ours, a file that is not there or not what it should be.
    return fail('usage', error instanceof z.ZodError ? error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ') : error instanceof Error ? error.message : '');
  }
}

const key32 = z
  .string()
  .transform((text) => fromBase64url(text) ?? new Uint8Array())
  .refine(({ length }) => length === 32, 'a key is 32 bytes as base64url');
const partyName = z.string().regex(/^[a-z0-9-]{3,40}$/, 'a party’s name is 3 to 40 of a-z, 0-9 and -');

const partySchema = z.strictObject({
  id: partyName,
  party: z.enum(['authority', 'agency', 'hub', 'gateway', 'registrar', 'keeper', 'auditor', 'witness']),
  sign: key32,
  seal: key32,
  names: z.strictObject({ 'zh-Hans': z.string().min(1).max(80), en: z.string().min(1).max(80) }),
  purposes: z.array(z.strictObject({ id: z.string().min(1).max(80), claims: z.array(z.string().min(1).max(60)).min(1), longestDays: z.int().min(1) })).optional(),
});

const rotationSchema = z.strictObject({ id: partyName, current: key32, sign: key32.optional(), seal: key32.optional() });

/** What needs nobody's card. `name` is a file, a name, an id or a key. Throws where a file is not what it should be. */
function actOf(what: string, name: string, power: string | undefined): Result<Act, Failure<'usage'>> {
  switch (what) {
    case 'party':
      return ok(partyOf(readJson(name)));
    case 'rotate-party':
      return ok(rotationOf(readJson(name)));
    case 'suspend-party':
    case 'resume-party':
      return ok({ kind: 'party.suspend', id: partyName.parse(name), suspended: what === 'suspend-party' });
    case 'retire-party':
      return ok({ kind: 'party.retire', id: partyName.parse(name) });
    case 'validator': {
      const key = readValidatorKey(name);
      if (key === undefined) return fail('usage', 'Which validator? A key has 32 bytes, in base64.');
      return /^\d{1,13}$/.test(power ?? '') ? ok({ kind: 'validator.set', key: [-19, key], power: Number(power) }) : fail('usage', 'With which --power? 0 takes it away.');
    }
    case 'retire-staff': {
      const id = /^[0-9a-f]{32}$/.test(name) ? fromHex(name) : undefined;
      return id === undefined ? fail('usage', 'Whose? An id has 32 hexadecimal digits.') : ok({ kind: 'staff.retire', id });
    }
    default:
      return fail('usage', 'What is to be enrolled?');
  }
}

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

function rotationOf(file: unknown): PartyRotate {
  const { id, current, sign, seal } = rotationSchema.parse(file);
  return { kind: 'party.rotate', id, current: [-19, current], ...(sign === undefined ? {} : { sign: [-19, sign] }), ...(seal === undefined ? {} : { seal: [-25, seal] }) };
}

function partyOf(file: unknown): PartyEnrol {
  const { id, party, sign, seal, names, purposes } = partySchema.parse(file);
  return { kind: 'party.enrol', id, party, sign: [-19, sign], seal: [-25, seal], names, ...(purposes === undefined ? {} : { purposes }) };
}

const roles: readonly StaffRole[] = ['staff', 'technician', 'registrar', 'officer', 'auditor'];

async function enrolStaff(keys: readonly MemorySigner[], hubFile: HubFile, values: Options): Promise<Result<string, Failed>> {
  const { party, until: untilText, binding } = values;
  const role = roles.find((one) => one === values.role);
  const until = Date.parse(`${untilText ?? ''}T00:00:00Z`) / 1000;
  if (party === undefined || role === undefined || !Number.isInteger(until) || !isBinding(binding)) return fail('usage', 'For which party, in which role, until when?');
  const terminal = openTerminal(process.stdin, process.stderr);
  const cards = new CardsAtHand(terminal, { binding, reader: null });
  try {
    const card = await cards.signer('the person’s card', null);
    if (!card.ok) return card;
    const { info } = card.value;
    const tried = await tryOut(card.value);
    await card.value.release();
    if (!tried.ok) return tried;
    const id = new Uint8Array(randomBytes(16));
    const recorded = await record({ kind: 'staff.enrol', id, party, role, sig: [-19, info.keys.sig], aut: [-19, info.keys.aut], until }, keys, hubFile, values);
    return recorded.ok ? ok(`${recorded.value}\nTheir id: ${toHex(id)}`) : recorded;
  } finally {
    cards.stop();
    terminal.close();
  }
}

/** With its holder's PIN: a card that signs only a hash or a first piece of what it is given would fail at the first sign-in. `card-unsupported`. */
async function tryOut({ info, authenticate }: CardSigner): Promise<Result<null>> {
  const challenge = new Uint8Array(randomBytes(longestChallenge));
  const refusal = `its AUT key does not sign ${longestChallenge} bytes`;
  try {
    return nodeCrypto.verify([-19, info.keys.aut], challenge, await authenticate(challenge)) ? ok(null) : fail('card-unsupported', refusal);
  } catch (error) {
    if (error instanceof CardFailed && error.failure.code === 'card-error') return fail('card-unsupported', refusal);
    throw error;
  }
}

/** What a kiosk may ask a card to sign, in bytes. */
const longestChallenge = 1024;

function signersOf(paths: readonly string[]): Result<MemorySigner[], Failed> {
  const signers: MemorySigner[] = [];
  for (const path of paths) {
    const secret = secretsOf(path, ['sign']);
    if (!secret.ok) return secret;
    signers.push(ed25519Signer(secret.value.sign));
  }
  return signers.length === 0 ? fail('usage', 'Whose key signs?') : ok(signers);
}

async function record(act: Act, signers: readonly MemorySigner[], hubFile: HubFile, values: Options): Promise<Result<string, Failed>> {
  const body = { v: 1 as const, chain: hubFile.trustRoot.chain, nonce: new Uint8Array(randomBytes(16)), notAfter: Math.floor(Date.now() / 1000) + goodForSeconds, acts: [act] };
  const envelope = await signEnvelope(body, signers, nodeCrypto);
  if (values.out === undefined) return bring(envelope, hubFile, values);
  writeFileSync(values.out, envelope, { flag: 'wx' });
  return ok(`Signed: ${values.out}. Bring it to the hub within a week: imi enrol bring ${values.out}`);
}

/** Over the hub's own socket: whoever may open it may hand in what others have signed. Recorded is said once it is proved. */
async function bring(envelope: Uint8Array, hubFile: HubFile, { data }: Options): Promise<Result<string, Failed>> {
  const opened = openEnvelope(envelope, nodeCrypto);
  if (!opened.ok) return opened;
  const socketPath = data === undefined ? undefined : socketPathIn(hubFile.hub.address, resolve(data));
  if (socketPath === undefined) return fail('usage', 'This is done on the hub’s machine: --data is its folder, and its file has the address of its socket.');
  const hub = connectHub({ socketPath });
  try {
    const light = createLightClient({ hub, trustRoot: hubFile.trustRoot, crypto: nodeCrypto, clock: Date.now, maxHeadAgeMs: hubFile.maxHeadAgeMs });
    const district = createDistrict({ hub, light, crypto: nodeCrypto, kioskId: '', now: Date.now });
    const taken = await hub.call('transaction.submit', { envelope, payloads: [] });
    if (!taken.ok) return taken;
    if (taken.value.state === 'rejected') return fail(taken.value.code ?? 'request-rejected');
    const receipt = await district.receipt(opened.value.id, recordWaitMs);
    if (!receipt.ok) return receipt;
    return receipt.value === null ? fail('hub-busy', 'not recorded yet') : ok(`Recorded: ${toHex(opened.value.id)}`);
  } finally {
    hub.close();
  }
}
