import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { serviceSchema } from '../contract/service.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { Agency, Carried, ReadOutcome, RequestView } from '../gateway/agency/agency.ts';
import { secretsOf } from '../hub/key-file.ts';
import { ed25519Signer } from '../ledger/node-signer.ts';
import { toHex } from '../ledger/verify/bytes.ts';
import type { Signer } from '../ledger/verify/envelope.ts';
import type { RevocationPart } from '../ledger/verify/acts.ts';
import { openDesk } from './agency-desk.ts';
import { publishStatusList, revocations } from '../gateway/agency/agency-status-list.ts';
import { askCommands } from './agency-asks.ts';
import { foundAgency, openAgency, readAs, type AgencyPlace } from './agency-config.ts';
import { readWords } from './arguments.ts';
import { timeText } from './time-text.ts';
import { CardFailed, CardsAtHand } from './cards-at-hand.ts';
import { openTerminal } from './terminal.ts';

export const usage = `imi agency init --dir DIR --name NAME --gateway URL --hub FILE
imi agency requests --config FILE [--step STEP] [--service ID]
imi agency show REQUEST --config FILE
imi agency read REQUEST --purpose ID --config FILE [--reader NAME]
imi agency step REQUEST received|needs-more|closed --config FILE [--letter FILE]
imi agency decide REQUEST approved|refused --config FILE [--letter FILE] [--reader NAME]
imi agency letter REQUEST --step received|needs-more|closed --letter FILE --config FILE
imi agency confirm-payment REQUEST --reference TEXT --amount-fen N --config FILE
imi agency issue REQUEST --vct TYPE --claims FILE --status N [--days N] [--replaces CREDENTIAL] --config FILE
imi agency revoke CREDENTIAL --subject RESIDENT --vct TYPE --reason replaced|wrong|ended|other --config FILE
imi agency publish SERVICE-FILE --config FILE
imi agency withdraw SERVICE --config FILE
imi agency revocations --config FILE
imi agency status-list --config FILE
imi agency ask --purpose ID --facts NAME[?],… --reason-en TEXT --reason-zh TEXT --config FILE [--subject RESIDENT] [--code] [--minutes N]
imi agency asked ASK --config FILE
imi agency answer ASK --config FILE
imi agency watch --config FILE [--after N]
imi agency desk --config FILE [--port N] [--reader NAME]
A letter is a text file: its first line is the title. A fact with a ? may be left out. A reason completes "They need it …". --json prints what programs read. Without --reader, the first reader with a card is taken.`;

type Failed = Failure<string>;
type Options = Record<string, string | boolean | undefined>;

export interface Called {
  place: AgencyPlace;
  agency: Agency;
  words: string[];
  options: Options;
  say: (human: string, json: unknown) => void;
}

/** 0 done; 1 refused, with its code on stderr; 2 wrongly called. */
export async function run(args: string[]): Promise<number> {
  try {
    const [name = '', ...rest] = args;
    const { values, positionals } = readWords(rest, options);
    if (name === 'init') return finish(init(values));
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (command === undefined || positionals.length !== command.words || values.config === undefined) return misuse(usage);
    const place = openAgency(values.config);
    if (!place.ok) return finish(place);
    const say = (human: string, json: unknown): void => void process.stdout.write(`${values.json === true ? JSON.stringify(json) : human}\n`);
    return finish(await command.run({ place: place.value, agency: place.value.agency, words: positionals, options: values, say }));
  } catch (error) {
    if (error instanceof TypeError && 'code' in error) return misuse(`${error.message}\n${usage}`);
    throw error;
  }
}

