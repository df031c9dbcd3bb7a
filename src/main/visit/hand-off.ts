import { z } from 'zod';
import { fail, ok, type Result } from '../../contract/result.ts';
import { readAskCode } from '../../identity/ask-code.ts';
import { checkAnswer } from '../../identity/checked-answer.ts';
import { handOffInLink, openHandOff, sealHandOff } from '../../identity/hand-off.ts';
import type { SelfClaims } from '../../identity/self-claims.ts';
import { toHex } from '../../ledger/verify/bytes.ts';
import type { District } from '../district.ts';
import { askNext, chooseClaim, isRequired, leadOf, questionsOf, tellAgency, toAsk, type Draft } from './draft.ts';
import type { Access } from './work.ts';

/** Where a matter was left. */
export const handOffSteps = ['consent', 'question', 'check'] as const;
export type HandOffStep = (typeof handOffSteps)[number];

/** What of a draft cannot be known anew at the other place: the choices and what was typed. Facts are not in it; they come from the credentials again. */
const parcelSchema = z.strictObject({
  v: z.literal(1),
  /** Id of a service or a bundle. */
  matter: z.string().max(80),
  /** `definition`: SHA-256 of the service's file, hexadecimal, as it was consented to. */
  letters: z.array(z.strictObject({ service: z.string().max(80), definition: z.string().regex(/^[0-9a-f]{64}$/), told: z.boolean(), chosen: z.array(z.string().max(60)) })).max(16),
  typed: z.record(z.string().max(60), z.string().max(500).nullable()),
  step: z.enum(handOffSteps),
  asking: z.string().max(60).nullable(),
});
export type Parcel = z.infer<typeof parcelSchema>;

/** A matter that is handed off: under this code, until then (Unix seconds). */
export interface HandedOff {
  code: string;
  until: number;
}

/** Its number in the hall's queue, and the counter that it was called to last. */
export interface QueuePlace {
  ticket: string;
  counter: string | null;
}

/** One that was handed off, opened again. */
export interface OpenedParcel {
  code: string;
  parcel: Parcel;
  /** Typed facts, where home was left before they were proved. */
  self: SelfClaims | null;
}

export function parcelOf(draft: Draft, step: HandOffStep): Parcel {
  const { bundle, letters, typed, asking } = draft;
  return {
    v: 1,
    matter: bundle === null ? leadOf(draft).offer.service.id : bundle.id,
    letters: letters.map(({ offer, told, chosen }) => ({ service: offer.service.id, definition: toHex(offer.definition[1]), told, chosen: [...chosen] })),
    typed: { ...typed },
    step,
    asking: step === 'question' ? asking : null,
  };
}

/**
 * The draft as it was left, over one that was begun just now: what the service no longer asks is dropped, and what it asks anew is asked first. Where any of its services is
 * not the one that was consented to, it goes on with the consent.
 * @param fresh of the same matter.
 */
export function resumeDraft(parcel: Parcel, fresh: Draft): { draft: Draft; step: HandOffStep } {
  let draft = fresh;
  for (const { service, told, chosen } of parcel.letters) {
    draft = tellAgency(draft, service, told);
    for (const claim of chosen) draft = chooseClaim(draft, service, claim, true);
  }
  const typed: Record<string, string | null> = {};
  for (const [name, question] of Object.entries(questionsOf(draft))) {
    const said = parcel.typed[name];
    if (said === undefined || (said === null && isRequired(draft, name))) continue;
    if (said === null || checkAnswer(question, said).ok) typed[name] = said;
  }
  draft = { ...draft, typed };
  const asConsented = fresh.letters.length === parcel.letters.length && fresh.letters.every(({ offer }) => parcel.letters.some(({ service, definition }) => service === offer.service.id && definition === toHex(offer.definition[1])));
  if (parcel.step === 'consent' || !asConsented) return { draft, step: 'consent' };
  if (parcel.asking !== null && parcel.asking in questionsOf(draft)) return { draft: { ...draft, asking: parcel.asking, changing: toAsk(draft).every((name) => typed[name] !== undefined) }, step: 'question' };
  const next = askNext(draft);
  return { draft: next, step: next.asking === null ? 'check' : 'question' };
}

export interface HandOffParts {
  district: Pick<District, 'putHandOff' | 'handOff'>;
}

export async function handOff({ resident, session }: Access, parcel: Parcel, { district }: HandOffParts): Promise<Result<HandedOff>> {
  return district.putHandOff(session, sealHandOff(resident.space, resident.id, JSON.stringify(parcel)));
}

/** @param typed a code as it was typed, or as a scanner read it. null: no matter of this resident's has it. `space-unreadable`: what the hub gave is none. */
export async function takeUp({ resident, session, space }: Access, typed: string, { district }: HandOffParts): Promise<Result<{ code: string; parcel: Parcel } | null>> {
  const code = handOffInLink(typed) ?? readAskCode(typed);
  if (code === null) return ok(null);
  const kept = await district.handOff(session, code);
  if (!kept.ok) return kept;
  if (kept.value === null) return ok(null);
  const opened = await openHandOff(kept.value, resident.id, space.opener);
  if (!opened.ok) return opened.failure.code === 'seal-broken' ? fail('space-unreadable', 'hand-off') : { ok: false, failure: opened.failure };
  const parcel = readParcel(opened.value);
  return parcel === null ? fail('space-unreadable', 'hand-off') : ok({ code, parcel });
}

export function readParcel(text: string): Parcel | null {
  try {
    return parcelSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
