import { fail, ok, type Result } from '../contract/result.ts';
import { answerRefusalCodes } from '../contract/failures.ts';
import type { Asks, AsksFailure } from '../gateway/asks.ts';
import { parseVpToken } from '../identity/answer.ts';
import { readAskCode } from '../identity/ask-code.ts';
import type { KeptAsk } from '../keeper/ask-book.ts';
import type { Keeper } from '../keeper/keeper.ts';
import { toHex } from '../ledger/verify/bytes.ts';
import type { DoorHandlers } from './conversation.ts';

type AskHandlers = Pick<DoorHandlers, 'asks.list' | 'ask.by-code' | 'ask.by-id' | 'ask.answer' | 'ask.refuse'>;

/** Of codes in one visit: enough for somebody who misreads one, and nothing against the 30⁸ that there are. */
const mostTries = 6;

/** What a visit may do with asks: those that wait for its resident, and the one whose code was typed. */
export function askHandlers(asks: Asks | null, keeper: Pick<Keeper, 'residentOf'>): AskHandlers {
  const tries = new Map<string, number>();
  const carried = ({ id, signed }: KeptAsk): { id: Uint8Array; signed: string } => ({ id, signed });
  /** Not one that asks somebody else by name. */
  const carriedTo = (ask: KeptAsk | null, resident: Uint8Array): { id: Uint8Array; signed: string } | null =>
    ask !== null && (ask.subject === null || toHex(ask.subject) === toHex(resident)) ? carried(ask) : null;
  return {
    'asks.list': async ({ session }) => {
      const resident = keeper.residentOf(session);
      if (resident === null) return fail('hub-refused', 'session');
      const waiting = asks === null ? ok([]) : await asks.asksFor(resident);
      return waiting.ok ? ok({ asks: waiting.value.map(carried) }) : waiting;
    },
    'ask.by-code': async ({ session, code }) => {
      const resident = keeper.residentOf(session);
      if (resident === null) return fail('hub-refused', 'session');
      const visit = toHex(session);
      const used = tries.get(visit) ?? 0;
      if (used >= mostTries) return ok({ ask: null, triesLeft: 0 });
      // Sessions end by themselves within twenty minutes; the oldest go first.
      if (tries.size > 1024) tries.delete(tries.keys().next().value ?? '');
      tries.set(visit, used + 1);
      const typed = readAskCode(code);
      const found = typed === null || asks === null ? ok(null) : await asks.byCode(typed);
      if (!found.ok) return found;
      return ok({ ask: carriedTo(found.value, resident), triesLeft: mostTries - used - 1 });
    },
    'ask.by-id': async ({ session, ask }) => {
      const resident = keeper.residentOf(session);
      if (resident === null) return fail('hub-refused', 'session');
      const found = asks === null ? fail('ask-unknown') : await asks.open(ask);
      if (found.ok) return ok({ ask: carriedTo(found.value, resident) });
      const refused = refusalOf(found.failure);
      return refused.ok ? ok({ ask: null }) : refused;
    },
    'ask.answer': async ({ session, ask, vpToken }) => {
      const resident = keeper.residentOf(session);
      if (resident === null) return fail('hub-refused', 'session');
      const token = parseVpToken(vpToken);
      if (asks === null || token === null) return ok({ refused: asks === null ? ('ask-unknown' as const) : ('answer-malformed' as const) });
      const answered = await asks.answer(ask, token, resident);
      if (!answered.ok) return refusalOf(answered.failure);
      return ok({ transaction: answered.value.transaction });
    },
    'ask.refuse': async ({ session, ask }) => {
      const resident = keeper.residentOf(session);
      if (resident === null) return fail('hub-refused', 'session');
      const refused = asks === null ? fail('ask-unknown') : await asks.refuse(ask, resident);
      return refused.ok ? ok({}) : refusalOf(refused.failure);
    },
  };
}

/** A refusal is an answer; what keeps hub or ledger from answering stays a failure. */
function refusalOf(failure: AsksFailure): Result<{ refused: string }> {
  if ((answerRefusalCodes as readonly string[]).includes(failure.code)) return ok({ refused: failure.code });
  return failure.code.startsWith('hub-') ? (fail(failure.code as 'hub-busy', failure.detail)) : ok({ refused: failure.code });
}