const text = { type: 'string' } as const;
const options = {
  config: text,
  dir: text,
  name: text,
  gateway: text,
  hub: text,
  step: text,
  service: text,
  purpose: text,
  letter: text,
  reference: text,
  'amount-fen': text,
  vct: text,
  claims: text,
  status: text,
  days: text,
  replaces: text,
  subject: text,
  reason: text,
  after: text,
  port: text,
  reader: text,
  facts: text,
  'reason-en': text,
  'reason-zh': text,
  minutes: text,
  code: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

export interface Listed {
  /** Behind its name. */
  words: number;
  run: (called: Called) => Promise<Result<null, Failed>>;
}

const commands: Record<string, Listed | undefined> = {
  requests: {
    words: 0,
    run: async ({ agency, options: { step, service }, say }) => {
      const requests = await agency.requests({ ...(typeof step === 'string' ? { step } : {}), ...(typeof service === 'string' ? { service } : {}) });
      if (!requests.ok) return requests;
      say(requests.value.length === 0 ? 'No such request yet.' : requests.value.map(requestLine).join('\n'), requests.value);
      return ok(null);
    },
  },
  show: {
    words: 1,
    run: async ({ agency, words: [id = ''], say }) => {
      const opened = await openOne(agency, id);
      if (!opened.ok) return opened;
      const { request, answers } = opened.value;
      say([requestLine(request), ...Object.entries(answers).map(([question, answer]) => `  ${question}: ${answer}`)].join('\n'), { request, answers });
      return ok(null);
    },
  },
  read: {
    words: 1,
    run: async ({ place, agency, words: [id = ''], options: { purpose, reader }, say }) => {
      if (typeof purpose !== 'string') return fail('usage', 'read needs --purpose: it goes into what the resident reads');
      const opened = await openOne(agency, id);
      if (!opened.ok) return opened;
      const [grant] = opened.value.request.grants;
      if (grant === undefined) return fail('grant-unknown');
      const read = await withOfficer(place, reader, (signer) => agency.read({ id: grant, subject: opened.value.request.subject }, purpose, signer));
      if (!read.ok) return read;
      say(shownText(read.value), { ...read.value, shown: read.value.shown.map(({ holder, ...one }) => ({ ...one, holder: toHex(holder) })) });
      return ok(null);
    },
  },
  step: { words: 2, run: ({ words: [id = '', step = ''], ...called }) => stepTo(called, id, step) },
  letter: { words: 1, run: ({ words: [id = ''], ...called }) => stepTo(called, id, String(called.options['step'] ?? '')) },
  decide: {
    words: 2,
    run: async ({ place, agency, words: [id = '', decision = ''], options: { letter, reader }, say }) => {
      if (decision !== 'approved' && decision !== 'refused') return fail('usage', 'a decision is approved or refused');
      const opened = await openOne(agency, id);
      if (!opened.ok) return opened;
      const written = readLetter(letter);
      if (!written.ok) return written;
      const done = await withOfficer(place, reader, (signer) => agency.step(opened.value.request, { step: 'decided', decision, ...written.value }, signer));
      return said(done, say);
    },
  },
  'confirm-payment': {
    words: 1,
    run: async ({ agency, words: [id = ''], options: { reference, 'amount-fen': amount }, say }) => {
      if (typeof reference !== 'string' || !/^\d+$/.test(String(amount))) return fail('usage', 'confirm-payment needs --reference and --amount-fen');
      const opened = await openOne(agency, id);
      if (!opened.ok) return opened;
      return said(await agency.step(opened.value.request, { step: 'received', payment: { reference, amountFen: Number(amount) } }), say);
    },
  },
  issue: {
    words: 1,
    run: async ({ agency, words: [id = ''], options: { vct, claims, status, days = '365', replaces }, say }) => {
      if (typeof vct !== 'string' || typeof claims !== 'string' || !/^\d+$/.test(String(status)) || !/^\d+$/.test(String(days))) return fail('usage', 'issue needs --vct, --claims and --status');
      const read = readAs(claims, z.record(z.string(), z.string()));
      if (!read.ok) return read;
      const opened = await openOne(agency, id);
      if (!opened.ok) return opened;
      const wish = { vct, claims: read.value, status: Number(status), days: Number(days), ...(typeof replaces === 'string' ? { replaces } : {}) };
      const issued = await agency.issue(opened.value.request, wish);
      if (!issued.ok) return issued;
      say(`credential ${issued.value.credential}: ${issued.value.state} (${issued.value.transaction})`, issued.value);
      return ok(null);
    },
  },
  revoke: {
    words: 1,
    run: async ({ agency, words: [credential = ''], options: { subject, vct, reason }, say }) => {
      if (typeof subject !== 'string' || typeof vct !== 'string' || !isReason(reason)) return fail('usage', 'revoke needs --subject, --vct and --reason');
      return said(await agency.revoke(credential, subject, vct, reason), say);
    },
  },
  publish: {
    words: 1,
    run: async ({ agency, words: [path = ''], say }) => {
      const service = readAs(path, serviceSchema);
      return service.ok ? said(await agency.publish(new Uint8Array(readFileSync(path)), service.value), say) : service;
    },
  },
  withdraw: { words: 1, run: async ({ agency, words: [id = ''], say }) => said(await agency.withdraw(id), say) },
  revocations: {
    words: 0,
    run: async ({ place, say }) => {
      const known = await revocations(place.parts);
      if (!known.ok) return known;
      say(`${known.value.revoked.length} of ${known.value.entries} credentials are revoked`, known.value);
      return ok(null);
    },
  },
  'status-list': {
    words: 0,
    run: async ({ place, say }) => {
      const published = await publishStatusList(place.parts);
      if (!published.ok) return published;
      const { list, at, revoked, entries } = published.value;
      say(`recorded, ${timeText(at)}: ${revoked} of ${entries} credentials are revoked (${list})`, published.value);
      return ok(null);
    },
  },
  ...askCommands,
  desk: { words: 0, run: desk },
  watch: {
    words: 0,
    run: async ({ agency, options: { after }, say }) => {
      const end = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort());
      return agency.watch(typeof after === 'string' ? after : undefined, end.signal, (change) => say(`${change.seq} ${timeText(change.at)} ${change.kind} ${change.id}${change.step === null ? '' : ` ${change.step}`}`, change));
    },
  },
};

