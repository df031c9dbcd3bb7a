import { claim as claimsEn, problem as problemsEn, rejection as rejectionsEn, value as valuesEn } from '../../contract/messages/en.json';
import { claim as claimsZh, problem as problemsZh, rejection as rejectionsZh, value as valuesZh } from '../../contract/messages/zh-Hans.json';
import type { Language } from '../../contract/language.ts';
import { element } from '../receipt/element.ts';
import './agency.css';
import { barChart } from './chart.ts';
import type { DeskAnswer, DeskOpened, DeskRead, DeskRequest, DeskState, DeskStep, DeskStepWish } from './desk-state.ts';
import { deskSteps, requestsByDay, timeToDecision } from './figures.ts';
import { deskWords } from './words.ts';

const labels: Record<Language, { claims: Record<string, string>; values: Record<string, Record<string, string> | undefined>; codes: Record<string, string> }> = {
  en: { claims: claimsEn, values: valuesEn, codes: { ...rejectionsEn, ...problemsEn } },
  'zh-Hans': { claims: claimsZh, values: valuesZh, codes: { ...rejectionsZh, ...problemsZh } },
};
const speaking = Object.keys(deskWords) as Language[];
const refreshMs = 4000;
/** What an officer's card does may take longer: its PIN is asked for elsewhere. */
const longestStateMs = 20_000;

let language: Language = navigator.language.startsWith('zh') ? 'zh-Hans' : 'en';
let state: DeskState | null = null;
let isLost = false;
let wanted: DeskStep | 'all' = 'all';
let sortBy: 'at' | 'service' | 'step' = 'at';
/** The request in hand, with its facts once they were looked at; gone when it is closed. */
let inHand: { id: string; opened: DeskOpened | null; read: DeskRead | null; isBusy: boolean; said: { text: () => string; isRefusal: boolean } | null } | null = null;

const page = document.getElementById('page') ?? document.body;
const words = () => deskWords[language];

async function ask<T>(path: string, body?: unknown): Promise<DeskAnswer<T>> {
  try {
    const answer = await fetch(path, body === undefined ? { signal: AbortSignal.timeout(longestStateMs) } : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    return (await answer.json()) as DeskAnswer<T>;
  } catch {
    return { ok: false, code: 'hub-unreachable' };
  }
}

/** How many answers are awaited. One that was asked for before another would draw what was so then over what is so now. */
let refreshes = 0;
let newestRefresh = 0;

async function refresh(): Promise<void> {
  const number = ++newestRefresh;
  refreshes += 1;
  const answer = await ask<DeskState>('state');
  refreshes -= 1;
  if (number !== newestRefresh) return;
  const before = JSON.stringify([state?.requests, state?.steps, state?.refusals, isLost]);
  isLost = !answer.ok;
  if (answer.ok) state = answer.value;
  // What somebody is typing is not drawn over for nothing.
  if (JSON.stringify([state?.requests, state?.steps, state?.refusals, isLost]) !== before) draw();
}

const reason = (code: string): string => labels[language].codes[code] ?? code;
const time = (at: number): string => new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : 'zh-CN', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'Asia/Shanghai' }).format(at * 1000);

/** As it is printed on the card: division, birth date, sequence. */
const grouped = (number: string): string => number.replace(/^(.{6})(.{8})(.{4})$/, '$1 $2 $3');
const valueText = (claim: string, value: string): string => (claim === 'identity_number' ? grouped(value) : (labels[language].values[claim]?.[value] ?? value));

async function take(id: string): Promise<void> {
  inHand = { id, opened: null, read: null, isBusy: true, said: null };
  draw();
  const opened = await ask<DeskOpened>('open', { id });
  if (inHand?.id !== id) return;
  inHand = { ...inHand, isBusy: false, opened: opened.ok ? opened.value : null, said: opened.ok ? null : { text: () => words().refused(reason(opened.code)), isRefusal: true } };
  draw();
  document.getElementById('in-hand')?.focus();
}

