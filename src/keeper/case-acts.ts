import { openSealed } from '../identity/sealing.ts';
import type { CaseOpen, CasePart } from '../ledger/verify/acts.ts';
import { decodeOpenedPart, opensAct } from '../ledger/verify/private-part.ts';
import { stateKey } from '../ledger/verify/records.ts';
import { readRecord } from './ledger-records.ts';
import { must, refuse } from './refusal.ts';
import type { Walk } from './submission-walk.ts';

/** Of whose private part there is something to read. */
const activityKinds: ReadonlySet<string> = new Set([
  'credential.anchor',
  'credential.revoke',
  'grant.give',
  'grant.end',
  'request.submit',
  'request.step',
  'request.withdraw',
  'verification.answer',
  'access.record',
  'access.lookup',
]);

/** The body, sealed to the keeper and, in a piece of its own, to the members of the authority who unseal it: what it covers has to exist, and to be something that can be read. */
export async function checkCase(index: number, act: CaseOpen, walk: Walk): Promise<void> {
  const { bundle, keeper } = walk;
  const owner = { kind: act.kind, subject: act.id, id: act.id };
  const sealed = bundle.take(index, owner, 'case', 'keeper', null);
  bundle.take(index, owner, 'case', 'authority', null);
  const part = await casePart(sealed, act, walk);
  const isInOrder = Date.parse(part.from) <= Date.parse(part.to);
  if (!isInOrder || part.kinds.some((kind) => !activityKinds.has(kind))) refuse('scope-unknown');
  for (const subject of part.subjects) {
    if (must(await readRecord(keeper.ledger, 'resident', stateKey.resident(subject))) === null) refuse('subject-unknown');
  }
}

async function casePart(sealed: Uint8Array, act: CaseOpen, { keeper }: Walk): Promise<CasePart> {
  const opened = await openSealed(sealed, 'case', act.id, keeper.opener);
  const part = opened.ok ? decodeOpenedPart(opened.value) : undefined;
  if (part?.part.kind !== 'case.open') return refuse('part-unreadable');
  return opensAct(act, part, keeper.crypto) ? part.part : refuse('part-mismatch');
}
