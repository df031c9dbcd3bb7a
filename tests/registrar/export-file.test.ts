import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { exportEncodings, readExport, type ExportEncoding, type ExportLine } from '../../src/registrar/export-file.ts';
import { identityNumber } from '../../tools/demo/people.ts';

const number = identityNumber('1996-04-11', 31);
const header = 'name,identity_number,birth_date,sex,postcode,resident_since\n';
const good = `方敏,${number},1996-04-11,female,510140,2019-07-01`;

async function read(content: string | Uint8Array, { encoding = 'utf-8', after = 0, pieces = 7 }: { encoding?: ExportEncoding; after?: number; pieces?: number } = {}): Promise<{ lines: ExportLine[]; failure: string | null }> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += pieces) yield bytes.subarray(at, at + pieces);
  }
  const lines: ExportLine[] = [];
  for await (const line of readExport(chunks(), encoding, after)) {
    if (!line.ok) return { lines, failure: `${line.failure.code}${line.failure.detail === undefined ? '' : ` ${line.failure.detail}`}` };
    lines.push(line.value);
  }
  return { lines, failure: null };
}

it.each([
  { name: 'of Windows', end: '\r\n' },
  { name: 'of others', end: '\n' },
])('gives each person by the claims, an empty field being a fact that is not known, with line ends $name', async ({ end }) => {
  const { lines, failure } = await read(`\ufeff${header}${good}\n"林, 悦 ",${number.toLowerCase()},1996-04-11,,,\n`.replaceAll('\n', end));
  expect(failure).toBeNull();
  expect(lines).toEqual([
    { line: 2, facts: { name: '方敏', identity_number: number, birth_date: '1996-04-11', sex: 'female', postcode: '510140', resident_since: '2019-07-01' } },
    { line: 3, facts: { name: '林, 悦', identity_number: number, birth_date: '1996-04-11' } },
  ]);
});

it('reads what Chinese offices write', async () => {
  // 方敏 in GB18030.
  const content = Buffer.concat([Buffer.from(header), Buffer.from('b7bdc3f4', 'hex'), Buffer.from(good.slice(2))]);
  expect((await read(content, { encoding: 'gb18030' })).lines).toMatchObject([{ facts: { name: '方敏' } }]);
  expect((await read(content)).failure).toBe('export-encoding');
});

it('gives only the lines behind the one it was told', async () => {
  expect((await read(header + `${good}\n`.repeat(4), { after: 3 })).lines.map(({ line }) => line)).toEqual([4, 5]);
});

describe('refuses a line and goes on', () => {
  const line = (changed: Record<number, string>): string => good.split(',').map((field, place) => changed[place] ?? field).join(',');
  const cases = [
    { name: 'a field too many', line: `${good},x`, fault: 'columns', column: null },
    { name: 'a field too few', line: '方敏', fault: 'columns', column: null },
    { name: 'no name', line: line({ 0: ' ' }), fault: 'missing', column: 'name' },
    { name: 'a wrong check digit', line: line({ 1: number.slice(0, 17) + (number.endsWith('1') ? '2' : '1') }), fault: 'number', column: 'identity_number' },
    { name: 'another birth date than the number', line: line({ 2: '1996-04-12' }), fault: 'number', column: 'identity_number' },
    { name: 'a day that is not', line: line({ 2: '1996-02-30' }), fault: 'value', column: 'birth_date' },
    { name: 'a word for a code', line: line({ 3: '女' }), fault: 'value', column: 'sex' },
    { name: 'a postcode of five digits', line: line({ 4: '51014' }), fault: 'value', column: 'postcode' },
    { name: 'a name without end', line: line({ 0: '方'.repeat(201) }), fault: 'value', column: 'name' },
    { name: 'a name with a bell in it', line: line({ 0: '方\u0007' }), fault: 'value', column: 'name' },
  ];
  test.each(cases)('$name', async ({ line: bad, fault, column }) => {
    const { lines, failure } = await read(`${header}${bad}\n${good}\n`);
    expect(failure).toBeNull();
    expect(lines).toMatchObject([{ line: 2, facts: null, fault, column }, { line: 3, facts: { name: '方敏' } }]);
  });
});

test.each([
  { name: 'empty', content: '', failure: 'export-columns empty' },
  { name: 'without names', content: good, failure: 'export-columns unknown 方敏' },
  { name: 'with a column of no claim', content: `name,identity_number,birth_date,salary\n`, failure: 'export-columns unknown salary' },
  { name: 'with a column twice', content: `name,identity_number,birth_date,name\n`, failure: 'export-columns twice name' },
  { name: 'without the number', content: `name,birth_date\n`, failure: 'export-columns missing identity_number' },
  { name: 'with a quote that never ends', content: `${header}"方敏,1\n`, failure: expect.stringMatching(/^export-quotes/) as string },
])('a file $name is refused as a whole', async ({ content, failure }) => {
  expect((await read(content)).failure).toEqual(failure);
});

it('never throws, whatever the bytes are', async () => {
  const text = fc.stringMatching(/^[a-z,"\r\n \u65b9]{0,80}$/).map((tail) => Buffer.from(header + tail));
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 200 }), text), fc.constantFrom(...exportEncodings), fc.integer({ min: 1, max: 20 }), async (bytes, encoding, pieces) => {
      const { lines } = await read(bytes, { encoding, pieces });
      expect(lines.every((line) => line.line > 1)).toBe(true);
    }),
    { numRuns: 300 },
  );
});
