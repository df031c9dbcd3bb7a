import { expect, test } from 'vitest';
import { fail, ok, type Result } from '../../../src/contract/result.ts';
import { ApduTrace } from '../../../src/drivers/cards/apdu-trace.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

async function traced(command: string, answer: Result<Uint8Array> = ok(hex('9000'))): Promise<ReturnType<ApduTrace['of']>> {
  let now = 1000;
  const trace = new ApduTrace(() => now);
  await trace
    .heard('A', {
      protocol: 't1',
      transmit: () => {
        now += 12;
        return Promise.resolve(answer);
      },
    })
    .transmit(hex(command));
  return trace.of('A');
}

test.each([
  { name: 'SELECT', command: '00 a4 04 00 06 d27600012401 00', head: '00 a4 04 00', sent: 6 },
  { name: 'GET DATA without data', command: '00 ca 00 6e 00', head: '00 ca 00 6e', sent: 0 },
  { name: 'a bare header', command: '00 44 00 00', head: '00 44 00 00', sent: 0 },
  { name: 'extended without data', command: '00 ca 00 6e 00 01 00', head: '00 ca 00 6e', sent: 0 },
  { name: 'extended with data', command: `00 88 00 00 00 0100 ${'ab'.repeat(256)} 0000`, head: '00 88 00 00', sent: 256 },
  { name: 'VERIFY, whose length is the PIN’s', command: '00 20 00 82 06 313233343536', head: '00 20 00 82', sent: null },
  { name: 'CHANGE REFERENCE DATA', command: '00 24 00 81 0c 313233343536363534333231', head: '00 24 00 81', sent: null },
  { name: 'RESET RETRY COUNTER', command: '00 2c 00 81 08 3132333435363738', head: '00 2c 00 81', sent: null },
  { name: 'a reset code in PUT DATA', command: '00 da 00 d3 08 3132333435363738', head: '00 da 00 d3', sent: null },
])('$name', async ({ command, head, sent }) => {
  const seen = await traced(command, ok(hex('aabbcc 63c2')));
  expect(seen).toEqual([{ atMs: 1000, head, sent, received: 3, answer: '63c2', tookMs: 12 }]);
  expect(JSON.stringify(seen)).not.toMatch(/3132|aabbcc|abab/);
});

test('a failure stands by its code, and an answer without a status word as one', async () => {
  expect((await traced('00 ca 00 6e 00', fail('card-removed')))[0]?.answer).toBe('card-removed');
  expect((await traced('00 ca 00 6e 00', ok(hex('90'))))[0]?.answer).toBe('no status');
});

test('keeps the last sixty of each reader', async () => {
  const trace = new ApduTrace(() => 0);
  const [a, b] = ['A', 'B'].map((reader) => trace.heard(reader, { protocol: 't1', transmit: () => Promise.resolve(ok(hex('9000'))) }));
  for (let number = 0; number < 70; number += 1) await a?.transmit(Uint8Array.of(0, 0xca, 0, number));
  await b?.transmit(hex('00ca0001'));
  expect([trace.of('A').length, trace.of('A')[0]?.head, trace.of('B').length, trace.of('C')]).toEqual([60, '00 ca 00 0a', 1, []]);
});
