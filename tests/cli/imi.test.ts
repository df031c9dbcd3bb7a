import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const imi = (...args: string[]) => spawnSync(process.execPath, [join(import.meta.dirname, '../../bin/imi'), ...args], { encoding: 'utf8' });

describe('imi', () => {
  test.each([
    { name: 'says what it can do', args: [], status: 0, says: /imi verify-receipt/ },
    { name: 'says it when asked', args: ['--help'], status: 0, says: /imi hub --hub.*\n.*imi hub init --chain/ },
    ...['agency', 'card', 'case', 'enrol', 'hub', 'keeper', 'kiosk', 'ledger', 'node', 'queue', 'receipt-page', 'registrar', 'services', 'testnet', 'verify-receipt', 'witness'].map((name) => (
      { name: `says how ${name} is called`, args: [name, '--help'], status: 0, says: new RegExp(`^imi ${name} `) }
    )),
    { name: 'refuses a command that it does not have', args: ['dance'], status: 2, says: /“dance”/ },
    { name: 'does not take a word of JavaScript for a command', args: ['toString'], status: 2, says: /“toString”/ },
  ])('$name', ({ args, status, says }) => {
    const ended = imi(...args);
    expect(ended.status).toBe(status);
    expect(ended.stdout + ended.stderr).toMatch(says);
  });
});
