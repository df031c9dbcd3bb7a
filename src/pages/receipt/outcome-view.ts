import type { Language, Localized } from '../../contract/language.ts';
import { toHex } from '../../ledger/verify/bytes.ts';
import type { ActivityStatement, ActStatement, PendingStatement, ReceiptStatement } from '../../ledger/verify/receipt-statement.ts';
import { districtTimeZone, sayAct } from './act-said.ts';
import type { Outcome } from './check.ts';
import { element } from './element.ts';
import type { PageHub } from './page-hub.ts';
import { words, type Said, type Words } from './words.ts';

/** Whose names may be read beside the ids. */
export type Names = Pick<PageHub, 'parties' | 'services'>;

/** Its heading takes the focus: whoever listens hears the outcome first. */
export function outcomeView(outcome: Outcome, language: Language, names: Names): HTMLElement {
  const say = words[language];
  switch (outcome.kind) {
    case 'holds':
      return holdsView(outcome, language, names);
    case 'queued':
      return queuedView(outcome, language, names);
    case 'complete':
      return completeView(outcome.statement, language, names);
    case 'codes':
      return refusal(codesSaid(outcome, say), 'note');
    case 'refused':
      return refusal(say.refused[outcome.fault], 'danger', `${say.reason}: ${outcome.fault}, ${outcome.detail}`);
    case 'other-ledger':
      return refusal(say.otherLedger(outcome.named, outcome.trusted), 'note');
    case 'no-trust':
      return refusal(say.noTrust, 'note');
    case 'file-unreadable':
      return refusal(say.fileUnreadable, 'note');
  }
}

function codesSaid({ fault }: Extract<Outcome, { kind: 'codes' }>, { codes }: Words): Said {
  switch (fault.kind) {
    case 'no-symbol':
      return codes.noSymbol;
    case 'mixed':
      return codes.mixed;
    case 'damaged':
      return codes.damaged(fault.number);
    case 'incomplete':
      return codes.incomplete(fault.missing, fault.of);
  }
}

function refusal({ title, text }: Said, tone: 'note' | 'danger', small?: string): HTMLElement {
  return element(
    'section',
    { class: `outcome ${tone}`, 'data-outcome': 'refused', 'aria-labelledby': 'outcome' },
    element('h2', { id: 'outcome', tabindex: '-1' }, title),
    element('p', {}, text),
    ...(small === undefined ? [] : [element('p', { class: 'small', lang: 'en' }, small)]),
  );
}

function holdsView({ statement, proof, completes }: Extract<Outcome, { kind: 'holds' }>, language: Language, names: Names): HTMLElement {
  const { holds } = words[language];
  return element(
    'section',
    { class: 'outcome good', 'data-outcome': 'holds', 'aria-labelledby': 'outcome' },
    element('h2', { id: 'outcome', tabindex: '-1' }, holds.title),
    progressView(statement.witnessed.isWitnessed ? 'witnessed' : 'recorded', language),
    element('p', {}, holds.text(statement.chain)),
    ...(completes ? [element('p', { class: 'completes', 'data-completes': true }, holds.completes)] : []),
    ...signedView(statement, language, names),
    element('h3', {}, holds.place),
    facts(
      [holds.at, moment(statement.signedAtMs, language)],
      ...(statement.kiosk === null ? [] : [[holds.kiosk, statement.kiosk] as const]),
      [holds.ledger, statement.chain],
      [holds.entry, holds.entryOf(statement.entry, statement.entries)],
      [holds.signatures, String(statement.signatures)],
    ),
    ...witnessedView(statement, language),
    element('h3', {}, holds.not),
    element('ul', { class: 'nots' }, ...holds.nots.map((text) => element('li', {}, text))),
    element(
      'details',
      {},
      element('summary', {}, holds.experts),
      facts([holds.transaction, toHex(proof.transaction)], [holds.height, String(statement.height)], [holds.head, toHex(proof.head.hash)]),
    ),
    element('button', { type: 'button', class: 'second', click: () => print() }, holds.print),
  );
}

/** Who outside has seen it there. Nothing where this page believes nobody outside: it cannot tell then. */
function witnessedView({ witnessed }: ReceiptStatement, language: Language): HTMLElement[] {
  const { holds } = words[language];
  if (witnessed.witnesses.length === 0) return [];
  return [
    element('h3', {}, witnessed.isWitnessed ? holds.witnessed : holds.tooFewWitnesses),
    facts(...witnessed.witnesses.flatMap(({ name, time }) => [[holds.witness, name], [holds.seenAt, moment(time * 1000, language)]] as const)),
  ];
}

