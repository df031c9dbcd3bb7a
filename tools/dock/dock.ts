import { z } from 'zod';
import type { Localized } from '../../src/contract/language.ts';
import { type CardFront, readCardFront } from '../virtual-card/card-front.ts';
import type { CardFace } from '../virtual-card/card-state.ts';
import type { CardFault, CommandPattern, Slot } from '../virtual-card/control.ts';
import type { CardHand } from '../virtual-card/hand.ts';
import type { BlankCards } from './blank-cards.ts';
import { deviceActs, DeviceTable, type DeviceTableOptions, type DeviceTableState } from './device-table.ts';

export const dockFaults = ['none', 'mute', 'slow', 'hang', 'vanish-signing-in', 'vanish-signing'] as const;
export type DockFault = (typeof dockFaults)[number];

/** What the page asks for. */
export const dockActSchema = z.discriminatedUnion('act', [
  /** In if it is out, out if it is in. */
  z.strictObject({ act: z.literal('card'), label: z.string() }),
  z.strictObject({ act: z.literal('fault'), fault: z.enum(dockFaults) }),
  /** A finger on the button of the card that waits for one. */
  z.strictObject({ act: z.literal('finger') }),
  ...deviceActs,
]);
export type DockAct = z.infer<typeof dockActSchema>;

export interface DockCard {
  label: string;
  name: string;
  kind: CardFace['kind'];
  note: Localized | null;
  /** Keys were made on it; of a blank card: it is somebody's now. */
  hasKeys: boolean;
  /** Its own, where that is not the one that most have. */
  ownPin: string | null;
  slot: Slot;
  shelf: DockShelf;
  place: 'dock' | 'on-its-way' | 'reader';
}

/** All that the page draws. */
export interface DockState {
  /** The one that most cards have; null where no two have the same. */
  pin: string | null;
  cards: DockCard[];
  fault: DockFault;
  touchWanted: boolean;
  /** A card was put in and no reader took notice. */
  readerSilent: boolean;
  /** Null: card readers alone. */
  devices: DeviceTableState | null;
}

const commands = { authenticate: { ins: 0x88 }, sign: { ins: 0x2a, p1: 0x9e, p2: 0x9a } } as const;

const faultOf: Record<DockFault, CardFault | null> = {
  none: null,
  mute: { kind: 'mute' },
  slow: { kind: 'slow', delayMs: 1500 },
  hang: { kind: 'hang', at: commands.authenticate },
  'vanish-signing-in': { kind: 'vanish', at: commands.authenticate },
  'vanish-signing': { kind: 'vanish-after', at: commands.sign },
};

/** Cards that lie together, in this order. */
export const dockShelves = ['residents', 'hub', 'offices', 'spare'] as const;
export type DockShelf = (typeof dockShelves)[number];

const placeOf: Record<CardFace['kind'], { slot: Slot; shelf: DockShelf }> = {
  resident: { slot: 'resident', shelf: 'residents' },
  staff: { slot: 'staff', shelf: 'hub' },
  technician: { slot: 'staff', shelf: 'hub' },
  registrar: { slot: 'staff', shelf: 'offices' },
  officer: { slot: 'staff', shelf: 'offices' },
  auditor: { slot: 'staff', shelf: 'offices' },
  new: { slot: 'resident', shelf: 'spare' },
  blank: { slot: 'resident', shelf: 'spare' },
  other: { slot: 'resident', shelf: 'spare' },
};

export interface DockOptions {
  hand: CardHand;
  /** State files, in the order in which they lie. */
  cardFiles: readonly string[];
  /** Laid before those of the others that are spare. Left out: no blank cards. */
  blanks?: BlankCards;
  /** Left out: card readers alone. */
  devices?: Omit<DeviceTableOptions, 'onChange'>;
}

/** Where the cards lie that are in no reader, and what the visitor does with them. */
export class Dock {
  private readonly hand: CardHand;
  private readonly files = new Map<string, string>();
  private readonly blanks: BlankCards | null;
  private readonly table: DeviceTable | null;
  private readonly state: DockState;
  private readonly listeners = new Set<(state: DockState) => void>();
  /** The command for which the fault was set has come. */
  private struck = false;

