import type { Page } from '../../contract/bridge.ts';
import { stagePath } from '../stage-path.ts';
import type { BlockingContext, BlockingSnapshot } from './blocking.ts';
import { staffPrompt } from './hands.ts';

/** What the screen shows while a card is blocked. */
export function blockingPage(snapshot: BlockingSnapshot): Page {
  const { context } = snapshot;
  switch (stagePath(snapshot.value)) {
    case 'number':
      return { page: 'desk-number', mistyped: context.mistyped };
    case 'lookUp.pin':
      return { page: 'desk-sign', what: 'look-up-block', name: '', ...staffPrompt(context) };
    case 'reason':
      return { page: 'desk-block', number: context.number };
    case 'sign.pin':
      return { page: 'desk-sign', what: 'block', name: '', ...staffPrompt(context) };
    case 'done':
      return { page: 'desk-blocked', reference: context.reference };
    case 'failed':
      return failurePage(context);
    case 'lookUp.working':
      return { page: 'working', doing: context.touchWanted ? 'touch-card' : 'looking-up' };
    default:
      return { page: 'working', doing: context.touchWanted ? 'touch-card' : 'blocking-card' };
  }
}

function failurePage({ setback }: BlockingContext): Page {
  if (setback === null) throw new Error('nothing failed');
  const { failure, next } = setback;
  return { page: 'failure', code: failure.code, detail: failure.detail ?? null, next: next === 'home' ? 'home' : 'retry', sent: 'not-begun' };
}