async function look(id: string): Promise<void> {
  if (inHand?.id !== id) return;
  inHand = { ...inHand, isBusy: true, said: { text: () => words().looking, isRefusal: false } };
  draw();
  const read = await ask<DeskRead>('read', { id });
  if (inHand?.id !== id) return;
  inHand = { ...inHand, isBusy: false, read: read.ok ? read.value : inHand.read, said: { text: () => (read.ok ? words().looked(read.value.transaction.slice(0, 16)) : words().refused(reason(read.code))), isRefusal: !read.ok } };
  draw();
  document.getElementById(read.ok ? 'facts' : 'said')?.focus();
  await refresh();
}

async function step(wish: DeskStepWish): Promise<void> {
  if (inHand?.id !== wish.id) return;
  inHand = { ...inHand, isBusy: true };
  draw();
  const done = await ask<null>('step', wish);
  await refresh();
  if (inHand?.id !== wish.id) return;
  inHand = { ...inHand, isBusy: false, said: { text: () => (done.ok ? words().done : words().refused(reason(done.code))), isRefusal: !done.ok } };
  draw();
  document.getElementById('said')?.focus();
}

function letGo(): void {
  const id = inHand?.id;
  inHand = null;
  draw();
  document.getElementById(`row-${id ?? ''}`)?.focus();
}

document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && inHand !== null) letGo();
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  const rows = [...document.querySelectorAll<HTMLElement>('.row')];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  if (at === -1) return;
  event.preventDefault();
  rows[at + (event.key === 'ArrowDown' ? 1 : -1)]?.focus();
});

function draw(): void {
  document.documentElement.lang = language;
  const focused = document.activeElement?.id ?? '';
  const typed = new Map([...document.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>('input, textarea')].map(({ id, value }) => [id, value]));
  if (state === null) {
    page.replaceChildren(element('p', { class: 'state' }, isLost ? words().lost : '…'));
    return;
  }
  document.title = words().desk(state.names[language]);
  page.replaceChildren(header(state), element('main', {}, queueView(state), ...(inHand === null ? [] : [handView(state, inHand.id)]), figuresView(state)));
  for (const [id, value] of typed) {
    const field = document.getElementById(id);
    if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) field.value = value;
  }
  if (focused !== '') document.getElementById(focused)?.focus();
}

function header({ names, now, officer }: DeskState): HTMLElement {
  const toggle = speaking
    .filter((one) => one !== language)
    .map((one) =>
      element(
        'button',
        {
          type: 'button',
          id: 'language',
          lang: one,
          click: () => {
            language = one;
            draw();
          },
        },
        deskWords[one].languageName,
      ),
    );
  return element(
    'header',
    {},
    element('h1', {}, words().desk(names[language])),
    element('div', { class: 'corner' }, element('p', { class: isLost ? 'state lost' : 'state', role: 'status' }, isLost ? words().lost : words().asOf(time(now))), element('p', { class: 'state' }, officer === 'card' ? words().card : words().demoKey)),
    ...toggle,
  );
}

