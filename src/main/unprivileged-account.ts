import { readFileSync } from 'node:fs';
import { fail, ok, type Result } from '../contract/result.ts';

export interface Account {
  uid: number;
  gid: number;
}

/** Who a browser runs as when root starts it: the first of these that exists. */
const unprivilegedUsers = ['imi-browser', 'nobody'];

/** `browser-sandbox` where the machine has none of them. */
export function unprivilegedAccount(): Result<Account> {
  const entries = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of unprivilegedUsers) {
    const entry = entries.find(([user]) => user === name);
    if (entry !== undefined) return ok({ uid: Number(entry[2]), gid: Number(entry[3]) });
  }
  return fail('browser-sandbox', `no user ${unprivilegedUsers.join(' or ')}`);
}
