import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { ok, type Failure, type Result } from '../contract/result.ts';
import { clearStaleSocket } from '../ledger/stale-socket.ts';
import { closeListener, converse, type Conversation, type ConversationLimits, type ConversationParts, type DoorHandlers } from './conversation.ts';

export interface DoorLimits extends ConversationLimits {
  /** At once; one more is closed at once. */
  connections: number;
  /** For the peers to take their last answers when the door closes; after that they are cut off. */
  closingMs: number;
}

export interface DoorOptions {
  /** Absolute. */
  socketPath: string;
  handlers: DoorHandlers;
  limits?: DoorLimits;
  onFault: ConversationParts['onFault'];
}

export interface Door {
  /** As in a hub's file, with the port that was free where none was named. */
  readonly address: string;
  readonly connections: number;
  /** Takes nothing new, answers what was begun, closes; after `closingMs` in any case. */
  close(): Promise<void>;
}

/** `in-use`: another hub answers here. `unusable`: the address cannot be bound; detail is the errno. */
export type DoorFailure = Failure<'in-use' | 'unusable'>;

const usualLimits: DoorLimits = { connections: 64, inFlight: 16, unsentBytes: 8 * 1024 * 1024, closingMs: 3000 };

/** The hub's door (contract/hub-door.ts) on a Unix socket of mode 0600. A socket file that nobody listens on any more is replaced. */
export async function openDoor({ socketPath, handlers, limits = usualLimits, onFault }: DoorOptions): Promise<Result<Door, DoorFailure>> {
  const cleared = await clearStaleSocket(socketPath);
  if (!cleared.ok) return cleared;

  const open = new Map<Socket, Conversation>();
  let closing = false;
  const server = createServer((socket) => {
    if (closing || open.size >= limits.connections) {
      socket.destroy();
      return;
    }
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {
      // A peer that went away: 'close' follows.
    });
    open.set(socket, converse({ socket, speaker: null, handlers, limits, onFault }));
  });
  const bound = await listen(server, socketPath);
  if (!bound.ok) return bound;

  return ok({
    address: `unix:${socketPath}`,
    get connections() {
      return open.size;
    },
    close() {
      closing = true;
      return closeListener(server, open.keys(), open.values(), limits.closingMs);
    },
  });
}

function listen(server: Server, path: string): Promise<Result<null, DoorFailure>> {
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve({ ok: false, failure: { code: 'unusable', detail: error.code ?? error.message } }));
    // The file is made by this call; a chmod afterwards would leave a moment in which anybody may connect.
    const umask = process.umask(0o177);
    try {
      server.listen(path, () => {
        server.on('error', () => {
          // A connection that the system could not give us (EMFILE): the next one may come through.
        });
        chmodSync(path, 0o600);
        resolve(ok(null));
      });
    } finally {
      process.umask(umask);
    }
  });
}
