import { ok } from '../../contract/result.ts';
import type { Language } from '../../contract/language.ts';
import type { Trust } from '../../ledger/verify/head.ts';
import { nobleCrypto } from '../../ledger/verify/noble-crypto.ts';
import type { PendingReceipt } from '../../ledger/verify/pending-receipt.ts';
import { receiptFromFile, receiptFromText } from '../../ledger/verify/receipt-text.ts';
import { trustFingerprint } from '../../ledger/verify/trust-fingerprint.ts';
import { check, type Outcome } from './check.ts';
import { element } from './element.ts';
import { outcomeView, type Names } from './outcome-view.ts';
import type { PageHub } from './page-hub.ts';
import './receipt.css';
import { trustFrom, trustFromText } from './trust-file.ts';
import { words } from './words.ts';

/** A receipt has a few kilobytes; of 99 codes it would have 120 000 bytes. */
const largestFileBytes = 1_000_000;
const languageNames: Record<Language, string> = { 'zh-Hans': '中文', en: 'English' };
const speaking = Object.keys(languageNames) as Language[];

const hub = JSON.parse(document.getElementById('hub')?.textContent ?? 'null') as PageHub | null;
const builtIn: Trust | null = hub === null ? null : (trustFrom(hub.trustRoot) ?? null);
const names: Names = { parties: hub?.parties ?? {}, services: hub?.services ?? {} };

let language: Language = navigator.language.startsWith('zh') ? 'zh-Hans' : 'en';
let brought: Trust | null = null;
let broughtWrong = false;
let outcome: Outcome | null = null;
/** The pending receipt that was opened last, until the page is closed or trusts other keys. */
let waiting: PendingReceipt | null = null;

const trust = (): Trust | null => brought ?? builtIn;

// What was typed and chosen outlives a change of language.
const file = element('input', { type: 'file', id: 'file', class: 'unseen', change: () => void readFile(file.files?.[0]) });
const codes = element('textarea', { id: 'codes', rows: '6', spellcheck: 'false', autocapitalize: 'characters', autocomplete: 'off', 'aria-describedby': 'codes-text' });
const trustText = element('textarea', { id: 'trust', rows: '6', spellcheck: 'false', autocomplete: 'off', 'aria-describedby': 'trust-text trust-wrong' });

document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => {
  event.preventDefault();
  void readFile(event.dataTransfer?.files[0]);
});
draw();

async function readFile(chosen: File | undefined): Promise<void> {
  if (chosen === undefined) return;
  if (chosen.size > largestFileBytes) return show({ kind: 'refused', fault: 'not-a-receipt', detail: `${chosen.size} bytes` });
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(await chosen.arrayBuffer());
  } catch {
    // Moved or taken away since it was chosen.
    return show({ kind: 'file-unreadable' });
  } finally {
    // The same file can be chosen again.
    file.value = '';
  }
  const joined = receiptFromFile(bytes);
  show(check(joined.ok ? ok(joined.value) : joined, trust(), waiting));
}

function show(next: Outcome): void {
  outcome = next;
  if (next.kind === 'queued') waiting = next.pending;
  draw();
  document.getElementById('outcome')?.focus();
}

function speak(next: Language): void {
  language = next;
  draw();
  document.querySelector<HTMLElement>('[aria-pressed="true"]')?.focus();
}

/** What was found out with other keys counts no more. */
function believe(next: Trust | null): void {
  brought = next;
  broughtWrong = false;
  outcome = null;
  waiting = null;
  draw();
  document.getElementById('whom')?.focus();
}

function takeTrust(): void {
  const read = trustFromText(trustText.value);
  if (read !== undefined) return believe(read);
  broughtWrong = true;
  draw();
  trustText.focus();
}

function draw(): void {
  const say = words[language];
  document.documentElement.lang = language;
  document.title = say.title;
  document
    .getElementById('page')
    ?.replaceChildren(
      element('header', {}, element('h1', {}, say.title), languageButtons(), element('p', { class: 'lead' }, say.lead)),
      element('main', {}, receiptSection(), ...(outcome === null ? [] : [outcomeView(outcome, language, names)]), trustSection()),
    );
}

function languageButtons(): HTMLElement {
  const buttons = speaking.map((one) =>
    element('button', { type: 'button', lang: one, 'aria-pressed': String(one === language), click: () => speak(one) }, languageNames[one]),
  );
  return element('div', { class: 'languages', role: 'group', 'aria-label': words[language].languages }, ...buttons);
}

function receiptSection(): HTMLElement {
  const { receipt } = words[language];
  return element(
    'section',
    { class: 'ask', 'aria-labelledby': 'receipt' },
    element('h2', { id: 'receipt' }, receipt.title),
    file,
    element('label', { for: 'file', class: 'choose' }, receipt.file),
    element('label', { for: 'codes' }, receipt.codes),
    element('p', { id: 'codes-text', class: 'soft' }, receipt.codesText),
    codes,
    element('button', { type: 'button', class: 'first', 'data-check': true, click: () => show(check(receiptFromText(codes.value), trust(), waiting)) }, receipt.check),
  );
}

function trustSection(): HTMLElement {
  const say = words[language].trust;
  const believed = trust();
  const whom = believed === null ? say.none : brought === null && hub !== null ? say.hub(hub.name[language], believed.chain) : say.brought(believed.chain);
  trustText.setAttribute('aria-invalid', String(broughtWrong));
  return element(
    'section',
    { class: brought === null ? 'trust' : 'trust brought', 'aria-labelledby': 'whom' },
    element('h2', { id: 'whom', tabindex: '-1' }, say.title),
    element('p', { 'data-whom': true }, whom),
    ...(believed === null
      ? []
      : [
          element('p', {}, element('span', { class: 'label' }, say.fingerprint), element('code', { 'data-fingerprint': true }, trustFingerprint(believed, nobleCrypto))),
          element('p', { class: 'soft' }, say.compare),
        ]),
    element(
      'details',
      { open: broughtWrong || believed === null, class: 'ask' },
      element('summary', {}, say.other),
      element('p', { id: 'trust-text', class: 'soft' }, say.otherText),
      element('label', { for: 'trust' }, say.field),
      trustText,
      element('p', { id: 'trust-wrong', class: 'wrong', role: 'alert' }, broughtWrong ? say.wrong : ''),
      element('button', { type: 'button', class: 'second', 'data-take': true, click: takeTrust }, say.take),
    ),
    ...(brought === null || builtIn === null ? [] : [element('button', { type: 'button', class: 'second ask', 'data-back': true, click: () => believe(null) }, say.back)]),
  );
}
