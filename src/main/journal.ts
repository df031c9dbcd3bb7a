import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { closedReasons } from '../contract/closure.ts';
import { failureCodes, rejectionCodes } from '../contract/failures.ts';
import type { Clock } from './clock.ts';
import { closureSchema } from './closure.ts';

/** Words of the program's own making: states, intents, codes. Nothing that a person typed or a card said fits in. */
const word = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,79}$/);
/** Status words, errnos and exception names; cut to printable ASCII. */
const detail = z.string().regex(/^[\x20-\x7e]{1,160}$/);
const visit = z.string().regex(/^[0-9a-f]{16}$/);
const staffId = z.string().regex(/^[0-9a-f]{32}$/);
const durationMs = z.int().min(0);

/**
 * All that the journal can say. Personal facts have no place here: a visit is a random number that stands in nothing else,
 * a request has no reference, and free text is a technical detail of a failure.
 */
export const journalEventSchema = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('kiosk.started'), kiosk: word, chain: word }),
  z.strictObject({ event: z.literal('kiosk.stopped') }),
  /** Only what changed: a kiosk counts as enrolled until the contrary is proved. */
  z.strictObject({ event: z.literal('kiosk.enrolled'), enrolled: z.boolean(), why: word.optional() }),
  /** The validators signed two heads that cannot stand in one history: both are kept beside the journal. */
  z.strictObject({ event: z.literal('ledger.split'), detail: detail.optional() }),
  z.strictObject({ event: z.literal('kiosk.fault'), name: word, detail: detail.optional() }),
  z.strictObject({ event: z.literal('journal.resumed'), torn: z.boolean() }),
  /** The disk took none of these many entries before this one. */
  z.strictObject({ event: z.literal('journal.gap'), lost: z.int().min(1) }),
  z.strictObject({ event: z.literal('screen.lost'), why: word }),
  z.strictObject({ event: z.literal('screen.dropped'), why: word }),
  z.strictObject({ event: z.literal('readers'), service: word, slot: word }),
  z.strictObject({ event: z.literal('hub'), reachable: z.boolean(), code: word.optional(), detail: detail.optional() }),
  z.strictObject({ event: z.literal('services'), usable: z.int().min(0), refused: z.int().min(0) }),
  z.strictObject({ event: z.literal('visit.began'), visit }),
  z.strictObject({ event: z.literal('visit.ended'), visit, ended: word, durationMs, requests: z.int().min(0), /** Left out in entries from before it was told. */ signedIn: z.boolean().optional() }),
  z.strictObject({ event: z.literal('visit.state'), visit: visit.nullable(), from: word, to: word, durationMs }),
  z.strictObject({ event: z.literal('visit.failure'), visit: visit.nullable(), code: z.enum(failureCodes), detail: detail.optional() }),
  z.strictObject({ event: z.literal('slip'), visit, printed: z.boolean(), code: z.enum(failureCodes).optional(), detail: detail.optional() }),
  z.strictObject({ event: z.literal('intent.ignored'), visit: visit.nullable(), intent: word, state: word }),
  z.strictObject({ event: z.literal('staff.began'), session: visit }),
  /** By the name under which residents read of this person's looks. */
  z.strictObject({ event: z.literal('staff.signed-in'), session: visit, who: word, role: word, party: word }),
  z.strictObject({ event: z.literal('staff.state'), session: visit.nullable(), from: word, to: word }),
  /** An act that takes two, signed by the first of them, who is named as below. */
  z.strictObject({ event: z.literal('desk.signed'), session: visit, act: word, staff: word }),
  /** An act of the desk that was carried out, and who did it: the id on the ledger, in hex. */
  z.strictObject({ event: z.literal('desk.done'), session: visit, act: word, staff: word }),
  z.strictObject({ event: z.literal('staff.failure'), session: visit, code: z.enum(failureCodes), detail: detail.optional() }),
  /** By the id that the member of staff has on the ledger. */
  z.strictObject({ event: z.literal('kiosk.closed'), staff: staffId, reason: z.enum(closedReasons), back: closureSchema.shape.back }),
  z.strictObject({ event: z.literal('kiosk.opened'), staff: staffId }),
  z.strictObject({ event: z.literal('kiosk.retired'), staff: staffId }),
  z.strictObject({ event: z.literal('journal.exported'), staff: staffId }),
  z.strictObject({ event: z.literal('staff.ended'), session: visit, ended: word }),
  z.strictObject({
    event: z.literal('outbox'),
    what: z.enum(['stored', 'delivered', 'recorded', 'rejected', 'expired', 'waiting']),
    code: z.union([z.enum(rejectionCodes), z.enum(failureCodes), word]).optional(),
  }),
]);
export type JournalEvent = z.infer<typeof journalEventSchema>;

