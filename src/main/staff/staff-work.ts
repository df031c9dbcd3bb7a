import type { DeskReadiness, DraftRow, KioskHealth } from '../../contract/bridge.ts';
import type { DoorResult } from '../../contract/hub-door.ts';
import type { Localized } from '../../contract/language.ts';
import { fail, ok, type Result } from '../../contract/result.ts';
import type { Name, PublicKey } from '../../ledger/verify/acts.ts';
import { toHex } from '../../ledger/verify/bytes.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import { bodyOf, draftId } from '../../ledger/verify/draft.ts';
import { pseudonym, reference } from '../../ledger/verify/reference.ts';
import type { Card } from '../card.ts';
import type { Clock } from '../clock.ts';
import type { District } from '../district.ts';
import type { Journal } from '../journal.ts';
import type { Standing } from '../standing.ts';
import type { KeptDrafts } from './kept-drafts.ts';
import { inStaffSession, isUnknownSession, openStaffSession } from './staff-session.ts';
import type { ListedDrafts, ProvenStaff, ShownDay, ShownHealth, StaffAccess, StaffWork } from './work.ts';

export interface StaffWorkParts {
  district: Pick<District, 'staffOf' | 'challenge' | 'openStaff' | 'closeStaff' | 'drafts' | 'party' | 'staffByKey' | 'handOffUntil' | 'kiosksSeen'>;
  crypto: Crypto;
  clock: Clock;
  kept: Pick<KeptDrafts, 'list'>;
  cardOf(insertion: number): Card;
  health(): KioskHealth;
  day(day: string | null): Promise<ShownDay>;
  machineHealth(seen: Result<DoorResult<'kiosks.seen'>>): Promise<ShownHealth>;
  standing: Pick<Standing, 'closure' | 'close' | 'open'>;
  journal: Pick<Journal, 'write'>;
  /** Of this kiosk, whoever asks. */
  deskReadiness(): DeskReadiness;
}

/** A session's work on the real card, ledger and hub. */
export function createStaffWork(parts: StaffWorkParts): StaffWork {
  const { district, cardOf, standing, journal } = parts;
  const signers: KnownSigners = new Map();
  return {
    readCard: (insertion) => cardOf(insertion).open(),
    whose: ({ keys }) => district.staffOf(keys),
    checkPin: (insertion, pin) => cardOf(insertion).verify('user', pin),
    signIn: (insertion, staff, signal) => signIn(cardOf(insertion), staff, signal, parts),
    ownDrafts: ({ staff }) => ownDrafts(staff, signers, parts),
    drafts: (access, insertion, reopens, signal) => listDrafts(reopens ? cardOf(insertion) : null, access, signal, signers, parts),
    health: () => parts.health(),
    deskReadiness: ({ role }) => (role === 'staff' || role === 'registrar' ? parts.deskReadiness() : null),
    handOffUntil: (access, insertion, code) => inStaffSession(cardOf(insertion), access, (session) => district.handOffUntil(session, code), parts),
    async machineHealth(access, insertion, reopens) {
      const ask = (session: Uint8Array) => district.kiosksSeen(session);
      return parts.machineHealth(await (reopens ? inStaffSession(cardOf(insertion), access, ask, parts) : ask(access.session)));
    },
    day: async (day) => ok(await parts.day(day)),
    close({ staff }, reason, back) {
      const closed = standing.close(reason, back);
      if (closed.ok) journal.write({ event: 'kiosk.closed', staff: toHex(staff.id), reason, back: standing.closure?.back ?? null });
      return closed;
    },
    open({ staff }) {
      const opened = standing.open();
      if (opened.ok) journal.write({ event: 'kiosk.opened', staff: toHex(staff.id) });
      return opened;
    },
    letGo(insertion) {
      void cardOf(insertion).release();
    },
    leave(session) {
      void district.closeStaff(session);
    },
  };
}

async function signIn(card: Card, staff: ProvenStaff, signal: AbortSignal, parts: StaffWorkParts): Promise<Result<StaffAccess>> {
  const opened = await openStaffSession(card, staff, parts);
  if (!opened.ok || !signal.aborted) return opened;
  await parts.district.closeStaff(opened.value.session);
  return fail('card-removed', 'too late');
}

/** Who has signed what is kept here, by key: what the ledger has said of them once. */
type KnownSigners = Map<string, DraftRow['by'][number]>;
const nameOfKey = ([, key]: PublicKey): string => toHex(key);

function ownDrafts(staff: ProvenStaff, signers: KnownSigners, { kept, crypto }: StaffWorkParts): DraftRow[] {
  const rows: DraftRow[] = [];
  for (const { draft, signed, untilMs, wants } of kept.list()) {
    const body = bodyOf(draft, crypto);
    if (!body.ok) continue;
    const by = signed.map((key) => signers.get(nameOfKey(key))).filter((one) => one !== undefined);
    rows.push({ reference: reference(draftId(draft, crypto)), kind: body.value.acts[0]?.kind ?? '', by, until: new Date(untilMs).toISOString(), place: 'kiosk', signable: wants.includes(staff.role) });
  }
  return rows;
}

/**
 * What is kept here is listed whatever the hub says; by whom it was signed is looked up where the hub answers at all. It is asked again and again, so a session
 * that it knows no more is opened anew for all that follows. @param card null: it is not opened anew.
 */
async function listDrafts(card: Card | null, before: StaffAccess, signal: AbortSignal, signers: KnownSigners, parts: StaffWorkParts): Promise<ListedDrafts> {
  const { district, kept } = parts;
  const { staff } = before;
  let access = before;
  let atHub = await district.drafts(access.session);
  if (isUnknownSession(atHub) && card !== null && !signal.aborted) {
    const opened = await signIn(card, staff, signal, parts);
    if (opened.ok) {
      access = opened.value;
      atHub = await district.drafts(access.session);
    }
  }
  const names = new Map<Name, Localized>();
  const nameOf = async (party: Name): Promise<Localized> => {
    const known = names.get(party);
    if (known !== undefined) return known;
    const found = await district.party(party);
    const name = found.ok ? found.value.names : { 'zh-Hans': party, en: party };
    names.set(party, name);
    return name;
  };
  if (atHub.ok || isUnknownSession(atHub)) {
    for (const key of kept.list().flatMap(({ signed }) => signed)) {
      const signer = await signerOf(key, parts, nameOf);
      if (signer !== null) signers.set(nameOfKey(key), signer);
    }
  }
  const atHubRows: DraftRow[] = [];
  for (const { id, kind, signed, until } of atHub.ok ? atHub.value : []) {
    const by = await Promise.all(signed.map(async ({ staff, party }) => ({ pseudonym: pseudonym(staff), party: await nameOf(party) })));
    atHubRows.push({ reference: reference(id), kind, by, until: new Date(until * 1000).toISOString(), place: 'hub', signable: false });
  }
  // What it is given to is gone by now.
  if (access !== before && signal.aborted) await district.closeStaff(access.session);
  return { rows: [...ownDrafts(staff, signers, parts), ...atHubRows], isWhole: atHub.ok, access };
}

async function signerOf(key: PublicKey, { district }: StaffWorkParts, nameOf: (party: Name) => Promise<Localized>): Promise<DraftRow['by'][number] | null> {
  const staff = await district.staffByKey(key);
  return staff.ok && staff.value !== null ? { pseudonym: pseudonym(staff.value.id), party: await nameOf(staff.value.party) } : null;
}
