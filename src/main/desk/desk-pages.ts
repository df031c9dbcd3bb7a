import type { DeskSigned, Doing, Page, PinPrompt } from '../../contract/bridge.ts';
import type { DeskAct } from '../../contract/desk-act.ts';
import type { PrinterStatus } from '../../contract/device-host.ts';
import { never } from '../../contract/result.ts';
import { recoveryKeyText } from '../../identity/recovery-key.ts';
import { draftId } from '../../ledger/verify/draft.ts';
import { nodeCrypto } from '../../ledger/client/crypto.ts';
import { reference } from '../../ledger/verify/reference.ts';
import { printOffer } from '../printing.ts';
import { stagePath } from '../stage-path.ts';
import type { DeskContext, DeskSnapshot } from './acting.ts';
import { deskButton } from './after-setback.ts';
import { keptDraftMs } from '../staff/kept-drafts.ts';
import { otherRole } from './desk-work.ts';
import { longestPin, staffPrompt } from './hands.ts';
import type { Waiting } from './work.ts';

/** The printer, and how many dots a line of its paper has; null: there is none. */
export interface Paper {
  printer: PrinterStatus;
  dots: number | null;
}

/** What the screen shows of an act of the desk, a function of where it stands. */
export function deskPage(act: DeskAct | 'countersign', snapshot: DeskSnapshot, paper: Paper): Page {
  const { context } = snapshot;
  const name = context.document?.facts.name ?? '';
  const at = stagePath(snapshot.value);
  switch (at) {
    case 'document':
      return { page: 'desk-document' };
    case 'check':
      if (act === 'countersign') return secondPage(context);
      return { page: 'desk-check', rows: context.document?.rows ?? [] };
    case 'number':
      return { page: 'desk-number', mistyped: context.mistyped };
    case 'lookUp.pin':
      return { page: 'desk-sign', what: context.why === 'register' ? 'look-up' : `look-up-${context.why}`, name, ...staffPrompt(context) };
    case 'reason':
      return { page: 'desk-block', number: context.number };
    case 'card.wanted':
      return { page: 'desk-card', card: 'wanted', ...placeOf(context) };
    case 'card.used':
      return { page: 'desk-card', card: 'used' };
    case 'holder.wanted':
      return { page: 'desk-card', card: 'holder', ...placeOf(context) };
    case 'staffSign.card':
    case 'staffBack.card':
      return { page: 'desk-card', card: 'staff', ...placeOf(context) };
    case 'again.wanted':
      return { page: 'desk-card', card: 'again', ...placeOf(context) };
    case 'again.inHand.pin':
      return { page: 'desk-sign', what: 'try-out', name: nameOf(context), ...residentPrompt(context) };
    case 'inHand.toResident':
      return { page: 'desk-turn', to: 'resident', name };
    case 'inHand.code':
      return { page: 'desk-code', wrong: context.codeWrong, triesLeft: context.codeTries };
    case 'inHand.pin':
      return { page: 'desk-pin', problem: context.weakness, minLength: 6, maxLength: longestPin };
    case 'inHand.oldSlip':
      return { page: 'desk-old-slip', problem: context.slipProblem, scanner: context.work.hasScanner };
    case 'meaning':
      return { page: 'desk-retire', number: context.number };
    case 'kept':
      return keptPage(context);
    case 'inHand.slip.shown':
    case 'inHand.slip.printing':
      return slipPage(context, paper);
    case 'inHand.residentSign.pin':
      return { page: 'desk-sign', what: act === 'replace' ? 'resident-replace' : 'resident', name, ...residentPrompt(context) };
    case 'inHand.toStaff':
      return { page: 'desk-turn', to: 'staff', name };
    case 'staffSign.pin':
    case 'staffBack.pin':
      return { page: 'desk-sign', what: staffSigns(act, context), name: nameOf(context), ...staffPrompt(context) };
    case 'done':
    case 'leaving':
      return { page: 'desk-done', act: act === 'countersign' ? waitingOf(context).act : act, name: nameOf(context), reference: referenceOf(context), tried: context.untried, ...(context.already ? { already: true as const } : {}), ...(staffIsOut(context) ? { ends: true } : {}) };
    case 'failed':
      return failurePage(context);
    default:
      return { page: 'working', doing: doingOf(act, at, context) };
  }
}

