import type { CardEvent, CommandPattern, faultSchema, Slot, SlotStatus } from './control.ts';
import { OpenpgpCard } from './openpgp-card.ts';
import { PivCard } from './piv-card.ts';
import { isPivFile } from './piv-state.ts';
import { passed } from './passed.ts';
import { enterReader, type VpcdLink } from './vpcd-client.ts';
import { never } from '../../src/contract/result.ts';

export interface SlotTimes {
  /** How long a reader may take to notice a card. */
  noticeLimitMs: number;
  /** While a card lies in a reader that is gone: how often it looks whether the reader is back. */
  retryMs: number;
  /** How long the card waits for a finger. */
  touchLimitMs: number;
}

type Fault = ReturnType<typeof faultSchema.parse>;
/**
 * Silence would stop vpcd, both slots, for as long as it lasts. More than the 33 bytes that an answer to reset may have makes the
 * power-up fail as a mute card's does: PC/SC says present and mute, and the next card works (vpcd 3.3, pcscd 1.9.9).
 */
const noAnswerToReset = new Uint8Array(64);

/** What the fault in force makes of one command. */
type Behaviour = 'answer' | 'hang' | 'vanish' | 'vanish-after' | 'cut-short';

interface Inserted {
  path: string;
  card: OpenpgpCard | PivCard;
  link: VpcdLink | null;
  powered: boolean;
  commands: number;
  hanging: boolean;
  /** The reader asks for the answer to reset right after a power-on; only then does a mute card give itself away. */
  justPowered: boolean;
  busy: Promise<void>;
  touch: ((came: boolean) => void) | null;
  /** Fires when the card is out. */
  out: AbortController;
}

/** One slot of the virtual reader and the card in it: what the hand does, what the fault makes of it, and the card's answers. */
export class ReaderSlot {
  private readonly slot: Slot;
  private readonly port: number;
  private readonly times: SlotTimes;
  private readonly tell: (event: CardEvent) => void;
  private inserted: Inserted | null = null;
  private currentFault: Fault | null = null;
  private matched = 0;

  constructor(slot: Slot, port: number, times: SlotTimes, tell: (event: CardEvent) => void) {
    this.slot = slot;
    this.port = port;
    this.times = times;
    this.tell = tell;
  }

  get status(): SlotStatus {
    const { inserted } = this;
    return {
      card: inserted?.path ?? null,
      label: inserted?.card.state.label ?? null,
      powered: inserted?.powered ?? false,
      commands: inserted?.commands ?? 0,
      touchWanted: inserted !== null && inserted.touch !== null,
      fault: this.currentFault,
    };
  }

  /** Resolves once the reader has noticed the card; throws, the slot empty again, where none does or the file is no card's. */
  async insert(path: string): Promise<void> {
    this.pull();
    const out = new AbortController();
    const inserted: Inserted = {
      path,
      card: isPivFile(path) ? new PivCard(path, () => this.waitForTouch(inserted)) : new OpenpgpCard(path, () => this.waitForTouch(inserted)),
      link: null,
      powered: false,
      commands: 0,
      hanging: false,
      justPowered: false,
      busy: Promise.resolve(),
      touch: null,
      out,
    };
    this.inserted = inserted;
    const over = new AbortController();
    const noticed = Promise.withResolvers<void>();
    this.enter(inserted, noticed.resolve);
    const overdue = passed(this.times.noticeLimitMs, AbortSignal.any([over.signal, out.signal]));
    await Promise.race([noticed.promise, overdue]);
    over.abort();
    if (await overdue) {
      this.remove(inserted, null);
      throw new Error(`no reader noticed the card in slot ${this.slot} (127.0.0.1:${this.port})`);
    }
  }

  pull(): void {
    if (this.inserted !== null) this.remove(this.inserted, 'pulled');
  }

  setFault(fault: Fault | null): void {
    this.currentFault = fault;
    this.matched = 0;
  }

  touch(): void {
    this.inserted?.touch?.(true);
  }

