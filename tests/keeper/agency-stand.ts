import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { HubParts } from '../../src/hub/hub.ts';
import { sealTo } from '../../src/identity/sealing.ts';
import { softwareOpener, type Opener } from '../../src/identity/hpke.ts';
import { x25519Public } from '../../src/identity/x25519.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer, type MemorySigner } from '../../src/ledger/node-signer.ts';
import type { Act, ActivityAct, Body, Id, Name, OpenedPart, PrivatePart } from '../../src/ledger/verify/acts.ts';
import { encodeBody, signEnvelope, transactionId, type Signer } from '../../src/ledger/verify/envelope.ts';
import { signOrder, type Order, type OrderBody } from '../../src/ledger/verify/order.ts';
import { commitPart, encodeOpenedPart } from '../../src/ledger/verify/private-part.ts';
import type { Addressee, PayloadKind } from '../../src/keeper/store.ts';
import { partySecrets } from '../../tools/demo/parties.ts';
import type { World } from '../../tools/demo/world.ts';
import { cardInMemory } from '../hub/card-in-memory.ts';
import { must, soon } from '../hub/visitor.ts';

export const newId = (): Id => new Uint8Array(randomBytes(16));

export const partySigner = (id: Name): MemorySigner => ed25519Signer(partySecrets(id).sign);
export const partyOpener = (id: Name): Opener => softwareOpener(partySecrets(id).seal);
const sealKeyOf = (id: Name): Uint8Array => x25519Public(partySecrets(id).seal);

/** The card of somebody at work, as they sign orders with it. */
export const cardSigner = (world: World, person: string): MemorySigner => cardInMemory(world.cards[person] ?? '').sig;

export interface OrderChange {
  body?: Partial<Omit<OrderBody, 'order'>>;
}

/** An order as an agency's own software makes it, in time for ten minutes; `change` spoils it. */
export const orderBy = (signer: Signer, chain: string, order: Order, change: Partial<OrderBody> = {}): Promise<Uint8Array> =>
  signOrder({ v: 1, chain, nonce: newId(), at: soon(), notAfter: soon() + 600, order, ...change }, signer, nodeCrypto);

export interface PreparedAct {
  act: Act;
  payloads: { act: number; what: PayloadKind; to: Addressee; sealed: Uint8Array }[];
}

/** An activity act over its private part, sealed to those named. */
export function withPart<A extends Omit<ActivityAct, 'private'>>(act: A, part: PrivatePart, keys: Partial<Record<Addressee, Uint8Array>>, index = 0): { act: A & { private: ActivityAct['private'] }; opened: OpenedPart; payloads: PreparedAct['payloads'] } {
  const opened: OpenedPart = { salt: newId(), part };
  return {
    act: { ...act, private: commitPart(opened.salt, part, nodeCrypto) },
    opened,
    payloads: (Object.entries(keys) as [Addressee, Uint8Array][]).map(([to, key]) => ({ act: index, what: 'part', to, sealed: sealTo(key, 'part', act.subject, encodeOpenedPart(opened)) })),
  };
}

/** @param now Unix seconds. */
export async function signedBy(signers: readonly Signer[], chain: string, acts: readonly Act[], now = soon()): Promise<{ id: Uint8Array; envelope: Uint8Array }> {
  const body: Body = { v: 1, chain, nonce: newId(), notAfter: now + 3600, acts: [...acts] };
  return { id: transactionId(encodeBody(body), nodeCrypto), envelope: await signEnvelope(body, signers, nodeCrypto) };
}

export const sealKeys = (agency: Name, space: Uint8Array): { space: Uint8Array; keeper: Uint8Array; agency: Uint8Array } => ({ space, keeper: sealKeyOf('keeper'), agency: sealKeyOf(agency) });

/** Public acts, straight to the ledger, and recorded. */
export async function record(parts: HubParts, signers: readonly Signer[], acts: readonly Act[], now = soon()): Promise<void> {
  const { id, envelope } = await signedBy(signers, parts.ledger.chain, acts, now);
  const submitted = must(await parts.ledger.submit(envelope));
  if (submitted.state === 'rejected') throw new Error(submitted.code);
  if (must(await parts.ledger.receipt(id, 5000)) === null) throw new Error('not recorded');
}

/** The file of a world's embedded store. */
export function storePath({ hubDir, serverFile: { keeper } }: World): string {
  if ('url' in keeper) throw new Error('this keeper has no file');
  return join(hubDir, keeper.path);
}
