import type { LedgerApplication } from './application.ts';
import { LedgerDamage } from './damage.ts';
import type { Id } from './verify/acts.ts';
import { equalBytes } from './verify/bytes.ts';
import { encodeCbor } from './verify/cbor.ts';
import { openEnvelope } from './verify/envelope.ts';
import { stateKey } from './verify/records.ts';
import type { ChainEntry, ResidentChain } from './verify/resident-chain.ts';

/** All that touched a resident, with the proof of the newest state that it is all (verify/resident-chain.ts). `size`: of the log at that state. */
export function residentChain(application: LedgerApplication, subject: Id, size = application.tip().logSize): ResidentChain {
  const { log, tree, crypto } = application;
  const key = stateKey.resident(subject);
  const entries: ChainEntry[] = log.touching(subject, size).flatMap((logIndex) => {
    const entry = log.at(logIndex);
    const opened = entry === undefined ? undefined : openEnvelope(entry.envelope, crypto);
    if (opened?.ok !== true) throw new LedgerDamage(`log entry ${logIndex} is damaged`);
    const acts = opened.value.body.acts.map((act, actIndex) => ({ act, actIndex }));
    return acts.filter(({ act }) => 'subject' in act && equalBytes(act.subject, subject)).map(({ act, actIndex }) => ({ logIndex, actIndex, act: encodeCbor(act) }));
  });
  return { subject, entries, record: tree.get(key) ?? null, proof: tree.prove(key) };
}