async function desk({ place, agency, options: { port = '0', reader } }: Called): Promise<Result<null, Failed>> {
  if (!/^\d{1,5}$/.test(String(port))) return fail('usage', '--port is a number');
  const officer = place.demoOfficerKey !== null && typeof reader !== 'string' ? 'demo-key' : 'card';
  const opened = await openDesk({
    agency,
    officer,
    withOfficer: (work) => withOfficer(place, reader, work),
    port: Number(port),
    now: Date.now,
  });
  if (!opened.ok) return opened;
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  process.stdout.write(`imi agency desk is ready on ${opened.value.url}\n`);
  await ended;
  await opened.value.close();
  return ok(null);
}

function init({ dir, name, gateway, hub }: Options): Result<null, Failed> {
  if (typeof dir !== 'string' || typeof name !== 'string' || typeof gateway !== 'string' || typeof hub !== 'string') return fail('usage', usage);
  const founded = foundAgency({ dir, name, gateway, hub });
  if (!founded.ok) return founded;
  process.stdout.write(`${JSON.stringify({ party: 'agency', ...founded.value }, null, 2)}\n`);
  process.stderr.write('Give these to the authority: it adds the agency’s names and purposes, and enrols it. The keys stay here.\n');
  return ok(null);
}

async function stepTo({ agency, options: { letter }, say }: Omit<Called, 'words'>, id: string, step: string): Promise<Result<null, Failed>> {
  if (step !== 'received' && step !== 'needs-more' && step !== 'closed') return fail('usage', 'a step is received, needs-more or closed; decide is a command of its own');
  const written = readLetter(letter);
  if (!written.ok) return written;
  const opened = await openOne(agency, id);
  return opened.ok ? said(await agency.step(opened.value.request, { step, ...written.value }), say) : opened;
}

