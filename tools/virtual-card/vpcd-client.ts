import { connect } from 'node:net';

/** What vpcd asks of a card: control by one byte, and APDUs. */
export interface VpcdHandlers {
  onPower(change: 'off' | 'on' | 'reset'): void;
  /** The reader asks, about every 400 ms, whether somebody is there, and after each power-on. Empty: nobody answers. */
  answerToReset(): Uint8Array;
  onCommand(apdu: Uint8Array): void;
  /** Once, when the connection has ended, by whichever side. */
  onEnd(): void;
}

export interface VpcdLink {
  answer(response: Uint8Array): void;
  /** Out of the reader, at once. */
  leave(): void;
}

const control = { off: 0x00, on: 0x01, reset: 0x02, answerToReset: 0x04 } as const;

/** A card's end of the vpcd protocol: each message is its length in two bytes, big-endian, and its body. */
export function enterReader(port: number, handlers: VpcdHandlers): VpcdLink {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  let received = Buffer.alloc(0);
  const send = (body: Uint8Array): void => {
    socket.write(Buffer.concat([Uint8Array.of(body.length >> 8, body.length & 0xff), body]));
  };
  const take = (message: Buffer): void => {
    if (message.length !== 1) return handlers.onCommand(message);
    const [code] = message;
    if (code === control.answerToReset) send(handlers.answerToReset());
    else if (code === control.off) handlers.onPower('off');
    else if (code === control.on) handlers.onPower('on');
    else if (code === control.reset) handlers.onPower('reset');
  };
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE()) {
      const end = 2 + received.readUInt16BE();
      const message = received.subarray(2, end);
      received = received.subarray(end);
      take(message);
      if (socket.destroyed) return;
    }
  });
  // Refused or reset: there is no reader. 'close' follows in each case.
  socket.on('error', () => undefined);
  socket.on('close', () => handlers.onEnd());
  return { answer: send, leave: () => socket.destroy() };
}
