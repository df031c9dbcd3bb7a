import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { DeviceStatus, ReaderStatus } from '../contract/device-host.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { DeviceHost } from '../drivers/device-host.ts';
import { spawnNodeHost } from '../drivers/spawn-node-host.ts';
import { secretsOf } from '../hub/key-file.ts';
import { ed25519Signer } from '../ledger/node-signer.ts';
import type { Signer } from '../ledger/verify/envelope.ts';
import { cardIn } from '../main/card.ts';

/** An officer's hand: a card in a reader, or in demonstrations a key file. `close` resets the card. */
export interface Officer {
  signer: Signer;
  close(): Promise<void>;
}

export function officerOfFile(path: string): Result<Officer, Failure<string>> {
  const keys = secretsOf(path, ['sign']);
  return keys.ok ? ok({ signer: ed25519Signer(keys.value.sign), close: () => Promise.resolve() }) : keys;
}

const cardWaitMs = 60_000;

/** Thrown by the signer and caught by the command: a port that signs has no other way to say it. */
export class OfficerFailed extends Error {
  readonly failure: Failure<string>;
  constructor(failure: Failure<string>) {
    super(failure.code);
    this.failure = failure;
  }
}

/** The card in this reader, or for null in the first that has one. Its PIN is asked for at each signature, as the card wants it. */
export async function officerOfCard(reader: string | null, say: (line: string) => void): Promise<Result<Officer, Failure<string>>> {
  const host = new DeviceHost(spawnNodeHost({ hostPath: join(import.meta.dirname, '../drivers/host.ts'), binding: 'smartcard' }));
  const found = await readerWithCard(host, reader, say);
  if (!found.ok) {
    host.stop();
    return found;
  }
  const card = cardIn(host, found.value.name, found.value.insertion);
  const info = await card.open();
  if (!info.ok) {
    host.stop();
    return info;
  }
  return ok({
    signer: {
      key: [-19, info.value.keys.sig],
      async sign(input) {
        const pin = info.value.pinPad ? null : await askPin();
        const verified = await card.verify('sign', pin);
        if (!verified.ok) throw new OfficerFailed(verified.failure);
        if (!verified.value.verified) throw new OfficerFailed({ code: 'pin-wrong', detail: `${verified.value.triesLeft} left` });
        const signature = await card.sign(input);
        if (!signature.ok) throw new OfficerFailed(signature.failure);
        return signature.value;
      },
    },
    async close() {
      await card.release();
      host.stop();
    },
  });
}

function readerWithCard(host: DeviceHost, wanted: string | null, say: (line: string) => void): Promise<Result<ReaderStatus, Failure>> {
  return new Promise((resolve) => {
    let isSaid = false;
    const settle = (result: Result<ReaderStatus>): void => {
      clearTimeout(limit);
      stop();
      resolve(result);
    };
    const look = ({ service, detail, readers }: DeviceStatus): void => {
      if (service === 'no-service' || service === 'no-permission') return settle(fail(service === 'no-service' ? 'reader-no-service' : 'reader-no-permission', detail));
      const ready = readers.find(({ name, slot }) => (wanted === null || name === wanted) && slot === 'card-present');
      if (ready !== undefined) return settle(ok(ready));
      if (service !== 'ready' || isSaid) return;
      isSaid = true;
      say('Put the officer’s card into the reader.');
    };
    const limit = setTimeout(() => settle(fail(host.status.readers.length === 0 ? 'reader-missing' : 'card-timeout')), cardWaitMs);
    const stop = host.onStatus(look);
    look(host.status);
  });
}

/** Not shown while it is typed, and never an argument. */
async function askPin(): Promise<Uint8Array> {
  process.stderr.write('PIN: ');
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: unseen, terminal: process.stdin.isTTY });
  try {
    return new Uint8Array(Buffer.from((await lines.question('')).trim(), 'utf8'));
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
