import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openEmbeddedLedger } from '../../../src/ledger/engines/embedded.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { openEnvelope } from '../../../src/ledger/verify/envelope.ts';
import { mayMount, SmallDisk } from '../../fixtures/small-disk.ts';
import { genesis, keys, now, register, residentOf } from '../small-district.ts';

const folder = mkdtempSync(join(tmpdir(), 'disk-full-'));
const disk = mayMount ? SmallDisk.mount(folder, '4m') : null;

afterAll(() => {
  disk?.unmount();
  rmSync(folder, { recursive: true });
});

test.skipIf(disk === null)(`a full disk, and a read-only one, lose nothing${disk !== null ? '' : ' (skipped: a disk of its own takes root)'}`, async () => {
  let time = now * 1000;
  const options = { path: join(folder, 'ledger.sqlite'), genesis, validator: keys.validator, clock: () => time, heartbeatMs: 60_000, begin: true };
  const opened = openEmbeddedLedger(options);
  if (!opened.ok) throw new Error(opened.failure.detail);
  const ledger = opened.value;
  const acknowledged: Uint8Array[] = [];
  const submit = async (name: string) => {
    const envelope = await register(residentOf(name));
    const answer = await ledger.submit(envelope);
    const transaction = openEnvelope(envelope, nodeCrypto);
    if (answer.ok && transaction.ok) acknowledged.push(transaction.value.id);
    return answer;
  };
  expect(await submit('first')).toEqual({ ok: true, value: { state: 'queued' } });

  disk?.fill();
  // Room may be left in the file that is written ahead: it is used up before the disk refuses.
  let refused = await submit('full 0');
  for (let i = 1; refused.ok && i < 40; i++) refused = await submit(`full ${i}`);
  expect(refused).toMatchObject({ ok: false, failure: { code: 'hub-storage' } });
  expect((await ledger.head()).ok).toBe(true);

  disk?.makeRoom();
  time += 5000;
  expect(await submit('room again')).toEqual({ ok: true, value: { state: 'queued' } });
  for (const id of acknowledged) {
    const receipt = await ledger.receipt(id, 10_000);
    expect(receipt.ok && receipt.value !== null).toBe(true);
  }
  await ledger.close();

  disk?.writable(false);
  expect(openEmbeddedLedger(options)).toMatchObject({ ok: false, failure: { code: 'hub-storage' } });
  disk?.writable(true);
  const again = openEmbeddedLedger(options);
  if (!again.ok) throw new Error(again.failure.detail);
  for (const id of acknowledged) expect(await again.value.state(id)).toMatchObject({ ok: true, value: { state: 'recorded' } });
  await again.value.close();
});
