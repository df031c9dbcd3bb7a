import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import messages from '../contract/messages/en.json' with { type: 'json' };
import type { CardInfo } from '../contract/device-host.ts';
import type { HubFile } from '../contract/hub-file.ts';
import type { Localized } from '../contract/language.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { answerAsk, answerForm, isAnswered, matchAsk, type AnswerPart } from '../identity/answer.ts';
import { askedClaims, askLimitBytes, claimedAsker, readAsk, type Ask } from '../identity/ask.ts';
import type { Credential } from '../identity/credential.ts';
import { openObjects, openSpace } from '../identity/space.ts';
import type { HubClient } from '../ledger/client/hub-client.ts';
import { createLightClient, query, type LightClient } from '../ledger/client/light-client.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import { concatBytes, fromHex } from '../ledger/verify/bytes.ts';
import { encodeChallenge } from '../ledger/verify/challenge.ts';
import { reference } from '../ledger/verify/reference.ts';
import type { Card } from '../main/card.ts';
import { createDistrict, type District } from '../main/district.ts';
import { savedHeadIn } from '../main/saved-head.ts';
import { heldCredentials } from '../main/held-credentials.ts';
import type { ProvenResident } from '../main/visit/work.ts';
import { homeHub } from './home-hub.ts';
import type { Terminal } from './terminal.ts';

export interface HomeAnswer {
  /** Where the request object is. */
  request: URL;
  hubFile: HubFile;
  /** The newest head that was verified is kept here. */
  dataDir: string;
  card: Card;
  info: CardInfo;
  terminal: Terminal;
  /** Unix milliseconds. */
  now: () => number;
}

export type HomeOutcome = { outcome: 'answered'; reference: string | null; recorded: boolean } | { outcome: 'refused' } | { outcome: 'nothing-to-show'; missing: string[] };

type Answered = Result<HomeOutcome, Failure<string>>;

const wayOutMs = 20_000;

/**
 * An ask, from its address to its answer: who asks is proved by the ledger before a PIN is typed, what would be shown stands there before anything is signed,
 * and nothing is sent without a yes.
 */
export async function answerFromHome(home: HomeAnswer): Promise<Answered> {
  const { request, hubFile, dataDir, info, terminal, now } = home;
  const fetched = await fetchText(request, { headers: { accept: 'application/oauth-authz-req+jwt' } });
  if (!fetched.ok) return fetched;
  if (fetched.value.status !== 200) return fail(codeOf(fetched.value.text) ?? 'ask-unknown');
  const signed = fetched.value.text;
  if (signed.length > askLimitBytes) return fail('ask-malformed', 'too-large');

  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const head = savedHeadIn(dataDir);
  const hub = homeHub(request.origin);
  const light = createLightClient({
    hub,
    trustRoot: hubFile.trustRoot,
    crypto: nodeCrypto,
    clock: now,
    maxHeadAgeMs: hubFile.maxHeadAgeMs,
    savedTrust: head.trust(),
    onTrust: (trust) => head.keepTrust(trust),
    savedSplit: head.split(),
    onSplit: (evidence) => head.keepSplit(evidence),
  });
  const district = createDistrict({ hub, light, crypto: nodeCrypto, kioskId: 'home', now });
  const asked = await provenAsk(signed, request, light, now());
  if (!asked.ok) return asked;
  const { ask, agency } = asked.value;
  const resident = await district.residentOf(info.keys);
  if (!resident.ok) return resident.failure.code === 'key-not-resident' ? fail('key-not-resident', 'a card of the staff’s answers for nobody; put your own in') : resident;

  terminal.say('');
  terminal.say(`${agency.en} (${agency['zh-Hans']}) asks ${ask.reason.en}.`);
  terminal.say(`It wants to see: ${askedClaims(ask).map(labelOf).join(', ')}.`);
  terminal.say(`You can answer until ${new Date(ask.until * 1000).toISOString()}.`);
  const goOn = await yesOrNo(terminal, 'See what would be shown? Your PIN is needed for it. (yes: go on, no: refuse) ');
  if (goOn === null) return fail('card-removed', 'broken off');
  if (!goOn) return refuse(ask);

  const pin = await checkPin(home);
  if (!pin.ok) return pin;
  const held = await openedCredentials(home, hub, district, resident.value);
  if (!held.ok) return held;
  const { parts, missing } = matchAsk(ask, held.value);
  if (missing.length > 0) return ok({ outcome: 'nothing-to-show', missing: missing.flatMap(({ claims }) => claims.map(labelOf)) });
  showFacts(parts, terminal);
  const leftOut = await chosenToLeaveOut(parts, terminal);
  if (leftOut === null) return fail('card-removed', 'broken off');
  const shows = await yesOrNo(terminal, `Show this to ${agency.en}? (yes: sign and send, no: refuse) `);
  if (shows === null) return fail('card-removed', 'broken off');
  return shows ? send(ask, parts, leftOut, home) : refuse(ask);
}

