import type { Act, ResidentReplace, ResidentRetire } from '../../../src/ledger/verify/acts.ts';
import { atKiosk, type RefusedCase } from '../court.ts';
import { body, envelopeOf, idOf, keys, lin, now, registerAct, requestBody, residentOf, signerOf, type TestResident } from '../small-district.ts';

/** Lin, with another card. */
export const newLin: TestResident = { id: lin.id, sig: signerOf('lin 2 sig'), aut: signerOf('lin 2 aut') };

export function replaceAct(card: TestResident = newLin, change: Partial<ResidentReplace> = {}): ResidentReplace {
  const { sig, aut, dec, space, proof } = registerAct(card);
  return { kind: 'resident.replace', subject: card.id, sig, aut, dec, space, counter: 1, document: [-16, new Uint8Array(32)], proof, ...change };
}
export const replace = (acts: Act[] = [replaceAct()]): Promise<Uint8Array> => envelopeOf(body(acts), [keys.staff, keys.clerk, newLin.sig]);
export const retireAct: ResidentRetire = { kind: 'resident.retire', subject: lin.id };
export const retire = (): Promise<Uint8Array> => envelopeOf(body([retireAct]), [keys.staff, keys.clerk]);

const day = 86_400;
const lateRequest = () => requestBody(newLin, 2).body.acts;

export const residentCases: RefusedCase[] = [
  { code: 'subject-unknown', name: 'nobody’s card is replaced', envelope: () => replace([replaceAct(newLin, { subject: idOf('nobody') })]) },
  { code: 'signer-role', name: 'one role replaces a card', envelope: () => envelopeOf(body([replaceAct()]), [keys.staff, newLin.sig]) },
  { code: 'signer-missing', name: 'the new card has not signed', envelope: () => envelopeOf(body([replaceAct()]), [keys.staff, keys.clerk]) },
  { code: 'signer-missing', name: 'the old card signs for the new one', envelope: () => envelopeOf(body([replaceAct()], { counter: 9, kiosk: 'hall-1' }), [keys.staff, keys.clerk, lin.sig, keys.kiosk]) },
  { code: 'key-taken', name: 'a new card with a key of the old one', envelope: () => replace([replaceAct(newLin, { aut: lin.aut.key })]) },
  { code: 'challenge-invalid', name: 'the proof of another card', envelope: () => replace([replaceAct(newLin, { proof: registerAct(lin).proof })]) },
  { code: 'subject-inactive', name: 'a card for a resident who is gone', envelope: () => replace(), before: (court) => court.take(retire()) },
  { code: 'signer-revoked', name: 'the old card after it was replaced', envelope: () => atKiosk(requestBody(lin, 9).body.acts), before: (court) => court.take(replace()) },
  { code: 'key-read-only', name: 'the new card, a second before the day is over', envelope: () => atKiosk(lateRequest(), { notAfter: now + 2 * day }, [newLin.sig, keys.kiosk]), before: (court) => court.take(replace()), at: { time: now + day - 1 } },
  { code: 'signer-role', name: 'a grant before the replacement in the same body', envelope: () => replace([...requestBody(newLin, 2).body.acts.slice(0, 1), replaceAct()]) },
  { code: 'subject-unknown', name: 'a grant with the registration', envelope: () => envelopeOf(body([registerAct(residentOf('chen')), ...requestBody(residentOf('chen'), 2).body.acts.slice(0, 1)]), [keys.staff, residentOf('chen').sig]) },
  { code: 'subject-unknown', name: 'nobody moves away', envelope: () => envelopeOf(body([{ ...retireAct, subject: idOf('nobody') }]), [keys.staff, keys.clerk]) },
  { code: 'signer-role', name: 'the registrar alone', envelope: () => envelopeOf(body([retireAct]), [keys.clerk]) },
  { code: 'subject-inactive', name: 'retired twice', envelope: () => retire(), before: (court) => court.take(retire()) },
  { code: 'signer-revoked', name: 'the card of a resident who is gone', envelope: () => atKiosk(requestBody(lin, 9).body.acts), before: (court) => court.take(retire()) },
];
