import { never } from '../../../contract/result.ts';
import type { Act } from '../../verify/acts.ts';
import type { OpenedEnvelope } from '../../verify/envelope.ts';

/** Some four tenths of a second on one thread: longer than that nobody waits for a proposal (`timeout_propose` in node-files.ts). */
const mostWork = 4000;
/** That a key is of the prime-order group takes as long as thirty signatures' checks, once. */
const ofNewKey = 30;

/**
 * What it costs at most to judge a block, in checks of a signature: each validator judges a proposal whole before it votes, and registrations, which
 * bring keys, cost a hundred times what anything else does. A proposer goes no further than this, and a proposal that does is voted against unread, so
 * nobody can keep the validators busy for a minute with one block. What is over waits for the next one. Every validator draws the line at the same place.
 */
export class BlockWork {
  #done = 0;

  /** Whether there is room for one more; if so, it is taken. A transaction alone always has room. */
  takes({ body, signers }: OpenedEnvelope): boolean {
    const work = signers.length + body.acts.reduce((sum, act) => sum + workOf(act), 0);
    if (this.#done > 0 && this.#done + work > mostWork) return false;
    this.#done += work;
    return true;
  }
}

/** Of a card's keys two are checked so, and a challenge that the third one answered. */
const ofCard = 2 * ofNewKey + 1;

function workOf(act: Act): number {
  switch (act.kind) {
    case 'resident.register':
    case 'resident.replace':
      return ofCard;
    case 'staff.enrol':
      return 2 * ofNewKey;
    case 'party.enrol':
    case 'party.rotate':
    case 'kiosk.enrol':
    case 'validator.set':
      return ofNewKey;
    case 'party.suspend':
    case 'party.retire':
    case 'staff.retire':
    case 'kiosk.retire':
    case 'service.publish':
    case 'service.withdraw':
    case 'status.publish':
    case 'resident.block':
    case 'resident.retire':
    case 'credential.anchor':
    case 'credential.revoke':
    case 'grant.give':
    case 'grant.end':
    case 'request.submit':
    case 'request.step':
    case 'request.withdraw':
    case 'facts.keep':
    case 'verification.answer':
    case 'access.record':
    case 'access.lookup':
    case 'case.open':
    case 'case.unseal':
    case 'case.close':
      return 0;
  }
  return never(act);
}