/** That the ledger knows who asks, that they signed this, and that the purpose is theirs and wide enough. */
async function provenAsk(signed: string, request: URL, light: LightClient, nowMs: number): Promise<Result<{ ask: Ask; agency: Localized }, Failure<string>>> {
  const name = claimedAsker(signed);
  if (name === null) return fail('ask-malformed', 'client_id');
  const read = await light.read([query.party(name)]);
  if (!read.ok) return read;
  const [party] = read.value.records;
  if (party?.state !== 'active' || party.party !== 'agency') return fail('ask-signature', 'not an agency of this ledger');
  const ask = readAsk(signed, party.sign, nodeCrypto.verify, Math.floor(nowMs / 1000));
  if (!ask.ok) return ask;
  const purpose = party.purposes.find(({ id }) => id === ask.value.purpose);
  if (purpose === undefined || !askedClaims(ask.value).every((claim) => purpose.claims.includes(claim))) return fail('ask-purpose');
  if (new URL(ask.value.responseUri).origin !== request.origin) return fail('ask-malformed', 'response_uri');
  return ok({ ask: ask.value, agency: party.names });
}

async function checkPin({ card, info, terminal }: HomeAnswer): Promise<Result<null, Failure<string>>> {
  for (;;) {
    let pin: Uint8Array | null = null;
    if (info.pinPad) terminal.say("Type your PIN at the reader's own pad.");
    else {
      const typed = await terminal.askHidden('PIN: ');
      if (typed === null) return fail('card-removed', 'broken off');
      pin = Buffer.from(typed, 'utf8');
    }
    const verified = await card.verify('user', pin);
    if (!verified.ok) return verified;
    if (verified.value.verified) return ok(null);
    terminal.complain(`That PIN is wrong. Tries left: ${verified.value.triesLeft}.`);
    // The last one is never spent here.
    if (verified.value.triesLeft <= 1) return fail('pin-last-try');
  }
}

/** The card answers the keeper's challenge, opens the data space with one decipher, and every credential is checked as at a kiosk. */
async function openedCredentials({ card, info, now, hubFile }: HomeAnswer, hub: HubClient, district: District, resident: ProvenResident): Promise<Result<Credential[], Failure<string>>> {
  const half = new Uint8Array(randomBytes(16));
  const given = await hub.call('challenge.get', { kioskNonce: half });
  if (!given.ok) return given;
  const { keeperNonce, notAfter } = given.value;
  const challenge = encodeChallenge({ chain: hubFile.trustRoot.chain, kiosk: null, purpose: 'home', nonce: concatBytes(half, keeperNonce), notAfter });
  const signature = await card.authenticate(challenge);
  if (!signature.ok) return signature;
  const sealed = await hub.call('space.open', { resident: resident.id, challenge, signature: signature.value });
  if (!sealed.ok) return sealed;
  try {
    const space = await openSpace(sealed.value.wrappedKey, resident.id, resident.space, { publicKey: resident.dec, agree: (point) => card.agree(point) });
    if (!space.ok) return space;
    const contents = await openObjects(sealed.value.objects, space.value);
    space.value.close();
    if (!contents.ok) return contents;
    const held = await heldCredentials(contents.value.credentials, {
      holder: info.keys.aut,
      now: Math.floor(now() / 1000),
      issuers: (names) => district.issuers(names),
      crypto: nodeCrypto,
    });
    return held.ok ? ok(held.value.credentials.map(({ credential }) => credential)) : held;
  } finally {
    await hub.call('space.close', { session: sealed.value.session });
  }
}