  constructor({ hand, cardFiles, blanks, devices }: DockOptions) {
    this.hand = hand;
    this.blanks = blanks ?? null;
    this.table = devices === undefined ? null : new DeviceTable({ ...devices, onChange: () => this.tell() });
    this.state = { pin: null, cards: [], fault: 'none', touchWanted: false, readerSilent: false, devices: this.table?.current ?? null };
    this.lay([...(this.blanks?.all() ?? []), ...cardFiles]);
    this.lookAtCards();
    hand.onEvent((event) => {
      switch (event.event) {
        case 'inserted':
          this.place(event.label, 'reader');
          this.state.readerSilent = false;
          break;
        case 'removed':
          if (event.because === 'reader-gone') break;
          for (const card of this.state.cards) if (card.slot === event.slot && card.place === 'reader') card.place = 'dock';
          this.lookAtCards();
          // What hangs or vanishes does so once; the next card is sound.
          if (this.struck || event.because === 'vanished') void this.act({ act: 'fault', fault: 'none' });
          break;
        case 'touch-wanted':
          this.state.touchWanted = true;
          break;
        case 'touch-over':
          this.state.touchWanted = false;
          break;
        case 'command':
          this.struck ||= isStruckBy(faultOf[this.state.fault], event);
          return;
        default:
          return event satisfies never;
      }
      this.tell();
    });
  }

  get current(): DockState {
    return this.state;
  }

  /** The printer's last slip, PNG. */
  get slip(): Buffer | null {
    return this.table?.slip ?? null;
  }

  onChange(listener: (state: DockState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async act(act: DockAct): Promise<void> {
    switch (act.act) {
      case 'card':
        return this.moveCard(act.label);
      case 'fault':
        this.state.fault = act.fault;
        this.struck = false;
        for (const slot of ['resident', 'staff'] as const) await this.hand.fault(faultOf[act.fault], { slot });
        return this.tell();
      case 'finger':
        this.state.touchWanted = false;
        for (const slot of ['resident', 'staff'] as const) await this.hand.touch({ slot });
        return this.tell();
      case 'document':
      case 'scan':
      case 'scan-text':
      case 'ask':
      case 'printer':
        return this.table?.act(act);
      default:
        return act satisfies never;
    }
  }

  private lay(paths: readonly string[]): void {
    for (const path of paths) {
      const { label, face, hasKeys } = readCardFront(path);
      if (this.files.has(label)) continue;
      this.files.set(label, path);
      this.state.cards.push({ label, name: face.name, kind: face.kind, note: face.note ?? null, hasKeys, ownPin: null, ...placeOf[face.kind], place: 'dock' });
    }
  }

  /** At the kiosk a PIN can be changed, and a blank card becomes somebody's: then there is another one. */
  private lookAtCards(): void {
    this.lay(this.blanks?.all() ?? []);
    const fronts = new Map([...this.files].map(([label, path]) => [label, readCardFront(path)]));
    this.state.pin = commonPin([...fronts.values()]);
    for (const card of this.state.cards) {
      const front = fronts.get(card.label);
      card.hasKeys = front?.hasKeys ?? false;
      card.ownPin = front === undefined || front.pin === this.state.pin ? null : front.pin;
    }
  }

  private async moveCard(label: string): Promise<void> {
    const card = this.state.cards.find((candidate) => candidate.label === label);
    const path = this.files.get(label);
    if (card === undefined || path === undefined) return;
    if (card.place !== 'dock') {
      card.place = 'dock';
      this.tell();
      return this.hand.pull({ slot: card.slot });
    }
    for (const other of this.state.cards) if (other.slot === card.slot) other.place = 'dock';
    card.place = 'on-its-way';
    this.tell();
    try {
      await this.hand.insert(path, { slot: card.slot });
    } catch {
      card.place = 'dock';
      this.state.readerSilent = true;
      this.tell();
    }
  }

  private place(label: string, place: DockCard['place']): void {
    const card = this.state.cards.find((candidate) => candidate.label === label);
    if (card !== undefined) card.place = place;
  }

  private tell(): void {
    for (const listener of this.listeners) listener(this.state);
  }
}

function isStruckBy(fault: CardFault | null, command: Required<CommandPattern>): boolean {
  if (fault === null || !('at' in fault) || fault.at === undefined) return false;
  const { ins, p1 = command.p1, p2 = command.p2 } = fault.at;
  return ins === command.ins && p1 === command.p1 && p2 === command.p2;
}

function commonPin(cards: readonly CardFront[]): string | null {
  const counts = new Map<string, number>();
  for (const { pin } of cards) if (pin !== null) counts.set(pin, (counts.get(pin) ?? 0) + 1);
  const [most] = [...counts].toSorted(([, one], [, other]) => other - one);
  return most === undefined || (most[1] === 1 && cards.length > 1) ? null : most[0];
}
