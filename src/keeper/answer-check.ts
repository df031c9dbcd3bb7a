import { askedClaims, nonceHash, readAsk } from '../identity/ask.ts';
import type { VerificationAnswer } from '../ledger/verify/acts.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import { stateKey } from '../ledger/verify/records.ts';
import { readRecord } from './ledger-records.ts';
import { must, refuse } from './refusal.ts';
import { activeAgency, concern, openPart, takeNamed, type Walk } from './submission-walk.ts';

/** What the gateway says was answered: that the agency asked for it, for a purpose of its own, and that this is the answer to that ask and to no other. */
export async function checkAnswer(index: number, act: VerificationAnswer, walk: Walk): Promise<void> {
  const part = await openPart(index, act, walk, true);
  const agency = await activeAgency(part.agency, walk.keeper);
  const read = readAsk(Buffer.from(part.signed).toString('ascii'), agency.sign, walk.keeper.crypto.verify, walk.now);
  if (!read.ok) return refuse(read.failure.code === 'ask-late' ? 'until-past' : 'signature-invalid');
  const ask = read.value;
  const purpose = agency.purposes.find(({ id }) => id === ask.purpose) ?? refuse('purpose-not-owned');
  const asked = askedClaims(ask);
  if (asked.some((claim) => !purpose.claims.includes(claim))) refuse('claims-beyond-purpose');
  const isSame = ask.agency === part.agency && ask.purpose === part.purpose && part.claims.every((claim) => asked.includes(claim)) && equalBytes(nonceHash(ask), act.id);
  if (!isSame || (ask.subject !== null && !equalBytes(ask.subject, act.subject))) refuse('order-mismatch');
  if (act.until !== ask.until) refuse('until-mismatch');
  const spent = must(await readRecord(walk.keeper.ledger, 'answer', stateKey.answer(act.id)));
  if (spent !== null) refuse('nonce-spent');
  takeNamed(walk, index, act, 'token', 'agency', null, part.token);
  concern(walk, index, act, part.agency);
}
