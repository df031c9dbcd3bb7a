import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { fail, ok, type Result } from '../contract/result.ts';
import { delegationSeconds } from '../ledger/client/door-delegation.ts';
import { doorProtocols, doorTls, peerDeviceKey, spokenOn, type TlsIdentity } from '../ledger/client/door-tls.ts';
import type { Name, PublicKey } from '../ledger/verify/acts.ts';
import { closeListener, converse, sayAndClose, type Conversation, type ConversationParts, type DoorHandlers } from './conversation.ts';
import type { Door, DoorFailure, DoorLimits } from './door.ts';

export interface TlsDoorLimits extends DoorLimits {
  /** Of one kiosk; one more ends its oldest, which may be one that the kiosk lost and we have not noticed. */
  connectionsOfOne: number;
  /** Under way at once; one more is closed at once. */
  handshakes: number;
  /** …from one network address. */
  handshakesFromOne: number;
  /** A handshake that takes longer is broken off. */
  handshakeMs: number;
  /** Of kiosks that are being set up, at once; one more is told that the hub is busy. */
  settingUp: number;
  /** After which one of these is over in any case. */
  settingUpMs: number;
  /** A kiosk that has not been heard of for so long is gone: they say something every 3 s at the least. */
  silentMs: number;
}

export interface TlsDoorOptions {
  host: string;
  /** 0: any that is free. */
  port: number;
  identity: TlsIdentity;
  /** The kiosk whose key this is; `kiosk-not-enrolled` where it may not come in. */
  admit: (key: PublicKey) => Promise<Result<Name>>;
  handlers: DoorHandlers;
  /** For a kiosk with this key that is being set up. */
  setup: (key: PublicKey) => Partial<DoorHandlers>;
  limits?: Partial<TlsDoorLimits>;
  onFault: ConversationParts['onFault'];
}

export interface TlsDoor extends Door {
  /** Looks every kiosk up again that is connected; those that may not come in any more are told, and cut off. */
  recheck(): Promise<void>;
  /** The last `recheck` could not look all of them up: one that may not be here any more may still be. */
  readonly owesRecheck: boolean;
}

const usualLimits: TlsDoorLimits = {
  connections: 256,
  connectionsOfOne: 2,
  inFlight: 16,
  unsentBytes: 8 * 1024 * 1024,
  closingMs: 3000,
  handshakes: 64,
  handshakesFromOne: 16,
  handshakeMs: 5000,
  settingUp: 4,
  settingUpMs: 600_000,
  silentMs: 6_000,
};

interface Connected {
  key: PublicKey;
  /** null until the ledger has been asked. */
  kiosk: Name | null;
  conversation: Conversation | null;
}

/**
 * The hub's door over TLS 1.3, for kiosks on other machines. Both ends prove a key: the kiosk knows the hub's from its pin, the hub looks the kiosk's up
 * on the ledger, at each connection and whenever it is told to. What a certificate says beside its key counts for nothing, so neither its signature nor its dates are checked.
 */
