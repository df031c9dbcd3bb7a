import { createActor, SimulatedClock, waitFor } from 'xstate';
import type { KioskHealth, Page } from '../../../src/contract/bridge.ts';
import { ok } from '../../../src/contract/result.ts';
import type { StaffSettings } from '../../../src/main/staff/context.ts';
import type { DeskWork } from '../../../src/main/desk/work.ts';
import { goodDeskWork } from '../desk/desk-stand.ts';
import { staffMachine, type StaffEvent } from '../../../src/main/staff/machine.ts';
import { shownOf, type StaffState } from '../../../src/main/staff/snapshot.ts';
import { stateOf } from '../../../src/main/staff/start-staff.ts';
import type { ProvenStaff, StaffWork } from '../../../src/main/staff/work.ts';
import { cardInfo, kiosk } from '../visit/visit-stand.ts';

export const settings: StaffSettings = { languages: ['zh-Hans', 'en'], idleLockMs: 120_000, limitMs: 7_200_000, warnMs: 300_000, refreshMs: 3_000, paperDots: null, oneReader: false };

export const auditor: ProvenStaff = {
  id: new Uint8Array(16).fill(7),
  role: 'auditor',
  party: 'audit-office',
  partyNames: { 'zh-Hans': '审计局', en: 'Audit Office' },
  sig: cardInfo.keys.sig,
  aut: cardInfo.keys.aut,
  until: Date.UTC(2028, 10, 30) / 1000,
};

export const health: KioskHealth = { hub: 'reachable', head: { height: 12, at: '2026-11-22T10:00:00.000Z' }, unfit: null, closure: null, waiting: 0, readers: [] };

export interface StaffCalls {
  letGo: number[];
  left: Uint8Array[];
  pins: (string | null)[];
  read: number;
}

export function goodStaffWork(calls: StaffCalls): StaffWork {
  return {
    readCard: () => {
      calls.read += 1;
      return Promise.resolve(ok(cardInfo));
    },
    whose: () => Promise.resolve(ok(auditor)),
    checkPin: (_, pin) => {
      calls.pins.push(pin === null ? null : Buffer.from(pin).toString());
      pin?.fill(0);
      return Promise.resolve(ok({ verified: true }));
    },
    signIn: (_, staff) => Promise.resolve(ok({ staff, session: new Uint8Array(16).fill(8), registrar: 'registrar' })),
    ownDrafts: () => [],
    drafts: (access) => Promise.resolve({ rows: [], isWhole: true, access }),
    health: () => health,
    deskReadiness: () => null,
    machineHealth: () => Promise.resolve({ devices: [], own: [], kiosks: null, hubSince: null }),
    handOffUntil: (_, __, code) => Promise.resolve(ok(code === '7KQ2M4XD' ? 1_795_300_000 : null)),
    day: (day) => Promise.resolve(ok({ figures: { day: day ?? '2026-11-22', hours: [], services: [], minutes: [], medianSeconds: null, refusals: [], waiting: 0 }, earlier: '2026-11-21', later: null })),
    close: () => ok(null),
    open: () => ok(null),
    letGo: (insertion) => {
      calls.letGo.push(insertion);
    },
    leave: (session) => {
      calls.left.push(session);
    },
  };
}

/** The staff's machine on a clock that stands still until it is moved. */
export class StaffStand {
  readonly calls: StaffCalls = { letGo: [], left: [], pins: [], read: 0 };
  readonly clock = new SimulatedClock();
  readonly #actor;
  #sessions = 0;

  constructor(change: (good: StaffWork) => Partial<StaffWork> = () => ({}), altered: Partial<StaffSettings> = {}, atDesk: Partial<DeskWork> = {}) {
    const good = goodStaffWork(this.calls);
    const machine = staffMachine({
      work: { ...good, ...change(good) },
      desk: { ...goodDeskWork({ did: [], pins: [] }), ...atDesk },
      workshop: { open: (_, { show }) => (show({ part: 'devices', lines: [] }), { take: () => undefined, stop: () => undefined }) },
      settings: { ...settings, ...altered },
      newSessionId: () => String((this.#sessions += 1)).padStart(16, '0'),
    });
    this.#actor = createActor(machine, { clock: this.clock }).start();
    this.pull();
  }

  get state(): StaffState {
    return stateOf(this.#actor.getSnapshot());
  }

  get shown(): Page | 'waiting' | null {
    const shown = shownOf(this.state, kiosk, () => null);
    return shown === null || shown === 'waiting' ? shown : shown.page;
  }

  send(event: StaffEvent): void {
    this.#actor.send(event);
  }

  insert(insertion = 1): void {
    this.send({ type: 'reader', view: { view: 'card', insertion } });
  }

  pull(): void {
    this.send({ type: 'reader', view: { view: 'empty' } });
  }

  async sees<P extends Page['page']>(page: P): Promise<Extract<Page, { page: P }>> {
    await waitFor(
      this.#actor,
      (snapshot) => {
        const shown = shownOf(stateOf(snapshot), kiosk, () => null);
        return shown !== null && shown !== 'waiting' && shown.page.page === page;
      },
      { timeout: 2_000 },
    );
    return this.shown as Extract<Page, { page: P }>;
  }

  async signIn(insertion = 1): Promise<Extract<Page, { page: 'staff-home' }>> {
    this.insert(insertion);
    await this.sees('staff-pin');
    this.send({ type: 'pin.submit', pin: '123456' });
    return this.sees('staff-home');
  }
}
