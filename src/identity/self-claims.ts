import { z } from 'zod';
import { selfClaims, vouchedClaims } from '../contract/claims.ts';
import type { Service } from '../contract/service.ts';
import type { Id } from '../ledger/verify/acts.ts';
import { decodeCbor, encodeCbor } from '../ledger/verify/cbor.ts';
import { checkAnswer } from './checked-answer.ts';
import { sealTo } from './sealing.ts';

/**
 * What the resident typed once: the value as text in the form of its question (`true`/`false`, digits, ISO date, member of the enum) by fact.
 * A fact is a claim of the vocabulary (a self claim, or the register's or an agency's that no credential of the resident holds), or `<service id>#<question>` where it
 * belongs to its service alone.
 */
export type SelfClaims = Readonly<Record<string, { value: string; /** Unix seconds. */ at: number }>>;

/** The answers of one request by question, as they were typed or remembered. */
export type Answers = Readonly<Record<string, string>>;

const vocabulary = new Set<string>([...selfClaims, ...vouchedClaims]);

export const factOf = (service: Service, question: string): string => (vocabulary.has(question) ? question : `${service.id}#${question}`);

/** What of a service's questions is known already. A remembered answer that no longer fits its question is not given. */
export function rememberedAnswers(known: SelfClaims, service: Service): Answers {
  const answers: Record<string, string> = {};
  for (const [question, form] of Object.entries(service.questions.properties)) {
    const fact = known[factOf(service, question)];
    const checked = fact === undefined ? null : checkAnswer(form, fact.value);
    if (checked?.ok) answers[question] = checked.value;
  }
  return answers;
}

/** The map with this request's lasting answers in it, or null when none of them is new. */
export function withAnswers(known: SelfClaims, service: Service, answers: Answers, at: number): SelfClaims | null {
  const fresh = Object.entries(answers).filter(
    ([question, value]) => service.questions.properties[question]?.['x-lasting'] === true && known[factOf(service, question)]?.value !== value,
  );
  if (fresh.length === 0) return null;
  return { ...known, ...Object.fromEntries(fresh.map(([question, value]) => [factOf(service, question), { value, at }])) };
}

export const sealSelfClaims = (spaceKey: Uint8Array, resident: Id, claims: SelfClaims): Uint8Array => sealTo(spaceKey, 'self', resident, encodeCbor({ v: 1, claims }));

const selfSchema = z.strictObject({ v: z.literal(1), claims: z.record(z.string(), z.strictObject({ value: z.string(), at: z.int() })) });

export function decodeSelfClaims(bytes: Uint8Array): SelfClaims | null {
  const read = selfSchema.safeParse(decodeCbor(bytes));
  return read.success ? read.data.claims : null;
}