  private enter(inserted: Inserted, noticed: () => void): void {
    let seen = false;
    const notice = (): void => {
      if (seen) return;
      seen = true;
      this.tell({ event: 'inserted', slot: this.slot, card: inserted.path, label: inserted.card.state.label });
      noticed();
    };
    inserted.link = enterReader(this.port, {
      onPower: (change) => {
        notice();
        inserted.powered = change !== 'off';
        inserted.justPowered = change !== 'off';
        inserted.touch?.(false);
        inserted.card.reset();
      },
      answerToReset: () => {
        notice();
        const mute = inserted.justPowered && this.currentFault?.kind === 'mute';
        inserted.justPowered = false;
        return mute ? noAnswerToReset : inserted.card.answerToReset;
      },
      onCommand: (apdu) => {
        inserted.busy = inserted.busy.then(() => this.serve(inserted, apdu));
      },
      onEnd: () => {
        if (inserted.out.signal.aborted) return;
        inserted.link = null;
        inserted.powered = false;
        inserted.touch?.(false);
        inserted.card.reset();
        if (seen) this.tell({ event: 'removed', slot: this.slot, because: 'reader-gone' });
        void passed(this.times.retryMs, inserted.out.signal).then((stillIn) => {
          if (stillIn) this.enter(inserted, noticed);
        });
      },
    });
  }

  private async serve(inserted: Inserted, apdu: Uint8Array): Promise<void> {
    const { link } = inserted;
    if (inserted.out.signal.aborted || link === null) return;
    inserted.commands += 1;
    const [, ins = 0, p1 = 0, p2 = 0] = apdu;
    this.tell({ event: 'command', slot: this.slot, ins, p1, p2 });
    const behaviour = this.behaviour({ ins, p1, p2 });
    if (behaviour === 'hang') inserted.hanging = true;
    if (inserted.hanging) return;
    if (behaviour === 'vanish') return this.remove(inserted, 'vanished');
    const response = await inserted.card.process(apdu);
    if (this.currentFault?.kind === 'slow') {
      await passed(this.currentFault.delayMs, inserted.out.signal);
    }
    if (inserted.out.signal.aborted || inserted.link !== link) return;
    if (behaviour === 'vanish-after') return this.remove(inserted, 'vanished');
    link.answer(behaviour === 'cut-short' ? response.subarray(-1) : response);
  }

  private behaviour(command: Required<CommandPattern>): Behaviour {
    const fault = this.currentFault;
    if (fault === null) return 'answer';
    switch (fault.kind) {
      case 'mute':
      case 'slow':
        return 'answer';
      case 'hang':
      case 'vanish':
      case 'vanish-after':
      case 'cut-short':
        if (fault.at !== undefined && !matches(fault.at, command)) return 'answer';
        this.matched += 1;
        return this.matched === fault.nth ? fault.kind : 'answer';
      default:
        return never(fault);
    }
  }

  private remove(inserted: Inserted, because: 'pulled' | 'vanished' | null): void {
    if (inserted.out.signal.aborted) return;
    inserted.out.abort();
    inserted.link?.leave();
    inserted.touch?.(false);
    this.inserted = null;
    if (because !== null) this.tell({ event: 'removed', slot: this.slot, because });
  }

  private async waitForTouch(inserted: Inserted): Promise<boolean> {
    const over = new AbortController();
    const { promise: came, resolve } = Promise.withResolvers<boolean>();
    inserted.touch = resolve;
    this.tell({ event: 'touch-wanted', slot: this.slot });
    const missed = passed(this.times.touchLimitMs, over.signal).then(() => false);
    const touched = await Promise.race([came, missed]);
    over.abort();
    inserted.touch = null;
    this.tell({ event: 'touch-over', slot: this.slot });
    return touched;
  }
}

const matches = (pattern: CommandPattern, { ins, p1, p2 }: Required<CommandPattern>): boolean =>
  pattern.ins === ins && (pattern.p1 ?? p1) === p1 && (pattern.p2 ?? p2) === p2;

