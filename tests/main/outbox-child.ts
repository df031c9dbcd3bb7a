import { randomBytes } from 'node:crypto';
import { systemClock } from '../../src/main/clock.ts';
import { openOutbox } from '../../src/main/outbox.ts';

/** Puts one request after another and says each id only after the outbox has said that it is safe; the parent kills it in the middle. */
const outbox = openOutbox({ dataDir: process.argv[2] ?? '', clock: systemClock });
if (!outbox.ok) process.exit(1);
for (let counter = 1; ; counter += 1) {
  const transaction = new Uint8Array(randomBytes(32));
  const put = outbox.value.put({
    transaction,
    submission: { envelope: new Uint8Array(randomBytes(400)), payloads: [{ act: 0, what: 'part', to: 'space', sealed: new Uint8Array(randomBytes(3000)) }] },
    reference: '7KQ2-M4XD-09',
    resident: new Uint8Array(16),
    counter,
    notAfter: 2_000_000_000,
  });
  if (!put.ok) process.exit(1);
  process.stdout.write(`${Buffer.from(transaction).toString('hex')}\n`);
}
