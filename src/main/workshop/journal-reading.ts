import { existsSync, readFileSync } from 'node:fs';
import type { JournalFilter, JournalRow } from '../../contract/workshop.ts';
import { never } from '../../contract/result.ts';
import { journalFiles } from '../journal.ts';

export interface JournalPage {
  /** Newest first. */
  rows: JournalRow[];
  /** There are more before them. */
  older: boolean;
}

/** From the `from`-th newest entry that the filter lets through, `count` of them. Lines that are none are passed over: whoever looks for what was changed follows the chain. */
export function readJournalPage(dataDir: string, filter: JournalFilter, from: number, count: number): JournalPage {
  const rows: JournalRow[] = [];
  let passed = 0;
  for (const file of journalFiles(dataDir)) {
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').toReversed() : [];
    for (const line of lines) {
      const row = rowOf(line);
      if (row === null || !isOf(filter, row)) continue;
      if (passed >= from && rows.length === count) return { rows, older: true };
      if (passed >= from) rows.push(row);
      passed += 1;
    }
  }
  return { rows, older: false };
}

function rowOf(line: string): JournalRow | null {
  try {
    const { seq, at, event } = JSON.parse(line) as { seq: number; at: string; event: Record<string, unknown> };
    const { event: name, ...rest } = event;
    return {
      seq,
      at,
      event: String(name),
      rest: Object.entries(rest)
        .map(([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
        .join(' · '),
    };
  } catch {
    return null;
  }
}

const begins = (event: string, ...names: string[]): boolean => names.some((name) => event === name || event.startsWith(`${name}.`));

function isOf(filter: JournalFilter, { event, rest }: JournalRow): boolean {
  switch (filter) {
    case 'all':
      return true;
    case 'failures':
      return /\.(?:failure|fault|lost|dropped|gap|split)$/.test(event) || / ?(?:code|why) /.test(` ${rest}`);
    case 'visits':
      return begins(event, 'visit', 'intent', 'outbox');
    case 'staff':
      return begins(event, 'staff', 'desk', 'kiosk.closed', 'kiosk.opened', 'kiosk.retired', 'journal.exported');
    case 'devices':
      return begins(event, 'readers', 'screen', 'slip');
    case 'hub':
      return begins(event, 'hub', 'ledger', 'services', 'outbox', 'kiosk.enrolled');
    default:
      return never(filter);
  }
}