/** Nothing in it says that anything is in a ledger. */
function queuedView({ statement }: Extract<Outcome, { kind: 'queued' }>, language: Language, names: Names): HTMLElement {
  const { holds, queued } = words[language];
  const lapses = moment(statement.lapsesAtMs, language);
  return element(
    'section',
    { class: 'outcome note', 'data-outcome': 'queued', 'aria-labelledby': 'outcome' },
    element('h2', { id: 'outcome', tabindex: '-1' }, queued.title),
    progressView('queued', language),
    element('p', {}, queued.text(statement.chain)),
    ...signedView(statement, language, names),
    element('h3', {}, queued.complete),
    element('ul', { class: 'nots' }, ...[...queued.steps, queued.lapses(lapses)].map((text) => element('li', {}, text))),
    element('h3', {}, queued.says),
    facts(...(statement.kiosk === null ? [] : [[holds.kiosk, statement.kiosk] as const]), [holds.ledger, statement.chain]),
    element('button', { type: 'button', class: 'second', click: () => print() }, holds.print),
  );
}

/** Newest first, as a person asks for it; each under the number of its entry in the ledger. */
function completeView({ subject, entries, chain, height, signedAtMs }: ActivityStatement, language: Language, names: Names): HTMLElement {
  const { holds, complete } = words[language];
  return element(
    'section',
    { class: 'outcome good', 'data-outcome': 'complete', 'aria-labelledby': 'outcome' },
    element('h2', { id: 'outcome', tabindex: '-1' }, complete.title(entries.length)),
    element('p', {}, complete.text(chain)),
    ...(entries.length === 0 ? [] : [element('h3', {}, complete.entries)]),
    element(
      'ol',
      { class: 'acts', reversed: true },
      ...entries.toReversed().map(({ entry, act, orderedAtMs }) =>
        element(
          'li',
          { 'data-entry': String(entry) },
          ...actView(act, language, names),
          facts([holds.entry, String(entry)], ...(orderedAtMs === null ? [] : [[complete.ordered, moment(orderedAtMs, language)] as const])),
        ),
      ),
    ),
    element('h3', {}, holds.place),
    facts([complete.asOf, moment(signedAtMs, language)], [holds.ledger, chain], [complete.resident, subject]),
    element('h3', {}, holds.not),
    element('ul', { class: 'nots' }, ...complete.nots.map((text) => element('li', {}, text))),
    element('details', {}, element('summary', {}, holds.experts), facts([holds.height, String(height)])),
    element('button', { type: 'button', class: 'second', click: () => print() }, holds.print),
  );
}

/** Signed, recorded, witnessed: what the receipt shows of the three. */
function progressView(state: 'queued' | 'recorded' | 'witnessed', language: Language): HTMLElement {
  const { progress } = words[language];
  const steps = ['queued', 'recorded', 'witnessed'] as const;
  const reached = steps.indexOf(state) + 1;
  return element(
    'ol',
    { class: 'progress', 'data-reached': String(reached) },
    ...steps.map((step, i) =>
      element('li', { class: i < reached ? 'reached' : 'open' }, progress[step], ...(i < reached ? [] : [element('span', { class: 'unseen' }, progress.notYet)])),
    ),
  );
}

/** Of which request, and what was signed. */
function signedView({ reference, acts }: Pick<PendingStatement, 'reference' | 'acts'>, language: Language, names: Names): HTMLElement[] {
  const { holds } = words[language];
  return [
    element('p', { class: 'reference' }, element('span', { class: 'label' }, holds.reference), element('strong', { 'data-reference': true }, reference)),
    element('h3', {}, holds.signed),
    element('ol', { class: 'acts' }, ...acts.map((act) => element('li', {}, ...actView(act, language, names)))),
  ];
}

const moment = (ms: number, language: Language): string =>
  words[language].localTime(new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'medium', timeZone: districtTimeZone }).format(ms));

function actView(act: ActStatement, language: Language, names: Names): Node[] {
  const calling = { party: (id: string) => named(names.parties, id, language), service: (id: string) => named(names.services, id, language) };
  const { sentence, claims, facts: rows, note } = sayAct(act, language, calling);
  const labels = words[language].claims;
  return [
    element('p', {}, sentence),
    ...(claims.length === 0 ? [] : [element('ul', { class: 'claims' }, ...claims.map((claim) => element('li', {}, Object.hasOwn(labels, claim) ? (labels[claim] ?? claim) : claim)))]),
    ...(rows.length === 0 ? [] : [facts(...rows)]),
    ...(note === null ? [] : [element('p', { class: 'soft' }, note)]),
  ];
}

/** The name that the hub gave its page, and beside it the id: only that is proven. */
function named(known: Record<string, Localized>, id: string, language: Language): string {
  const name = Object.hasOwn(known, id) ? known[id]?.[language] : undefined;
  return name === undefined ? id : words[language].withId(name, id);
}

function facts(...rows: (readonly [label: string, value: string])[]): HTMLElement {
  return element('dl', {}, ...rows.map(([label, value]) => element('div', {}, element('dt', {}, label), element('dd', {}, value))));
}
