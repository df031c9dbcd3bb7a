import { failureCodes, type FailureCode } from '../contract/failures.ts';
import { fail, ok, type Failure } from '../contract/result.ts';
import { hashOf } from '../identity/grant.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import type { Name, PublicKey } from '../ledger/verify/acts.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import { decodeChallenge } from '../ledger/verify/challenge.ts';
import { openEnvelope } from '../ledger/verify/envelope.ts';
import { askHandlers } from './ask-handlers.ts';
import type { DoorHandlers, Speaker } from './conversation.ts';
import type { HubParts } from './hub.ts';

/** Each message of the door to the part that answers it. A kiosk that proved its key speaks for itself only; what cannot be read is refused by the part that reads it. */
export function doorHandlers({ ledger, keeper, catalogue, staff, names, asks, lists, countersign, publicFile, matters, standings }: Pick<HubParts, 'ledger' | 'keeper' | 'catalogue' | 'staff' | 'names' | 'asks' | 'lists' | 'countersign' | 'publicFile' | 'matters' | 'standings'>): DoorHandlers {
  return {
    ...askHandlers(asks, keeper),
    'status.get': async ({ issuer }) => {
      const list = await lists.newest(issuer);
      return list.ok ? ok({ list: list.value === null ? null : Buffer.from(list.value, 'ascii') }) : list;
    },
    hello: ({ kiosk }, speaker) =>
      Promise.resolve(isAnother(kiosk, speaker) ? fail('kiosk-not-enrolled', 'key') : ok({ chain: ledger.chain, hub: names.hub, keeper: names.keeper })),
    'hub.file': () => Promise.resolve(ok({ file: publicFile })),
    'head.get': async () => {
      const head = await ledger.head();
      return head.ok ? ok({ head: head.value }) : head;
    },
    'block.get': async ({ height }) => {
      const block = await ledger.block(height);
      return block.ok ? ok({ block: block.value }) : block;
    },
    'log.consistency': async ({ first, second }) => {
      const path = await ledger.consistency(first, second);
      return path.ok ? ok({ path: path.value }) : path;
    },
    'state.get': ({ keys }) => ledger.read(keys),
    'services.list': async ({ known = [] }) => {
      const listed = await catalogue.list();
      if (!listed.ok) return listed;
      const isKnown = ({ definition }: { definition: Uint8Array }): boolean => known.some((hash) => equalBytes(hash, hashOf(definition)[1]));
      return ok({
        services: listed.value.filter((file) => !isKnown(file)),
        held: listed.value.filter(isKnown).map(({ definition }) => hashOf(definition)[1]),
      });
    },
    'challenge.get': ({ kioskNonce }, speaker) => Promise.resolve(keeper.issueChallenge(kioskNonce, speaker)),
    'space.open': (params, speaker) => (isAnother(decodeChallenge(params.challenge)?.kiosk, speaker) ? Promise.resolve(mismatch) : keeper.openSpace(params)),
    'space.read': ({ session }) => keeper.readSpace(session),
    'counter.broken-off': async ({ session, counter }) => {
      const noted = await keeper.brokenOff(session, counter);
      return noted.ok ? ok({}) : noted;
    },
    'activity.list': ({ session, from }) => keeper.activity(session, from),
    'mute.set': async ({ session, agency, muted }) => {
      const set = await keeper.setMute(session, agency, muted);
      return set.ok ? ok({}) : set;
    },
    'mute.list': async ({ session }) => {
      const agencies = await keeper.mutedBy(session);
      return agencies.ok ? ok({ agencies: agencies.value }) : agencies;
    },
    'space.export': ({ session, after }) => keeper.exportSpace(session, after),
    'kiosk.standing': (said, speaker) => {
      if (isAnother(said.kiosk, speaker)) return Promise.resolve(mismatch);
      standings.note(said);
      return Promise.resolve(ok({}));
    },
    'kiosks.seen': async ({ session }) => {
      const member = await staff.member(session);
      return member.ok ? ok(standings.list()) : member;
    },
    'hand-off.put': ({ session, sealed }) => {
      const resident = keeper.residentOf(session);
      return resident === null ? Promise.resolve(fail('hub-refused', 'session')) : matters.put(resident, sealed);
    },
    'hand-off.get': async ({ session, code }) => {
      const resident = keeper.residentOf(session);
      const found = resident === null ? fail('hub-refused', 'session') : await matters.get(resident, code);
      return found.ok ? ok({ sealed: found.value }) : found;
    },
    'hand-off.place': async ({ session, code, known, waitMs }) => {
      const resident = keeper.residentOf(session);
      const placed = resident === null ? fail('hub-refused', 'session') : await matters.place(resident, code, known, waitMs);
      return placed.ok ? ok({ place: placed.value }) : placed;
    },
    'hand-off.drop': async ({ session, code }) => {
      const resident = keeper.residentOf(session);
      const dropped = resident === null ? fail('hub-refused', 'session') : await matters.drop(resident, code);
      return dropped.ok ? ok({}) : dropped;
    },
    'hand-off.until': async ({ session, code }) => {
      const member = await staff.member(session);
      const until = member.ok ? await matters.until(code) : member;
      return until.ok ? ok({ until: until.value }) : until;
    },
    'space.close': ({ session }) => {
      keeper.closeSpace(session);
      return Promise.resolve(ok({}));
    },
    'staff.open': (params, speaker) => (isAnother(decodeChallenge(params.challenge)?.kiosk, speaker) ? Promise.resolve(mismatch) : staff.open(params)),
    'staff.close': ({ session }) => {
      staff.close(session);
      return Promise.resolve(ok({}));
    },
    'drafts.list': ({ session }) => staff.drafts(session),
    'desk.look-up': async (params) => {
      const found = await staff.lookUp(params);
      return found.ok ? found : asDoorFailure(found.failure);
    },
    'desk.register': (params) => staff.register(params),
    'desk.recovery': (params) => staff.recovery(params),
    'desk.replace': (params) => staff.replace(params),
    'desk.under-way': (params) => staff.underWay(params),
    'kiosk.countersign': ({ draft }, speaker) => countersign(draft, speaker === null ? {} : { kiosk: speaker }),
    'transaction.submit': (submission, speaker) =>
      speaker !== null && isAnother(attestingKiosk(submission.envelope), speaker) ? Promise.resolve(mismatch) : keeper.take(submission),
    'transaction.state': ({ transaction }) => keeper.state(transaction),
    'transaction.receipt': async ({ transaction, waitMs }) => {
      const receipt = await ledger.receipt(transaction, waitMs);
      return receipt.ok ? ok({ receipt: receipt.value }) : receipt;
    },
  };
}

