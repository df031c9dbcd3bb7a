import type { Payload } from '../contract/hub-door.ts';
import type { ActKind, Id } from '../ledger/verify/acts.ts';
import { refuse } from './refusal.ts';
import type { Addressee, KeptPayload, PayloadKind } from './store.ts';

/** As over the door, and what issuers, gateway and registrar add inside the hub. */
export type IncomingPayload = Payload | { act: number; what: PayloadKind; to: Addressee; sealed: Uint8Array };

export const payloadLimitBytes = 64 * 1024;

/** The act that a payload belongs to. Of a case, which has no subject, the case itself. */
export interface PayloadOwner {
  kind: ActKind;
  subject: Id;
  id: Uint8Array;
}

const slot = (act: number, what: PayloadKind, to: Addressee): string => `${act} ${what} ${to}`;

/** The payloads by slot; each is taken out by the act that names it, and what remains is superfluous. */
export class Bundle {
  readonly #left = new Map<string, IncomingPayload>();
  readonly #taken: KeptPayload[] = [];

  constructor(payloads: readonly IncomingPayload[]) {
    for (const payload of payloads) {
      if (payload.sealed.length > payloadLimitBytes) refuse('payload-too-large');
      const at = slot(payload.act, payload.what, payload.to);
      if (this.#left.has(at)) refuse('payload-superfluous');
      this.#left.set(at, payload);
    }
  }

  take(index: number, { kind, subject, id }: PayloadOwner, what: PayloadKind, to: Addressee, place: string | null): Uint8Array {
    const at = slot(index, what, to);
    const payload = this.#left.get(at) ?? refuse(what === 'part' ? 'part-missing' : 'payload-missing');
    this.#left.delete(at);
    this.#taken.push({ act: index, kind, what, to, sealed: payload.sealed, subject, actId: id, place });
    return payload.sealed;
  }

  has(index: number, what: PayloadKind, to: Addressee): boolean {
    return this.#left.has(slot(index, what, to));
  }

  finish(): KeptPayload[] {
    if (this.#left.size > 0) refuse('payload-superfluous');
    return this.#taken;
  }
}
