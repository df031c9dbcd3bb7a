import type { Language, Localized } from '../../contract/language.ts';
import { toHex } from '../../ledger/verify/bytes.ts';
import type { ActStatement } from '../../ledger/verify/receipt-statement.ts';
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

function holdsView({ statement, proof }: Extract<Outcome, { kind: 'holds' }>, language: Language, names: Names): HTMLElement {
  const { holds } = words[language];
  const at = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'long', timeZone: districtTimeZone }).format(statement.signedAtMs);
  return element(
    'section',
    { class: 'outcome good', 'data-outcome': 'holds', 'aria-labelledby': 'outcome' },
    element('h2', { id: 'outcome', tabindex: '-1' }, holds.title),
    element('p', {}, holds.text(statement.chain)),
    element('p', { class: 'reference' }, element('span', { class: 'label' }, holds.reference), element('strong', { 'data-reference': true }, statement.reference)),
    element('h3', {}, holds.signed),
    element('ol', { class: 'acts' }, ...statement.acts.map((act) => element('li', {}, ...actView(act, language, names)))),
    element('h3', {}, holds.place),
    facts(
      [holds.at, at],
      ...(statement.kiosk === null ? [] : [[holds.kiosk, statement.kiosk] as const]),
      [holds.ledger, statement.chain],
      [holds.entry, holds.entryOf(statement.entry, statement.entries)],
      [holds.signatures, String(statement.signatures)],
    ),
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
