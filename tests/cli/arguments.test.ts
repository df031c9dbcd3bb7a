import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { readWords } from '../../src/cli/arguments.ts';

const options = { config: { type: 'string' }, with: { type: 'string' }, json: { type: 'boolean' } } as const;
const read = (...args: string[]): unknown => {
  const { values, positionals } = readWords(args, options);
  return { ...values, words: positionals };
};

describe('ids and keys in base64url', () => {
  const cases = [
    { args: ['asked', '-sJ2l9QyR0KcX1b7nq0m_w', '--config', 'a.json'], read: { words: ['asked', '-sJ2l9QyR0KcX1b7nq0m_w'], config: 'a.json' } },
    { args: ['--json', '--J2l9QyR0KcX1b7nq0m_w', '--config', 'a.json'], read: { words: ['--J2l9QyR0KcX1b7nq0m_w'], json: true, config: 'a.json' } },
    { args: ['--with', '-a_key,another'], read: { words: [], with: '-a_key,another' } },
    { args: ['--with=-a_key', 'sign'], read: { words: ['sign'], with: '-a_key' } },
    { args: ['--json', '-key'], read: { words: ['-key'], json: true } },
    { args: ['--config', 'a.json', '--', '-key'], read: { words: ['-key'], config: 'a.json' } },
  ];
  it.each(cases)('$args', ({ args, read: wanted }) => {
    expect({ ...(read(...args) as object) }).toEqual(wanted);
  });

  it('are taken whatever they begin with', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const id = Buffer.from(bytes).toString('base64url');
        expect(read('asked', id, '--config', 'a.json')).toEqual({ words: ['asked', id], config: 'a.json' });
        expect(read('sign', '--with', id)).toEqual({ words: ['sign'], with: id });
      }),
    );
  });
});

test.each([
  { args: ['--unknown', 'x'], why: "Unknown option '--unknown'" },
  { args: ['--config'], why: "'--config <value>' argument missing" },
  { args: ['--config', '--json'], why: "'--config' argument is ambiguous" },
])('what is no option of ours is refused: $args', ({ args, why }) => {
  expect(() => read(...args)).toThrow(why);
});
