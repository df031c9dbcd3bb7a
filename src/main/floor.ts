import type { Snapshot } from '../contract/bridge.ts';
import type { Screen } from './bridge.ts';

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
}

/** @param onVisit told when a visit takes the screen (true) and when it gives it back. */
export function shareScreen(screen: Pick<Screen, 'show' | 'wipe'>, onVisit: (isVisit: boolean) => void): Floor {
  let visit: Snapshot | null = null;
  let staff: StaffShown = null;
  let seq = 0;
  let wasVisit = false;
  let shownOf: Holder = 'visits';

  const isVisit = (): boolean => visit !== null && !isFree(visit);
  const staffPage = (): Snapshot | null => (staff === 'waiting' ? null : staff);
  const holder = (): Holder => (isVisit() || staffPage() === null ? 'visits' : 'staff');

  function show(): void {
    shownOf = holder();
    const snapshot = shownOf === 'staff' ? staffPage() : visit && { ...visit, staffWaits: isVisit() && staff !== null };
    seq += 1;
    if (snapshot !== null) screen.show({ ...snapshot, seq });
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
      wipe: () => screen.wipe(),
    },
    staff: {
      show(shown) {
        staff = shown;
        show();
      },
      wipe() {
        // The visit that is on the screen wipes it at its own end, and somebody may be typing.
        if (!isVisit()) screen.wipe();
      },
    },
    get holder() {
      return holder();
    },
  };
}

/** Nobody is being served: the page waits for a card, or says that none can be read. */
export function isFree({ page }: Snapshot): boolean {
  return ['attract', 'language', 'insert-card'].includes(page.page) || (page.page === 'failure' && page.next === 'none');
}