export interface Journal {
  /** Never throws and never waits for anybody: an entry that the disk does not take is counted, and the next one that it takes says so. After `close` nothing is written. */
  write(event: JournalEvent): void;
  close(): void;
}

/** Makes a failure's detail fit the journal. */
export function journalDetail(text: string | undefined): string | undefined {
  const printable = (text ?? '').replace(/[^\x20-\x7e]/g, '?').slice(0, 160);
  return printable === '' ? undefined : printable;
}

/** File and line where a bug showed, and nothing of its message: that might hold what a person typed. */
export function faultPlace(error: unknown): string {
  const line = error instanceof Error ? error.stack?.split('\n').find((text) => text.includes('/src/')) : undefined;
  return line?.replace(/^.*\/src\//, 'src/').replace(/\)$/, '') ?? 'unknown place';
}

export interface JournalEntry {
  /** ISO 8601 in UTC. */
  at: string;
  event: JournalEvent;
}

interface Line extends JournalEntry {
  seq: number;
  /** SHA-256, hex, of the line before; zeros before the first. */
  prev: string;
}

const lineSchema = z.strictObject({
  seq: z.int().min(0),
  at: z.iso.datetime(),
  event: journalEventSchema,
  prev: z.string().regex(/^[0-9a-f]{64}$/),
});

const genesis = '0'.repeat(64);
const hashOf = (line: string): string => createHash('sha256').update(line).digest('hex');

export interface JournalFiles {
  dataDir: string;
  clock: Clock;
  /** A file that has reached this size is turned over. */
  maxBytes?: number;
  /** Turned-over files that are kept, `journal.1.jsonl` the youngest. */
  keep?: number;
}

const usualKeep = 7;

const fileName = (dataDir: string, age: number): string => join(dataDir, age === 0 ? 'journal.jsonl' : `journal.${age}.jsonl`);

/** Where a kiosk's journal lies, the youngest file first; the older ones where they are. */
export const journalFiles = (dataDir: string, keep = usualKeep): string[] => Array.from({ length: keep + 1 }, (_, age) => fileName(dataDir, age));

/**
 * JSON lines, each with the SHA-256 of the line before it, over all files. A line that a power cut tore is cut off when the journal is opened again.
 * @throws when the folder cannot be written at all: a kiosk without a journal does not open.
 */
export function openJournal({ dataDir, clock, maxBytes = 4 * 1024 * 1024, keep = usualKeep }: JournalFiles): Journal {
  const path = fileName(dataDir, 0);
  // As bytes: what a power cut leaves need not be text, and is as long as it is.
  const kept = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  const whole = kept.subarray(0, kept.lastIndexOf('\n') + 1);
  const torn = whole.length !== kept.length;
  let last = lastLine(whole.toString('utf8')) ?? lastLine(existsSync(fileName(dataDir, 1)) ? readFileSync(fileName(dataDir, 1), 'utf8') : '');
  let file = openSync(path, 'a', 0o600);
  let size = whole.length;
  let lost = 0;
  let closed = false;
  if (torn) ftruncateSync(file, size);

  const append = (event: JournalEvent): void => {
    const line: Line = {
      seq: last === null ? 0 : last.seq + 1,
      at: new Date(clock.now()).toISOString(),
      event: journalEventSchema.parse(event),
      prev: last === null ? genesis : last.hash,
    };
    const text = JSON.stringify(line);
    const bytes = Buffer.from(`${text}\n`);
    try {
      if (writeSync(file, bytes) !== bytes.length) throw new Error('disk full');
    } catch (error) {
      // Half a line must not stand before the next one.
      ftruncateSync(file, size);
      throw error;
    }
    size += bytes.length;
    last = { seq: line.seq, hash: hashOf(text) };
  };

  const turnOver = (): void => {
    fsyncSync(file);
    if (existsSync(path)) {
      for (let age = keep - 1; age >= 0; age -= 1) {
        if (existsSync(fileName(dataDir, age))) renameSync(fileName(dataDir, age), fileName(dataDir, age + 1));
      }
    }
    // The old file stays open until there is a new one: a number that was given back could be somebody else's file.
    const fresh = openSync(path, 'a', 0o600);
    closeSync(file);
    file = fresh;
    size = 0;
  };

  const journal: Journal = {
    write(event) {
      // The file's number may be another file's by now.
      if (closed) return;
      try {
        if (size >= maxBytes) turnOver();
        if (lost > 0) {
          append({ event: 'journal.gap', lost });
          lost = 0;
        }
        append(event);
      } catch {
        lost += 1;
      }
    },
    close() {
      if (closed) return;
      closed = true;
      fsyncSync(file);
      closeSync(file);
    },
  };
  journal.write({ event: 'journal.resumed', torn });
  return journal;
}

function lastLine(text: string): { seq: number; hash: string } | null {
  const line = text.trimEnd().split('\n').at(-1);
  if (line === undefined || line === '') return null;
  const parsed = lineSchema.safeParse(parseJson(line));
  return parsed.success ? { seq: parsed.data.seq, hash: hashOf(line) } : { seq: -1, hash: hashOf(line) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Entries of these kinds from a moment on (Unix milliseconds), oldest first, off all files that reach so far. What cannot be read is left out: for that there is `checkJournal`. */
export async function readJournal(dataDir: string, kinds: readonly JournalEvent['event'][], sinceMs: number): Promise<JournalEntry[]> {
  const marks = kinds.map((kind) => `"event":{"event":"${kind}"`);
  const found: JournalEntry[][] = [];
  for (let age = 0; existsSync(fileName(dataDir, age)); age += 1) {
    const lines = (await readFile(fileName(dataDir, age), 'utf8')).split('\n');
    const entries = lines.filter((line) => marks.some((mark) => line.includes(mark))).flatMap((line) => lineSchema.safeParse(parseJson(line)).data ?? []);
    found.unshift(entries.filter(({ at }) => Date.parse(at) >= sinceMs));
    const oldest = lineSchema.safeParse(parseJson(lines[0] ?? '')).data;
    if (oldest !== undefined && Date.parse(oldest.at) < sinceMs) break;
  }
  return found.flat();
}

export type JournalCheck = { whole: true; entries: number } | { whole: false; file: string; line: number };

/** Reads all files, oldest first, and follows the chain; the oldest file's first `prev` is taken as it is. */
export function checkJournal(dataDir: string): JournalCheck {
  let age = 0;
  while (existsSync(fileName(dataDir, age + 1))) age += 1;
  let expected: string | null = null;
  let entries = 0;
  for (; age >= 0; age -= 1) {
    const file = fileName(dataDir, age);
    const lines = (existsSync(file) ? readFileSync(file, 'utf8') : '').split('\n').slice(0, -1);
    for (const [index, line] of lines.entries()) {
      const parsed = lineSchema.safeParse(parseJson(line));
      if (!parsed.success || (expected !== null && parsed.data.prev !== expected)) return { whole: false, file, line: index + 1 };
      expected = hashOf(line);
      entries += 1;
    }
  }
  return { whole: true, entries };
}
