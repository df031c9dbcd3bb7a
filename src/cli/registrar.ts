import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { identityClaims } from '../contract/claims.ts';
import { hubFileSchema, type HubFile } from '../contract/hub-file.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { gatewayClient, type GatewayClient } from '../gateway/client.ts';
import { secretsOf } from '../hub/key-file.ts';
import { parseRecoveryKey } from '../identity/recovery-key.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import { ed25519Signer } from '../ledger/node-signer.ts';
import type { Id, PublicKey } from '../ledger/verify/acts.ts';
import { fromBase64url, fromHex, toBase64url, toHex } from '../ledger/verify/bytes.ts';
import { signEnvelope, type Signer } from '../ledger/verify/envelope.ts';
import { decodeRecord, stateKey } from '../ledger/verify/records.ts';
import { prepareReplacement } from '../identity/replacement.ts';
import { readWords, refused } from './arguments.ts';
import { CardFailed, CardsAtHand, isBinding, type Binding } from './cards-at-hand.ts';
import { printPdf } from '../main/print-pdf.ts';
import { recoverySlipPage } from './recovery-slip.ts';
import { expect, expectUsage } from './registrar-expect.ts';
import { openTerminal } from './terminal.ts';

export const usage = `${expectUsage}
imi registrar replace RESIDENT --clerk STAFF --staff STAFF --facts FILE --document TEXT --out FOLDER [--slip FILE]
                      --hub FILE --gateway URL --party NAME --key FILE [--ca FILE] [--binding smartcard|pcsclite]
  RESIDENT, STAFF: ids of the ledger, 32 hexadecimal digits. FILE of facts: JSON, as read of the identity document.
  --document: what was read of the document; only a salted hash of it is kept. --slip: a file with the text of the old slip.
  Cards go into any reader, one after the other: the new card, the clerk's, the hub's member of staff.`;

const options = {
  clerk: { type: 'string' },
  staff: { type: 'string' },
  facts: { type: 'string' },
  document: { type: 'string' },
  slip: { type: 'string' },
  out: { type: 'string' },
  hub: { type: 'string' },
  gateway: { type: 'string' },
  party: { type: 'string' },
  key: { type: 'string' },
  ca: { type: 'string' },
  binding: { type: 'string', default: 'smartcard' },
} as const;

interface Called {
  resident: Id;
  clerk: Id;
  staff: Id;
  facts: Partial<Record<string, string>>;
  document: string;
  /** null: there is no slip. */
  slip: Uint8Array | null;
  out: string;
  hub: HubFile;
  client: GatewayClient;
  binding: Binding;
}

/** For `replace`: 0, replaced, and the new slip is written; 1, refused, the code is on stderr, and the old card is as it was; 2, called wrongly. */
export async function run(args: string[]): Promise<number> {
  if (args[0] === 'expect') return expect(args.slice(1));
  const called = parse(args);
  if (!called.ok) {
    process.stderr.write(called.failure.code === 'usage' ? `${called.failure.detail ?? ''}\n${usage}\n` : `Refused: ${called.failure.code}\n`);
    return called.failure.code === 'usage' ? 2 : 1;
  }
  const terminal = openTerminal(process.stdin, process.stderr);
  const cards = new CardsAtHand(terminal, { binding: called.value.binding, reader: null });
  try {
    const replaced = await replace(called.value, cards);
    if (replaced.ok) {
      process.stdout.write(`Replaced: ${toHex(called.value.resident)}. The new slip: ${replaced.value}\n`);
      return 0;
    }
    return refused(replaced.failure);
  } catch (error) {
    if (!(error instanceof CardFailed)) throw error;
    return refused(error.failure);
  } finally {
    called.value.slip?.fill(0);
    cards.stop();
    terminal.close();
  }
}

const message = z.object({ enc: z.string(), ciphertext: z.string() });
const recoverySchema = z.object({ space: z.string(), recovery: message, formers: z.array(z.object({ number: z.int(), sealed: z.string() })), replaced: z.int() });
const carriedSchema = z.object({ state: z.enum(['recorded', 'queued']) });

async function replace({ resident, clerk, staff, facts, document, slip, out, hub, client }: Called, cards: CardsAtHand): Promise<Result<string, Failure<string>>> {
  const found = await asked(client, 'GET', `/v1/residents/${toHex(resident)}/recovery`, recoverySchema);
  if (!found.ok) return found;
  const signers = await staffKeys([clerk, staff], client);
  if (!signers.ok) return signers;
  const [clerkKey, staffKey] = signers.value;
  const card = await cards.signer('the resident’s new card', null);
  if (!card.ok) return card;
  const { info } = card.value;
  if (info.application !== 'openpgp') return fail('card-unsupported', info.application);
  const { space, recovery, formers, replaced } = found.value;
  const prepared = await prepareReplacement(
    {
      chain: hub.trustRoot.chain,
      space: {
        resident,
        publicKey: decoded(space),
        recovery: { enc: decoded(recovery.enc), ciphertext: decoded(recovery.ciphertext) },
        formers: formers.map(({ number, sealed }) => ({ number, sealed: decoded(sealed) })),
        replaced,
      },
      card: { ...info.keys, signatureCount: info.signatureCount },
      document,
      slip,
      kiosk: null,
      now: Math.floor(Date.now() / 1000),
    },
    nodeCrypto,
  );
  if (!prepared.ok) return prepared.failure.code === 'space-unreadable' ? fail('slip-wrong') : prepared;

  const { challenge, finish, recoverySecret } = prepared.value;
  try {
    const { body, payloads } = finish(await card.value.authenticate(challenge));
    // The new card first, which is in the reader.
    const hands: Signer[] = [card.value, inHand(cards, 'the clerk’s card', clerkKey), inHand(cards, 'the card of the hub’s member of staff', staffKey)];
    const envelope = await signEnvelope(body, hands, nodeCrypto);
    // Before anything is handed over: without its slip nobody should have a replaced card.
    const written = await writeSlip(join(out, `slip-${toHex(resident).slice(0, 8)}.pdf`), recoverySecret, hub);
    if (!written.ok) return written;
    const [payload] = payloads;
    const given = await asked(client, 'POST', '/v1/replacements', carriedSchema, { envelope: toBase64url(envelope), replacement: toBase64url(payload?.sealed ?? new Uint8Array(0)) });
    if (!given.ok) return given;
    if (given.value.state !== 'recorded') return fail('hub-busy', 'not recorded yet');
    const issued = await asked(client, 'POST', `/v1/residents/${toHex(resident)}/identity`, z.object({ issued: z.boolean() }), { facts });
    return issued.ok ? written : issued;
  } finally {
    recoverySecret.fill(0);
  }
}