/** What a kiosk that the ledger does not know may ask for: what is proved, and to be enrolled with the key that its connection has proved. */
export function setupHandlers(handlers: DoorHandlers, { countersign }: Pick<HubParts, 'countersign'>, key: PublicKey): Partial<DoorHandlers> {
  return {
    hello: handlers.hello,
    'hub.file': handlers['hub.file'],
    'head.get': handlers['head.get'],
    'block.get': handlers['block.get'],
    'log.consistency': handlers['log.consistency'],
    'state.get': handlers['state.get'],
    'kiosk.countersign': ({ draft }) => countersign(draft, { key }),
    'transaction.state': handlers['transaction.state'],
    'transaction.receipt': handlers['transaction.receipt'],
  };
}

/** No rejection: another kiosk's request may be sound, and is recorded when that one brings it. */
const mismatch: { ok: false; failure: Failure } = fail('hub-refused', 'kiosk-mismatch');

const isFailureCode = (code: string): code is FailureCode => (failureCodes as readonly string[]).includes(code);

/** A refusal that has no page of its own comes as the hub's, with its code as detail. */
const asDoorFailure = ({ code, detail }: Failure<string>): { ok: false; failure: Failure } =>
  isFailureCode(code) ? fail(code, detail) : fail('hub-refused', code);

const isAnother = (kiosk: Name | null | undefined, speaker: Speaker): boolean => speaker !== null && kiosk !== null && kiosk !== undefined && kiosk !== speaker;

function attestingKiosk(envelope: Uint8Array): Name | undefined {
  const opened = openEnvelope(envelope, nodeCrypto);
  return opened.ok ? opened.value.body.kiosk : undefined;
}
