import { waitFor, type AnyActorRef } from 'xstate';
import { ok } from '../../../src/contract/result.ts';
import { prepareRegistration } from '../../../src/identity/registration.ts';
import { newDraft } from '../../../src/ledger/verify/draft.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../../src/ledger/node-signer.ts';
import { checkDocument } from '../../../src/main/desk/document.ts';
import { closeHand } from '../../../src/main/desk/hands.ts';
import type { CardInHand, DeskWork, MadeCard } from '../../../src/main/desk/work.ts';
import { fang } from '../../fixtures/fang.ts';

const document = checkDocument(fang, '2026-11-30');
if (!document.ok) throw new Error(document.failure.code);
export const fangDocument = document.value;

export const madeCard: MadeCard = {
  info: {
    application: 'openpgp',
    version: '3.4',
    keys: { sig: new Uint8Array(32).fill(1), aut: new Uint8Array(32).fill(2), dec: ed25519Signer(new Uint8Array(32).fill(3)).key[1] },
    tries: { pw1: 3, resetCode: 3, pw3: 3 },
    pinPerSignature: true,
    pinMinLength: 6,
    pinMaxLength: 127,
    pinPad: false,
    touch: { sig: false, dec: false, aut: false },
    signatureCount: 1,
  },
  adminPin: new Uint8Array(1),
  unlockCode: '739154820617',
};

export interface DeskCalls {
  did: string[];
  pins: string[];
}

/** A desk where all goes well, and what was asked of it. */
export function goodDeskWork(calls: DeskCalls): DeskWork {
  const handIn = (): CardInHand => {
    const prepared = prepareRegistration({ chain: 'imi-demo', kiosk: 'hall-1', ...madeCard.info.keys, signatureCount: 1, now: 0 }, nodeCrypto);
    const { resident, recoverySecret, wrapped, recovery } = prepared;
    return { resident, recoverySecret, beside: { what: 'registration', wrapped, recovery }, made: { ...madeCard }, draft: newDraft(prepared.finish(new Uint8Array(64)), [[-19, madeCard.info.keys.sig], [-19, new Uint8Array(32)]]) };
  };
  const did = <T>(what: string, value: T, pin?: Uint8Array | null): Promise<{ ok: true; value: T }> => {
    calls.did.push(what);
    if (pin) calls.pins.push(Buffer.from(pin).toString());
    pin?.fill(0);
    return Promise.resolve(ok(value));
  };
  return {
    readDocument: () => did('readDocument', fangDocument),
    isNumber: (number) => number === fang.number,
    signBlock: (_, __, pin) => did('signBlock', { verified: true, block: { transaction: new Uint8Array(32), envelope: new Uint8Array(1) } }, pin),
    deliverBlock: () => did('deliverBlock', { already: false }),
    lookUp: (_, __, pin) => did('lookUp', { verified: true, resident: null }, pin),
    lookAtCard: (_, __, insertion) => did(`lookAtCard ${insertion}`, 'blank'),
    wipe: () => did('wipe', null),
    make: () => did('make', { ...madeCard }),
    choosePin: (_, pin) => did('choosePin', { chosen: true }, pin),
    prove: () => did('prove', handIn()),
    signAsResident: (_, pin, hand) => did('signAsResident', { verified: true, hand }, pin),
    signAsStaff: (_, __, pin, hand) => did('signAsStaff', { verified: true, hand }, pin),
    lookAtStaff: (_, insertion) => did(`lookAtStaff ${insertion}`, { triesLeft: 3, pinPad: false }),
    proveStaff: (_, insertion, pin) => did(`proveStaff ${insertion}`, { verified: true }, pin),
    submit: () => did('submit', null),
    tryOut: () => did('tryOut', null),
    lookAtMade: (insertion) => did(`lookAtMade ${insertion}`, { triesLeft: 3, pinPad: false }),
    tryOutAgain: (_, pin) => did('tryOutAgain', { verified: true, untried: null }, pin),
    lookUpSpace: (_, __, resident) => did('lookUpSpace', { resident, publicKey: new Uint8Array(32), recovery: { enc: new Uint8Array(32), ciphertext: new Uint8Array(48) }, formers: [], replaced: 0 }),
    proveReplacement: () => did('proveReplacement', handIn()),
    signRetirement: (_, __, pin) => did('signRetirement', { verified: true, draft: handIn().draft }, pin),
    keep: () => {
      calls.did.push('keep');
      return ok({ reference: '7KQ2-M4XD-09' });
    },
    waiting: () => null,
    keptCard: null,
    hasScanner: false,
    countersign: (_, __, pin) => did('countersign', { verified: true, envelope: new Uint8Array(1) }, pin),
    carryOut: () => did('carryOut', null),
    lookAtHolder: (insertion) => did(`lookAtHolder ${insertion}`, { codeTries: 3 }),
    unblock: (_, code, pin) => {
      calls.pins.push(Buffer.from(code).toString());
      return did('unblock', { chosen: true }, pin);
    },
    print: () => did('print', null),
    forget: ({ card, hand }) => {
      if (hand !== null) closeHand(hand);
      void did(`forget ${card}`, null);
    },
  };
}

/** Until the act stands in this state. */
export const standsAt = async (actor: AnyActorRef, state: string): Promise<void> => void (await waitFor(actor, ({ value }: { value: unknown }) => JSON.stringify(value).includes(`"${state}"`)));

/** From the identity card that was read to where the screen is the resident's. */
export async function upToResident(actor: AnyActorRef): Promise<void> {
  await standsAt(actor, 'check');
  actor.send({ type: 'desk.confirm' });
  actor.send({ type: 'pin.submit', pin: '123456' });
  await standsAt(actor, 'toResident');
  actor.send({ type: 'desk.confirm' });
}