export async function openTlsDoor({ host, port, identity, admit, handlers, setup, limits: given, onFault }: TlsDoorOptions): Promise<Result<TlsDoor, DoorFailure>> {
  const limits = { ...usualLimits, ...given };
  const handshaking = new Map<string, Socket>();
  const open = new Map<TLSSocket, Connected>();
  const settingUp = new Map<TLSSocket, Conversation>();
  let closing = false;
  let owed = false;
  const server = createServer({
    ...doorTls,
    ALPNProtocols: Object.values(doorProtocols),
    key: identity.privateKey,
    cert: identity.certificate,
    requestCert: true,
    // Chains lead nowhere here. That the peer holds the key of its certificate is part of the handshake, and is always checked.
    rejectUnauthorized: false,
    handshakeTimeout: limits.handshakeMs,
  });

  server.on('connection', (socket: Socket) => {
    const fromSame = [...handshaking.values()].filter(({ remoteAddress }) => remoteAddress === socket.remoteAddress).length;
    if (closing || handshaking.size >= limits.handshakes || fromSame >= limits.handshakesFromOne) {
      socket.destroy();
      return;
    }
    const peer = peerOf(socket);
    handshaking.set(peer, socket);
    socket.once('close', () => handshaking.delete(peer));
  });
  server.on('tlsClientError', (_, socket) => {
    socket.destroy();
  });
  server.on('secureConnection', (socket) => {
    handshaking.delete(peerOf(socket));
    socket.on('error', () => {
      // A peer that went away: 'close' follows.
    });
    // A resumed session proves a secret of an earlier handshake and not the key.
    const protocol = spokenOn(socket);
    if (closing || protocol === null || socket.isSessionReused()) {
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    letGoWhenSilent(socket, limits.silentMs);
    const now = Math.floor(Date.now() / 1000);
    const peer = peerDeviceKey(socket, now);
    if (peer === undefined) return sayAndClose(socket, { code: 'kiosk-not-enrolled', detail: 'certificate' });
    const { key, until } = peer;
    if (until !== null) {
      // Whoever stands in is let in for its time, however long it talks: a kiosk comes again by itself, with the next one.
      const over = setTimeout(() => socket.destroy(), Math.min(until - now, delegationSeconds) * 1000);
      socket.on('close', () => clearTimeout(over));
    }
    if (protocol === doorProtocols.setup) return letSetUp(socket, key);
    if (open.size >= limits.connections) return sayAndClose(socket, { code: 'hub-busy', detail: 'connections' });
    const connected: Connected = { key, kiosk: null, conversation: null };
    open.set(socket, connected);
    socket.on('close', () => open.delete(socket));
    void letIn(socket, connected);
  });

  /** The ledger need not know it: nothing that it may say is believed for its key. */
  const letSetUp = (socket: TLSSocket, key: PublicKey): void => {
    if (settingUp.size >= limits.settingUp) return sayAndClose(socket, { code: 'hub-busy', detail: 'setting-up' });
    const over = setTimeout(() => socket.destroy(), limits.settingUpMs);
    socket.on('close', () => {
      clearTimeout(over);
      settingUp.delete(socket);
    });
    settingUp.set(socket, converse({ socket, speaker: null, handlers: setup(key), limits, onFault }));
  };

  /** Never rejects. */
  const lookUp = async (key: PublicKey): Promise<Result<Name>> => {
    try {
      return await admit(key);
    } catch (error) {
      onFault('admit', error);
      return fail('hub-refused', 'fault');
    }
  };
  const letIn = async (socket: TLSSocket, connected: Connected): Promise<void> => {
    const admitted = await lookUp(connected.key);
    if (!admitted.ok) return sayAndClose(socket, admitted.failure);
    if (closing || !socket.writable) {
      socket.destroy();
      return;
    }
    const kiosk = admitted.value;
    const earlier = [...open].filter(([, other]) => other.kiosk === kiosk).map(([other]) => other);
    for (const oldest of earlier.slice(0, Math.max(0, earlier.length + 1 - limits.connectionsOfOne))) oldest.destroy();
    connected.kiosk = kiosk;
    connected.conversation = converse({ socket, speaker: kiosk, handlers, limits, onFault });
  };

  const bound = await listen(server, host, port);
  if (!bound.ok) return bound;

  return ok({
    address: bound.value,
    get connections() {
      return open.size;
    },
    get owesRecheck() {
      return owed;
    },
    async recheck() {
      owed = false;
      await Promise.all(
        [...open].map(async ([socket, { key }]) => {
          const admitted = await lookUp(key);
          // A ledger that cannot be read says nothing about anybody.
          if (admitted.ok) return;
          if (admitted.failure.code === 'kiosk-not-enrolled') sayAndClose(socket, admitted.failure);
          else owed = true;
        }),
      );
    },
    close() {
      closing = true;
      for (const socket of handshaking.values()) socket.destroy();
      for (const [socket, { conversation }] of open) if (conversation === null) socket.destroy();
      const conversations = [...open.values()].flatMap(({ conversation }) => conversation ?? []);
      return closeListener(server, [...open.keys(), ...settingUp.keys()], [...conversations, ...settingUp.values()], limits.closingMs);
    },
  });
}

const quarters = 4;

/**
 * Lets it go when nothing was heard for four quarters of the time, one after the other. A hub that stood still for a while reads first what was said meanwhile (`setImmediate` is
 * past the sockets), and takes its own standing still for no more than one quarter.
 */
function letGoWhenSilent(socket: TLSSocket, silentMs: number): void {
  let heardBefore: number | null = null;
  let silent = 0;
  socket.setTimeout(silentMs / quarters).on('timeout', () => {
    setImmediate(() => {
      silent = socket.bytesRead === heardBefore ? silent + 1 : 1;
      heardBefore = socket.bytesRead;
      if (silent >= quarters) socket.destroy();
      else socket.setTimeout(silentMs / quarters);
    });
  });
}

/** One connection, before and after its handshake. */
const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress ?? ''} ${remotePort ?? ''}`;

function listen(server: Server, host: string, port: number): Promise<Result<string, DoorFailure>> {
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve({ ok: false, failure: { code: error.code === 'EADDRINUSE' ? 'in-use' : 'unusable', detail: `${error.code ?? error.message} ${host}:${port}` } });
    });
    server.listen({ host, port }, () => {
      server.on('error', () => {
        // A connection that the system could not give us (EMFILE): the next one may come through.
      });
      const bound = server.address();
      const named = host.includes(':') ? `[${host}]` : host;
      resolve(ok(`tls://${named}:${bound === null || typeof bound === 'string' ? port : bound.port}`));
    });
  });
}
