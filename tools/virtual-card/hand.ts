import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type CardEvent, type CardFault, type CardStatus, type CommandPattern, type ControlRequest, controlMessageSchema, type Slot } from './control.ts';

export interface VirtualCardOptions {
  /** Where vpcd listens, one port a slot (`Pcscd.ports`). */
  ports: Readonly<Record<Slot, number>>;
  /** How long a card waits for a finger; default 15 s, as most do. */
  touchLimitMs?: number;
}

export interface InSlot {
  /** Default `resident`. */
  slot?: Slot;
}

/** The hand that holds the cards. Each method resolves when it is done as far as the card knows; a reader sees it within 0.5 s. */
export interface CardHand {
  /** Resolves once the reader has noticed the card. A card that is in the slot already is pulled first. Rejects where no reader takes notice. */
  insert(cardFile: string, where?: InSlot): Promise<void>;
  /** Nothing happens to an empty slot. */
  pull(where?: InSlot): Promise<void>;
  /** One fault at a time; null for none. It outlasts the card. */
  fault(fault: CardFault | null, where?: InSlot): Promise<void>;
  /** A finger on the card's button: answers the touch it waits for. */
  touch(where?: InSlot): Promise<void>;
  status(): Promise<CardStatus>;
  /** Resolves at the next command like this, before the card answers it. */
  command(pattern: CommandPattern, where?: InSlot): Promise<void>;
  onEvent(listener: (event: CardEvent) => void): () => void;
  /** Pulls what is in and ends the program. */
  close(): Promise<void>;
}

/** Starts the card's own program (`main.ts`); it ends when this process does. */
export async function startVirtualCard({ ports, touchLimitMs = 15_000 }: VirtualCardOptions): Promise<CardHand> {
  const args = ['--resident', `${ports.resident}`, '--staff', `${ports.staff}`, '--touch-limit-ms', `${touchLimitMs}`];
  const program = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(program, 'exit');
  const listeners = new Set<(event: CardEvent) => void>();
  const waiting = new Map<number, { resolve: (status: CardStatus) => void; reject: (error: Error) => void }>();
  let lastId = 0;

  createInterface({ input: program.stdout }).on('line', (line) => {
    const message = controlMessageSchema.parse(JSON.parse(line));
    if ('event' in message) {
      for (const listener of listeners) listener(message);
      return;
    }
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.ok) call?.resolve(message.status);
    else call?.reject(new Error(message.error));
  });
  program.on('exit', () => {
    for (const call of waiting.values()) call.reject(new Error('the virtual card has ended'));
    waiting.clear();
  });
  program.stdin.on('error', () => undefined);

  type Order = ControlRequest extends infer R ? (R extends ControlRequest ? Omit<R, 'id'> : never) : never;
  const send = (order: Order): Promise<CardStatus> =>
    new Promise((resolve, reject) => {
      if (program.exitCode !== null || program.signalCode !== null) return reject(new Error('the virtual card has ended'));
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      program.stdin.write(`${JSON.stringify({ id: lastId, ...order })}\n`);
    });
  const onEvent = (listener: (event: CardEvent) => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  await send({ do: 'status' });

  return {
    async insert(cardFile, { slot = 'resident' } = {}) {
      await send({ do: 'insert', slot, card: cardFile });
    },
    async pull({ slot = 'resident' } = {}) {
      await send({ do: 'pull', slot });
    },
    async fault(fault, { slot = 'resident' } = {}) {
      await send({ do: 'fault', slot, fault: fault as Extract<Order, { do: 'fault' }>['fault'] });
    },
    async touch({ slot = 'resident' } = {}) {
      await send({ do: 'touch', slot });
    },
    status: () => send({ do: 'status' }),
    command: (pattern, { slot = 'resident' } = {}) =>
      new Promise((resolve) => {
        const stop = onEvent((event) => {
          if (event.event !== 'command' || event.slot !== slot || event.ins !== pattern.ins) return;
          if ((pattern.p1 ?? event.p1) !== event.p1 || (pattern.p2 ?? event.p2) !== event.p2) return;
          stop();
          resolve();
        });
      }),
    onEvent,
    async close() {
      program.stdin.end();
      await exited;
    },
  };
}