/** A card that is waited for when its turn to sign comes. */
const inHand = (cards: CardsAtHand, whose: string, key: PublicKey): Signer => ({
  key,
  async sign(input) {
    const card = await cards.signer(whose, key[1]);
    if (!card.ok) throw new CardFailed(card.failure);
    const signature = await card.value.sign(input);
    await card.value.release();
    return signature;
  },
});

async function staffKeys(ids: [Id, Id], client: GatewayClient): Promise<Result<[PublicKey, PublicKey], Failure<string>>> {
  const keys = ids.map((id) => Buffer.from(stateKey.staff(id)).toString('ascii'));
  const read = await asked(client, 'GET', '/v1/ledger/records', z.object({ records: z.array(z.object({ value: z.string().nullable() })) }), undefined, { keys: keys.join(',') });
  if (!read.ok) return read;
  const [first, second] = read.value.records.map(({ value }) => (value === null ? null : decodeRecord('staff', decoded(value)).sig));
  // Whose keys they are, and that their roles differ, the rules say: a wrong one is refused there.
  return first && second ? ok([first, second]) : fail('staff-unknown');
}

async function writeSlip(path: string, secret: Uint8Array, { name, help }: HubFile): Promise<Result<string, Failure<string>>> {
  const pdf = await printPdf(recoverySlipPage({ hub: name, help, secret, madeAt: Date.now() }));
  if (!pdf.ok) return pdf;
  try {
    writeFileSync(path, pdf.value, { mode: 0o600, flag: 'wx' });
    return ok(path);
  } catch (error) {
    return fail('slip-unwritten', `${path} ${error instanceof Error && 'code' in error ? String(error.code) : ''}`);
  }
}

async function asked<T>(client: GatewayClient, method: 'GET' | 'POST', path: string, schema: z.ZodType<T>, body?: unknown, query: Record<string, string> = {}): Promise<Result<T, Failure<string>>> {
  const answer = await client.call(method, path, { query, ...(body === undefined ? {} : { body }) });
  if (!answer.ok) return answer;
  const read = schema.safeParse(answer.value.body);
  return read.success ? ok(read.data) : fail('message-invalid', path);
}

const decoded = (text: string): Uint8Array => fromBase64url(text) ?? new Uint8Array(0);

const factsSchema = z.partialRecord(z.enum(identityClaims), z.string().min(1).max(200));

function parse(args: string[]): Result<Called, Failure<string>> {
  try {
    const { positionals, values } = readWords(args, options);
    const [command, residentText = '', ...others] = positionals;
    const ids = [residentText, values.clerk ?? '', values.staff ?? ''].map((text) => (/^[0-9a-f]{32}$/.test(text) ? fromHex(text) : undefined));
    const [resident, clerk, staff] = ids;
    const { facts, document, out, hub, gateway, party, key, binding } = values;
    if (command !== 'replace' || others.length > 0 || resident === undefined || clerk === undefined || staff === undefined) return fail('usage', 'Which resident, and whose cards?');
    if (facts === undefined || document === undefined || out === undefined || hub === undefined || gateway === undefined || party === undefined || key === undefined) return fail('usage', 'Something is missing.');
    if (!isBinding(binding)) return fail('usage', 'There is no such binding.');
    const secret = secretsOf(key, ['sign']);
    if (!secret.ok) return fail('usage', `${key}: ${secret.failure.code}`);
    const slip = values.slip === undefined ? ok(null) : parseRecoveryKey(readFileSync(values.slip, 'utf8'));
    if (!slip.ok) return slip;
    const ca = values.ca === undefined ? {} : { ca: readFileSync(values.ca, 'utf8') };
    return ok({
      resident,
      clerk,
      staff,
      facts: factsSchema.parse(JSON.parse(readFileSync(facts, 'utf8'))),
      document,
      slip: slip.value,
      out,
      hub: hubFileSchema.parse(JSON.parse(readFileSync(hub, 'utf8'))),
      client: gatewayClient({ url: gateway, party: { name: party, signer: ed25519Signer(secret.value.sign) }, now: Date.now, ...ca }),
      binding,
    });
  } catch (error) {
    // An option that is not ours, a file that is not there or not what it should be.
    return fail('usage', error instanceof Error ? error.message.split('\n')[0] : '');
  }
}
