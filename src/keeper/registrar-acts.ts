import type { AccessLookup } from '../ledger/verify/acts.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import { onceName, soundOrder } from './order-check.ts';
import { refuse } from './refusal.ts';
import { openPart, type Walk } from './submission-walk.ts';

/** A look-up in the registrar's index that found this resident: that somebody who may have it asked for it, and that the resident reads who and why. */
export async function checkLookup(index: number, act: AccessLookup, walk: Walk): Promise<void> {
  const { keeper, now, once } = walk;
  const part = await openPart(index, act, walk, false);
  const { order, staff, nonce, id, notAfter } = await soundOrder(part.signed, ['index.lookup'], keeper, now);
  if (order.party !== part.party) refuse('addressee-mismatch');
  if (staff === null || !equalBytes(staff, part.staff) || order.reason !== part.reason || !equalBytes(order.access, act.id)) refuse('order-mismatch');
  once.push(nonce, { name: onceName(order.access, keeper.crypto), order: id, until: notAfter });
}