const keptMinutes = keptDraftMs / 60_000;

/** Where each card has a reader of its own the page says so by itself. */
function placeOf({ oneReader, reader, staffCard }: DeskContext): { inReader?: 'nothing' | 'staff' | 'another' } {
  if (!oneReader) return {};
  return { inReader: !('insertion' in reader) ? 'nothing' : reader.insertion === staffCard ? 'staff' : 'another' };
}

const staffIsOut = (context: DeskContext): boolean => context.oneReader && placeOf(context).inReader !== 'staff';

const nameOf = ({ document, waiting }: DeskContext): string => (document ?? waiting?.document)?.facts.name ?? '';

function waitingOf({ waiting }: DeskContext): Waiting {
  if (waiting === null) throw new Error('nothing waits');
  return waiting;
}

function staffSigns(act: DeskAct | 'countersign', context: DeskContext): DeskSigned {
  switch (act) {
    case 'register':
    case 'replace':
    case 'block':
    case 'retire':
      return act;
    case 'countersign':
      return `second-${waitingOf(context).act}`;
    case 'unblock':
      throw new Error('an unlocked PIN is signed by nobody');
  }
  return never(act);
}

function keptPage(context: DeskContext): Page {
  const { act, role } = waitingOf(context);
  return { page: 'desk-kept', act, name: nameOf(context), reference: context.reference, role: otherRole(role), minutes: keptMinutes, ...(context.oneReader ? { atHand: true } : {}) };
}

function secondPage(context: DeskContext): Page {
  const { act, role, number } = waitingOf(context);
  return { page: 'desk-second', act, name: nameOf(context), number, role };
}

const referenceOf = ({ hand, reference: known }: DeskContext): string => (known !== '' || hand === null ? known : reference(draftId(hand.draft, nodeCrypto)));

function slipPage({ hand, printing, oneReader }: DeskContext, { printer, dots }: Paper): Page {
  if (hand === null) throw new Error('a slip without a registration');
  return { page: 'desk-slip', recoveryKey: recoveryKeyText(hand.recoverySecret), unlockCode: hand.made.unlockCode, ...(oneReader ? { minutes: keptMinutes } : {}), ...(dots === null ? {} : { print: printOffer(printing, printer, dots) }) };
}

function failurePage({ setback, hand, handedOver }: DeskContext): Page {
  if (setback === null) throw new Error('nothing failed');
  const { failure, next } = setback;
  // Once it was given to the hub nobody can say whether it has it, but the hub that refuses it.
  const isSurelyNot = hand !== null && (!handedOver || failure.code === 'request-rejected');
  return { page: 'failure', code: failure.code, detail: failure.detail ?? null, ...deskButton(failure, next), sent: isSurelyNot ? 'nothing' : 'not-begun', toStaff: true };
}

const residentPrompt = ({ residentTries, residentPad, pinWrong }: DeskContext): PinPrompt => ({
  triesLeft: residentTries,
  pinPad: residentPad,
  wrong: pinWrong,
  minLength: 6,
  maxLength: longestPin,
});

function doingOf(act: DeskAct | 'countersign', at: string, context: DeskContext): Doing {
  if (context.touchWanted) return 'touch-card';
  switch (at) {
    case 'lookUp.working':
    case 'space':
      return 'looking-up';
    case 'inHand.wiping':
      return 'wiping-card';
    case 'inHand.making':
      return 'making-card';
    case 'inHand.choosing':
      return act === 'unblock' ? 'unlocking-pin' : 'choosing-pin';
    case 'inHand.proving':
    case 'staffBack.working':
      return 'proving-key';
    case 'inHand.residentSign.working':
      return 'signing';
    case 'staffSign.working':
      return act === 'block' ? 'blocking-card' : 'signing';
    case 'delivering':
      return 'blocking-card';
    case 'submitting':
      return act === 'countersign' ? (context.waiting?.act === 'retire' ? 'retiring' : 'replacing-card') : 'registering';
    case 'trying':
    case 'again.inHand.working':
      return 'trying-card';
    default:
      return 'reading-card';
  }
}
