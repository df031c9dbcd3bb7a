import { z } from 'zod';
import type { AgencyChange } from '../keeper/agency-lists.ts';
import { toHex } from '../ledger/verify/bytes.ts';
import { hashText, secondsValue } from './api-values.ts';

/** What happened to something that concerns the agency, numbered from 1 in an order of its own. */
export const changeSchema = z.strictObject({
  seq: z.int().min(1),
  kind: z.enum(['grant.give', 'grant.end', 'request.submit', 'request.step', 'request.withdraw', 'credential.anchor', 'credential.revoke', 'verification.answer', 'resident.replace', 'ask.answered', 'ask.refused']),
  /** null: an ask whose answerer is not known. */
  subject: z.string().nullable(),
  /** Of the grant, request, credential, answer or ask; of a resident whose card was replaced, theirs. */
  id: z.string(),
  /** Of a request, from then on. */
  step: z.enum(['submitted', 'received', 'needs-more', 'decided', 'closed', 'withdrawn']).nullable(),
  at: secondsValue,
  /** null: it is none of the ledger's. */
  transaction: hashText.nullable(),
});
export type ChangeEvent = z.infer<typeof changeSchema>;

export const changeEvent = ({ seq, kind, subject, id, step, at, transaction }: AgencyChange): ChangeEvent => ({
  seq,
  kind,
  subject: subject === null ? null : toHex(subject),
  id: toHex(id),
  step,
  at,
  transaction: transaction === null ? null : toHex(transaction),
});