/** By its id, or by as much of it as tells it from the agency's others. */
async function openOne(agency: Agency, id: string): ReturnType<Agency['open']> {
  if (/^[0-9a-f]{32}$/.test(id)) return agency.open(id);
  if (!/^[0-9a-f]{4,31}$/.test(id)) return fail('usage', 'a request is named by its id, or by its first four digits or more');
  const requests = await agency.requests();
  if (!requests.ok) return requests;
  const [found, ...more] = requests.value.filter((request) => request.id.startsWith(id));
  if (found === undefined) return fail('request-unknown');
  return more.length > 0 ? fail('usage', `${more.length + 1} requests begin with ${id}`) : agency.openRequest(found);
}

/** An officer's hand: a card in a reader, or in demonstrations a key file. */
async function withOfficer<T>({ demoOfficerKey }: AgencyPlace, reader: string | boolean | undefined, work: (officer: Signer) => Promise<Result<T, Failed>>): Promise<Result<T, Failed>> {
  const wanted = typeof reader === 'string' ? reader : null;
  if (demoOfficerKey !== null && wanted === null) {
    const keys = secretsOf(demoOfficerKey, ['sign']);
    return keys.ok ? work(ed25519Signer(keys.value.sign)) : keys;
  }
  const terminal = openTerminal(process.stdin, process.stderr);
  const cards = new CardsAtHand(terminal, { binding: 'smartcard', reader: wanted });
  try {
    const officer = await cards.signer('the officer’s card', null);
    return officer.ok ? await work(officer.value).finally(() => officer.value.release()) : officer;
  } catch (error) {
    if (error instanceof CardFailed) return { ok: false, failure: error.failure };
    throw error;
  } finally {
    cards.stop();
    terminal.close();
  }
}

function readLetter(path: string | boolean | undefined): Result<{ letter?: { title: string; text: string } }, Failed> {
  if (typeof path !== 'string') return ok({});
  try {
    const [title = '', ...lines] = readFileSync(path, 'utf8').split('\n');
    const letter = { title: title.trim(), text: lines.join('\n').trim() };
    return letter.title === '' || letter.text === '' ? fail('usage', `${path}: a letter has a title in its first line, and a text`) : ok({ letter });
  } catch {
    return fail('usage', `${path} cannot be read`);
  }
}

const isReason = (reason: unknown): reason is RevocationPart['reason'] => reason === 'replaced' || reason === 'wrong' || reason === 'ended' || reason === 'other';
const requestLine = ({ id, at, step, service }: RequestView): string => `${id}  ${timeText(at)}  ${step.padEnd(10)}  ${service}`;

const shownText = ({ transaction, shown }: ReadOutcome): string =>
  [
    ...shown.flatMap(({ issuer, vct, claims, revocation }) => [
      `${issuer} says (${vct}${revocation === 'valid' ? ', not revoked' : ', no status list'}):`,
      ...Object.entries(claims).map(([claim, value]) => `  ${claim}: ${value}`),
    ]),
    `Signatures, binding to this grant, dates and the card’s key on the ledger were checked. The resident reads of this look: ${transaction}`,
  ].join('\n');

function said(carried: Result<Carried, Failed>, say: Called['say']): Result<null, Failed> {
  if (!carried.ok) return carried;
  say(`${carried.value.state} (${carried.value.transaction})`, carried.value);
  return ok(null);
}

function finish(outcome: Result<null, Failed>): number {
  if (outcome.ok) return 0;
  const { code, detail } = outcome.failure;
  if (code === 'usage') return misuse(detail ?? usage);
  process.stderr.write(`imi agency: ${code}${detail === undefined ? '' : ` (${detail})`}\n`);
  return 1;
}

function misuse(sentence: string): number {
  process.stderr.write(`${sentence}\n`);
  return 2;
}