function queueView({ requests }: DeskState): HTMLElement {
  const { columns, steps } = words();
  const shown = requests.filter(({ step: at }) => wanted === 'all' || at === wanted);
  const order: Record<typeof sortBy, (a: DeskRequest, b: DeskRequest) => number> = {
    at: (a, b) => b.at - a.at,
    service: (a, b) => (a.title[language] < b.title[language] ? -1 : 1),
    step: (a, b) => deskSteps.indexOf(a.step) - deskSteps.indexOf(b.step),
  };
  const heading = (by: typeof sortBy, label: string): HTMLElement =>
    element(
      'th',
      { scope: 'col', 'aria-sort': sortBy === by ? (by === 'at' ? 'descending' : 'ascending') : 'none' },
      element(
        'button',
        {
          type: 'button',
          id: `sort-${by}`,
          class: 'sort',
          click: () => {
            sortBy = by;
            draw();
          },
        },
        label,
      ),
    );
  const filter = element(
    'select',
    {
      id: 'filter',
      change: (event) => {
        wanted = (event.target as HTMLSelectElement).value as typeof wanted;
        draw();
      },
    },
    ...(['all', ...deskSteps] as const).map((one) => element('option', { value: one, selected: one === wanted }, one === 'all' ? words().all : steps[one])),
  );
  const rows = shown.toSorted(order[sortBy]).map(({ id, at, step: now, title }) =>
    element(
      'tr',
      { class: inHand?.id === id ? 'chosen' : '' },
      element('td', {}, time(at)),
      element('td', {}, title[language]),
      element('td', {}, element('span', { class: `step step-${now}` }, steps[now])),
      element('td', {}, element('button', { type: 'button', class: 'row', id: `row-${id}`, 'aria-label': words().open(id.slice(0, 8)), click: () => void take(id) }, id.slice(0, 8))),
    ),
  );
  return element(
    'section',
    { 'aria-labelledby': 'queue', class: 'queue' },
    element('div', { class: 'line' }, element('h2', { id: 'queue' }, words().queue), element('label', { for: 'filter' }, words().show), filter),
    rows.length === 0
      ? element('p', {}, words().none)
      : element('table', {}, element('thead', {}, element('tr', {}, heading('at', columns.when), heading('service', columns.service), heading('step', columns.step), element('th', { scope: 'col' }, columns.request))), element('tbody', {}, ...rows)),
  );
}

function handView({ requests }: DeskState, id: string): HTMLElement {
  const request = requests.find((one) => one.id === id);
  const hand = inHand;
  if (request === undefined || hand === null) return element('section', {});
  const { opened, read, isBusy, said } = hand;
  const facts = (pairs: [string, string][]): HTMLElement => element('dl', {}, ...pairs.flatMap(([label, value]) => [element('dt', {}, label), element('dd', {}, value)]));
  return element(
    'section',
    { class: 'hand', id: 'in-hand', tabindex: '-1', 'aria-labelledby': 'hand-title' },
    element('div', { class: 'line' }, element('h2', { id: 'hand-title' }, request.title[language]), element('button', { type: 'button', id: 'close', 'aria-label': words().close, click: letGo }, '×')),
    element('p', { class: 'state' }, `${time(request.at)} · ${words().steps[request.step]} · ${id.slice(0, 8)}`),
    element('h3', {}, words().typed),
    facts((opened?.answers ?? []).map(({ question, label, answer, choice }) => [label?.[language] ?? question, choice?.[language] ?? answer])),
    element('h3', { id: 'facts', tabindex: '-1' }, words().facts),
    ...(read === null
      ? request.purpose === null
        ? [element('p', {}, words().withdrawnService)]
        : [element('p', {}, words().before(request.purpose.text[language])), element('button', { type: 'button', id: 'look', class: 'main', disabled: isBusy, click: () => void look(id) }, words().look)]
      : read.shown.flatMap(({ issuer, revocation, claims }) => [
          facts(claims.map(({ claim, value }) => [labels[language].claims[claim] ?? claim, valueText(claim, value)])),
          element('p', { class: 'state' }, words().says(issuer[language], words().checked[revocation])),
        ])),
    element('h3', {}, words().next),
    ...nextView(request, isBusy),
    element('p', { id: 'said', class: said?.isRefusal === true ? 'said refusal' : 'said', tabindex: '-1', role: 'status' }, said?.text() ?? ''),
  );
}