function showFacts(parts: readonly AnswerPart[], terminal: Terminal): void {
  terminal.say('');
  for (const { credential, claims } of parts) {
    for (const { claim, value, optional } of claims) terminal.say(`  ${labelOf(claim)}: ${value}   (${credential.issuer}${optional ? '; may be left out' : ''})`);
  }
}

/** Asks until what is left answers each query; null: the terminal is gone. */
async function chosenToLeaveOut(parts: readonly AnswerPart[], terminal: Terminal): Promise<string[] | null> {
  for (;;) {
    const leftOut = await keptBack(parts, terminal);
    if (leftOut === null || isAnswered(parts, leftOut)) return leftOut;
    terminal.say('At least one of these has to be shown; to show nothing, go on and refuse.');
  }
}

async function keptBack(parts: readonly AnswerPart[], terminal: Terminal): Promise<string[] | null> {
  const leftOut: string[] = [];
  for (const { claim } of parts.flatMap(({ claims }) => claims).filter(({ optional }) => optional)) {
    const shows = await yesOrNo(terminal, `Show ${labelOf(claim)} as well? (yes / no) `);
    if (shows === null) return null;
    if (!shows) leftOut.push(claim);
  }
  return leftOut;
}

async function send(ask: Ask, parts: readonly AnswerPart[], leftOut: readonly string[], { card, now }: HomeAnswer): Promise<Answered> {
  const answer = await answerAsk(ask, parts, leftOut, Math.floor(now() / 1000), (input) => card.authenticate(input));
  if (!answer.ok) return answer;
  const posted = await fetchText(new URL(ask.responseUri), { method: 'POST', body: answerForm(ask, answer.value) });
  if (!posted.ok) return posted;
  if (posted.value.status !== 200) return fail(codeOf(posted.value.text) ?? 'hub-refused', `http-${posted.value.status}`);
  const { transaction, recorded } = memberOf(posted.value.text);
  const id = typeof transaction === 'string' ? fromHex(transaction) : undefined;
  return ok({ outcome: 'answered', reference: id === undefined ? null : reference(id), recorded: recorded === true });
}

async function refuse(ask: Ask): Promise<Answered> {
  const posted = await fetchText(new URL(ask.responseUri), { method: 'POST', body: answerForm(ask, { error: 'access_denied' }) });
  if (!posted.ok) return posted;
  return posted.value.status === 200 ? ok({ outcome: 'refused' }) : fail(codeOf(posted.value.text) ?? 'hub-refused');
}

/** null: nobody is there any more. Anything but a plain yes or no is asked again. */
async function yesOrNo(terminal: Terminal, question: string): Promise<boolean | null> {
  for (;;) {
    const said = await terminal.ask(question);
    if (said === null) return null;
    const word = said.trim().toLowerCase();
    if (word === 'yes' || word === 'y') return true;
    if (word === 'no' || word === 'n') return false;
  }
}

const claimLabels: Readonly<Record<string, string | undefined>> = messages.claim;
const labelOf = (claim: string): string => claimLabels[claim] ?? claim;

const largestText = 4 * 1024 * 1024;

async function fetchText(url: URL, init: RequestInit): Promise<Result<{ status: number; text: string }>> {
  try {
    const response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(wayOutMs) });
    const text = await response.text();
    return text.length > largestText ? fail('message-too-large') : ok({ status: response.status, text });
  } catch {
    return fail('hub-unreachable', url.host);
  }
}

function memberOf(text: string): { transaction?: unknown; recorded?: unknown; code?: unknown } {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? body : {};
  } catch {
    return {};
  }
}

/** `code` of a problem (RFC 9457). */
function codeOf(text: string): string | null {
  const { code } = memberOf(text);
  return typeof code === 'string' && /^[a-z-]{3,60}$/.test(code) ? code : null;
}
