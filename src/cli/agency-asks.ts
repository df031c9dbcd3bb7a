import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { AgencyAsks, type AskAnswer, type AskView } from '../gateway/agency/agency-asks.ts';
import { longestAskSeconds } from '../identity/ask.ts';
import { fromHex } from '../ledger/verify/bytes.ts';
import type { Called, Listed } from './agency.ts';
import { timeText } from './time-text.ts';

const defaultMinutes = '1440';

/** Asking somebody who is not at the counter (docs/remote-verification.md). */
export const askCommands: Record<'ask' | 'asked' | 'answer', Listed> = {
  ask: { words: 0, run: ask },
  asked: {
    words: 1,
    run: async ({ place, words: [id = ''], say }) => {
      if (!isAsk(id)) return notAnAsk;
      const standing = await new AgencyAsks(place.parts).standing(id);
      if (!standing.ok) return standing;
      say(standingText(standing.value), standing.value);
      return ok(null);
    },
  },
  answer: {
    words: 1,
    run: async ({ place, words: [id = ''], say }) => {
      if (!isAsk(id)) return notAnAsk;
      const answer = await new AgencyAsks(place.parts).answer(id);
      if (!answer.ok) return answer;
      say(answerText(answer.value), answer.value);
      return ok(null);
    },
  },
};

/** `state` of the request object: 16 bytes in base64url. */
const isAsk = (text: string): boolean => /^[A-Za-z0-9_-]{22}$/.test(text);
const notAnAsk = fail('usage', 'an ask is named by the 22 signs that asking printed');

async function ask({ place, options, say }: Called): Promise<Result<null, Failure<string>>> {
  const { purpose, facts, 'reason-en': en, 'reason-zh': zh, subject, code, minutes = defaultMinutes } = options;
  if (typeof purpose !== 'string' || typeof facts !== 'string' || typeof en !== 'string' || typeof zh !== 'string') return fail('usage', 'ask needs --purpose, --facts, --reason-en and --reason-zh');
  const resident = typeof subject !== 'string' ? null : /^[0-9a-f]{32}$/.test(subject) ? (fromHex(subject) ?? null) : undefined;
  if (resident === undefined) return fail('usage', '--subject is a resident’s id, 32 hexadecimal digits');
  const seconds = 60 * Number(minutes);
  if (!Number.isInteger(seconds) || seconds < 60 || seconds > longestAskSeconds) return fail('usage', '--minutes is from 1 to 43200');
  const claims = facts.split(',').map((text) => ({ claim: text.replace(/\?$/, ''), optional: text.endsWith('?') }));
  const made = await new AgencyAsks(place.parts).ask({ purpose, reason: { en, 'zh-Hans': zh }, claims, subject: resident, withCode: code === true, seconds });
  if (!made.ok) return made;
  const { id, code: short, requestUri, walletUri, until } = made.value;
  const waits = resident === null ? [] : ['It waits for that resident at their next visit.'];
  say([`ask ${id}, until ${timeText(until)}`, ...waits, ...(short === null ? [] : [`code at any kiosk: ${short}`]), `from home: imi card answer ${requestUri}`, `another wallet: ${walletUri}`].join('\n'), made.value);
  return ok(null);
}

const standingText = ({ state, until, at }: AskView): string => (at === null ? `${state}, until ${timeText(until)}` : `${state}, ${timeText(at)}`);

function answerText({ answer, at, ledgerKey, subject, claims, shown, transaction }: AskAnswer): string {
  if (answer === 'no') return `no, ${timeText(at)}`;
  if (ledgerKey !== 'active') return [`yes, ${timeText(at)}: ${claims.join(', ')}`, 'A wallet of another kind: ledger key not applicable. The gateway has signed that it checked it; --json has what was shown.'].join('\n');
  return [
    `yes, ${timeText(at)}, by resident ${subject ?? ''}`,
    ...shown.flatMap(({ issuer, vct, claims: values }) => [`${issuer} says (${vct}):`, ...Object.entries(values).map(([claim, value]) => `  ${claim}: ${value}`)]),
    `Receipt, signatures, binding to this ask, revocation and the card’s key on the ledger were checked. The resident reads of this answer: ${transaction ?? ''}`,
  ].join('\n');
}
