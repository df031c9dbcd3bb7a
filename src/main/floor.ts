import type { Page, Snapshot } from '../contract/bridge.ts';
import type { Screen } from './bridge.ts';
import type { Clock } from './clock.ts';

/** Whom the screen belongs to at this moment. */
export type Holder = 'visits' | 'staff';

/** What staff have to show: a page, that a card waits for the visit's end, or nothing. */
export type StaffShown = Snapshot | 'waiting' | null;

export interface StaffSide {
  show(shown: StaffShown): void;
  /** What was shown of a session is to leave the renderer too. */
  wipe(): void;
}

/**
 * One screen, two machines: the visits' and the staff's. A visit has precedence from its card's coming until its farewell is over; before and after
 * it, and where the resident's reader is out of service, a staff card has the screen. Each side shows as if it were alone.
 */
export interface Floor {
  readonly visits: Pick<Screen, 'show' | 'wipe'>;
  readonly staff: StaffSide;
  readonly holder: Holder;
  /** Nothing is shown that was not shown yet. */
  stop(): void;
}

/** What is done sooner than this is felt as done at once: the page before it stays, and no page of waiting flashes by, which would cost its own paint as well. */
const waitingPageAfterMs = 100;

/** @param onVisit told when a visit takes the screen (true) and when it gives it back. */
export function shareScreen(screen: Pick<Screen, 'show' | 'wipe'>, clock: Clock, onVisit: (isVisit: boolean) => void): Floor {
  let visit: Snapshot | null = null;
  let staff: StaffShown = null;
  let seq = 0;
  let wasVisit = false;
  let shownOf: Holder = 'visits';
  let shownPage: Page['page'] | null = null;
  /** A page of waiting that is not on the screen yet. */
  let held: { timer: unknown } | null = null;

  const isVisit = (): boolean => visit !== null && !isFree(visit);
  const staffPage = (): Snapshot | null => (staff === 'waiting' ? null : staff);
  const holder = (): Holder => (isVisit() || staffPage() === null ? 'visits' : 'staff');

  const current = (): Snapshot | null => (holder() === 'staff' ? staffPage() : visit && { ...visit, staffWaits: isVisit() && staff !== null });

  function show(): void {
    const snapshot = current();
    // Only of whom the screen is already: nobody waits before what another left.
    if (snapshot?.page.page === 'working' && shownPage !== 'working' && shownPage !== null && shownOf === holder()) {
      held ??= { timer: clock.setTimeout(put, waitingPageAfterMs) };
    } else {
      put();
    }
  }

  function put(): void {
    dropHeld();
    shownOf = holder();
    const snapshot = current();
    if (snapshot === null) return;
    seq += 1;
    shownPage = snapshot.page.page;
    screen.show({ ...snapshot, seq });
  }

  function dropHeld(): void {
    if (held !== null) clock.clearTimeout(held.timer);
    held = null;
  }

  /** The fresh document gets what was shown last: never what stood there before. */
  function wipe(): void {
    if (held !== null) put();
    screen.wipe();
  }

  return {
    visits: {
      show(snapshot) {
        visit = snapshot;
        const is = isVisit();
        if (is !== wasVisit) {
          wasVisit = is;
          onVisit(is);
        }
        if (holder() === 'visits' || shownOf === 'visits') show();
      },
      wipe,
    },
    staff: {
      show(shown) {
        staff = shown;
        show();
      },
      wipe() {
        // The visit that is on the screen wipes it at its own end, and somebody may be typing.
        if (!isVisit()) wipe();
      },
    },
    get holder() {
      return holder();
    },
    stop: dropHeld,
  };
}

/** Nobody is being served: the page waits for a card, or says that none can be read. */
export function isFree({ page, cardIn }: Snapshot): boolean {
  return ['attract', 'language', 'insert-card', 'closed'].includes(page.page) || (page.page === 'held-receipt' && !cardIn) || (page.page === 'failure' && page.next === 'none');
}