function nextView({ id, step: at }: DeskRequest, isBusy: boolean): HTMLElement[] {
  const value = (field: string): string => (document.getElementById(field) as HTMLInputElement | null)?.value.trim() ?? '';
  const button = (name: string, label: string, wish: Omit<DeskStepWish, 'id' | 'letter'>, kind = ''): HTMLElement =>
    element(
      'button',
      {
        type: 'button',
        id: `next-${name}`,
        class: kind,
        disabled: isBusy,
        click: () => {
          const [title, text] = [value('letter-title'), value('letter-text')];
          void step({ id, ...wish, ...(title === '' || text === '' ? {} : { letter: { title, text } }) });
        },
      },
      label,
    );
  const letter = [
    element('label', { for: 'letter-title' }, words().letterTitle),
    element('input', { id: 'letter-title', maxlength: '120', autocomplete: 'off' }),
    element('label', { for: 'letter-text' }, words().letterText),
    element('textarea', { id: 'letter-text', rows: '4', maxlength: '8000', 'aria-describedby': 'letter-hint' }),
    element('p', { id: 'letter-hint', class: 'state' }, words().letterHint),
  ];
  switch (at) {
    case 'submitted':
    case 'needs-more':
      return [button('receive', words().receive, { step: 'received' }, 'main')];
    case 'received':
      return [
        ...letter,
        element(
          'div',
          { class: 'line' },
          button('approve', words().approve, { step: 'decided', decision: 'approved' }, 'main'),
          button('refuse', words().refuse, { step: 'decided', decision: 'refused' }),
          button('more', words().needMore, { step: 'needs-more' }),
        ),
      ];
    case 'decided':
      return [button('finish', words().finish, { step: 'closed' }, 'main')];
    case 'closed':
    case 'withdrawn':
      return [element('p', {}, words().nothingToDo)];
  }
}

function table(caption: string, heads: string[], rows: string[][]): HTMLElement {
  return element(
    'table',
    { class: 'figures-table' },
    element('caption', { class: 'unseen' }, caption),
    element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))),
    element('tbody', {}, ...rows.map(([first = '', ...others]) => element('tr', {}, element('th', { scope: 'row' }, first), ...others.map((cell) => element('td', { class: 'number' }, cell))))),
  );
}

function figuresView(known: DeskState): HTMLElement {
  const { steps, byDay, day, total, toDecision, within, requests, refusals, code, noDecision, noRefusal, charts } = words();
  const days = requestsByDay(known);
  const used = deskSteps.filter((_, place) => days.some(({ counts }) => (counts[place] ?? 0) > 0));
  const decided = timeToDecision(known);
  const hours = decided.medianHours;
  const median = hours === null ? noDecision : words().median(hours < 1 ? words().minutes(String(Math.ceil(hours * 60))) : hours < 48 ? words().hours(hours.toFixed(1)) : words().days((hours / 24).toFixed(1)));
  return element(
    'section',
    { class: 'figures', 'aria-labelledby': 'figures' },
    element('h2', { id: 'figures' }, charts),
    element('h3', {}, byDay),
    element(
      'div',
      { class: 'beside' },
      element(
        'div',
        {},
        barChart(
          byDay,
          days.map(({ day: label, counts }) => ({ label: label.slice(5), counts })),
        ),
        element('ul', { class: 'legend' }, ...used.map((one) => element('li', { class: `key key-${deskSteps.indexOf(one)}` }, steps[one]))),
      ),
      table(
        byDay,
        [day, ...used.map((one) => steps[one]), total],
        days.map(({ day: label, counts }) => [label, ...used.map((one) => String(counts[deskSteps.indexOf(one)] ?? 0)), String(counts.reduce((sum, count) => sum + count, 0))]),
      ),
    ),
    element('h3', {}, toDecision),
    element('p', {}, median),
    ...(hours === null
      ? []
      : [
          element(
            'div',
            { class: 'beside' },
            element('div', {}, barChart(toDecision, within.map((label, i) => ({ label, counts: [0, 0, 0, decided.counts[i] ?? 0] })))),
            table(
              toDecision,
              [toDecision, requests],
              within.map((label, i) => [label, String(decided.counts[i] ?? 0)]),
            ),
          ),
        ]),
    element('h3', {}, refusals),
    ...(known.refusals.length === 0
      ? [element('p', {}, noRefusal)]
      : [
          element(
            'div',
            { class: 'beside' },
            element('div', {}, barChart(refusals, known.refusals.map(({ code: label, count }) => ({ label, counts: [0, 0, 0, 0, 0, count] })))),
            table(
              refusals,
              [code, total],
              known.refusals.map(({ code: one, count }) => [`${one}: ${reason(one)}`, String(count)]),
            ),
          ),
        ]),
  );
}

draw();
void refresh();
// What is under way asks itself, when it is done.
setInterval(() => {
  if (refreshes === 0 && inHand?.isBusy !== true) void refresh();
}, refreshMs);
