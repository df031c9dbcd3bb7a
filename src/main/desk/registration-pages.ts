import type { Doing, Page, PinPrompt } from '../../contract/bridge.ts';
import { recoveryKeyText } from '../../identity/recovery-key.ts';
import { draftId } from '../../ledger/verify/draft.ts';
import { nodeCrypto } from '../../ledger/client/crypto.ts';
import { reference } from '../../ledger/verify/reference.ts';
import { stagePath } from '../stage-path.ts';
import { longestPin, staffPrompt } from './hands.ts';
import type { RegistrationContext, RegistrationSnapshot } from './registration.ts';

/** What the screen shows of a registration, a function of where it stands. */
export function registrationPage(snapshot: RegistrationSnapshot): Page {
  const { context } = snapshot;
  const name = context.document?.facts.name ?? '';
  const at = stagePath(snapshot.value);
  switch (at) {
    case 'document':
      return { page: 'desk-document' };
    case 'check':
      return { page: 'desk-check', rows: context.document?.rows ?? [] };
    case 'lookUp.pin':
      return { page: 'desk-sign', what: 'look-up', name, ...staffPrompt(context) };
    case 'card.wanted':
      return { page: 'desk-card', card: 'wanted' };
    case 'card.used':
      return { page: 'desk-card', card: 'used' };
    case 'inHand.toResident':
      return { page: 'desk-turn', to: 'resident', name };
    case 'inHand.pin':
      return { page: 'desk-pin', problem: context.weakness, minLength: 6, maxLength: longestPin };
    case 'inHand.slip':
      return slipPage(context);
    case 'inHand.residentPin':
      return { page: 'desk-sign', what: 'resident', name, ...residentPrompt(context) };
    case 'inHand.toStaff':
      return { page: 'desk-turn', to: 'staff', name };
    case 'staffSign.pin':
      return { page: 'desk-sign', what: 'register', name, ...staffPrompt(context) };
    case 'done':
    case 'leaving':
      return { page: 'desk-done', name, reference: context.hand === null ? '' : reference(draftId(context.hand.draft, nodeCrypto)), tried: context.untried };
    case 'failed':
      return failurePage(context);
    default:
      return { page: 'working', doing: doingOf(at, context) };
  }
}

function slipPage({ hand }: RegistrationContext): Page {
  if (hand === null) throw new Error('a slip without a registration');
  return { page: 'desk-slip', recoveryKey: recoveryKeyText(hand.prepared.recoverySecret), unlockCode: hand.made.unlockCode };
}

function failurePage({ setback, hand }: RegistrationContext): Page {
  if (setback === null) throw new Error('nothing failed');
  const { failure, next } = setback;
  // After the signatures nobody can say whether the hub has it: it is asked again.
  return { page: 'failure', code: failure.code, detail: failure.detail ?? null, next: next === 'home' ? 'home' : 'retry', sent: next === 'submitting' || hand === null ? 'not-begun' : 'nothing' };
}

const residentPrompt = ({ residentTries, made, pinWrong }: RegistrationContext): PinPrompt => ({
  triesLeft: residentTries,
  pinPad: made?.info.pinPad ?? false,
  wrong: pinWrong,
  minLength: 6,
  maxLength: longestPin,
});

function doingOf(at: string, { touchWanted }: RegistrationContext): Doing {
  if (touchWanted) return 'touch-card';
  switch (at) {
    case 'lookUp.working':
      return 'looking-up';
    case 'inHand.wiping':
      return 'wiping-card';
    case 'inHand.making':
      return 'making-card';
    case 'inHand.choosing':
      return 'choosing-pin';
    case 'inHand.proving':
      return 'proving-key';
    case 'inHand.residentSigning':
    case 'staffSign.signing':
      return 'signing';
    case 'submitting':
      return 'registering';
    case 'trying':
      return 'trying-card';
    default:
      return 'reading-card';
  }
}
