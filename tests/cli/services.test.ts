import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

const program = join(import.meta.dirname, '../../src/cli/imi.ts');
const folder = mkdtempSync(join(tmpdir(), 'imi-coverage-'));
afterAll(() => rmSync(folder, { recursive: true }));

function imi(...args: string[]): { code: number | null; out: string; said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'services', ...args], { cwd: join(import.meta.dirname, '../..'), encoding: 'utf8' });
  return { code: status, out: stdout, said: stderr };
}

describe('imi services coverage', () => {
  test('prints a table, and ends with 0 where the goal is met', () => {
    const { code, out } = imi('coverage');
    expect(code).toBe(0);
    expect(out).toMatch(/^identity_number +credential +23$/m);
    expect(out).toMatch(/facts are known without typing: 9[5-9]\.\d % \(goal 95\.0 %: met\)\./);
  });

  test('prints the same as JSON', () => {
    const { code, out } = imi('coverage', '--json');
    expect(code).toBe(0);
    const measured = JSON.parse(out) as { goal: number; met: boolean; share: number; total: number; known: number };
    expect(measured).toMatchObject({ goal: 0.95, met: true });
    expect(measured.share).toBe(measured.known / measured.total);
  });

  test('ends with 1 for a resident of whom little is known', () => {
    const claims = join(folder, 'claims.json');
    writeFileSync(claims, JSON.stringify({ name: '林悦' }));
    const { code, out } = imi('coverage', '--claims', claims);
    expect(code).toBe(1);
    expect(out).toContain('not met');
  });

  test.each([
    { name: 'no subcommand', args: [], code: 2 },
    { name: 'an unknown option', args: ['coverage', '--everything'], code: 2 },
    { name: 'a folder without services', args: ['coverage', '--services', folder], code: 1 },
    { name: 'claims that are no JSON', args: ['coverage', '--claims', program], code: 1 },
  ])('refuses $name', ({ args, code }) => {
    const answer = imi(...args);
    expect(answer.code).toBe(code);
    expect(answer.said).not.toBe('');
  });
});
