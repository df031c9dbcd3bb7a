import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BackChoice, ClosedReason, Closure } from '../contract/closure.ts';
import { fail, ok, type Result } from '../contract/result.ts';
import type { Clock } from './clock.ts';
import { closureSchema } from './closure.ts';
import { districtDay, districtOffsetMs } from './district-time.ts';
import { keptFile } from './kept-file.ts';

/** Whether staff have closed this kiosk. It stands on the disk: who closed it may be gone when it is switched on again. */
export interface Standing {
  readonly closure: Closure | null;
  /** `kiosk-storage`: then it stays as it was. */
  close(reason: ClosedReason, back: BackChoice): Result<null>;
  open(): Result<null>;
  stop(): void;
}

export interface StandingParts {
  dataDir: string;
  clock: Clock;
  /** `closure` is another than before. */
  onChange(): void;
}

const dayMs = 24 * 3600_000;
const minuteMs = 60_000;
/** To be looked at once more before it is said for a day: timers run for days where clocks are set. */
const longestWaitMs = 6 * 3600_000;

/** A moment is rounded up to five minutes: at 14:02, "in half an hour" is 14:35. */
export function backAt(choice: BackChoice, nowMs: number): string | null {
  const inMinutes = (minutes: number): string => new Date(Math.ceil((nowMs + minutes * minuteMs) / (5 * minuteMs)) * 5 * minuteMs).toISOString();
  switch (choice) {
    case 'unknown':
      return null;
    case 'half-hour':
      return inMinutes(30);
    case 'hour':
      return inMinutes(60);
    case 'two-hours':
      return inMinutes(120);
    case 'tomorrow':
      return districtDay(nowMs + dayMs);
  }
}

/** When what was said of its coming back is not true any more: a day at its end. Unix milliseconds. */
const overAt = (back: string): number => (back.length === 10 ? Date.parse(`${back}T00:00:00Z`) - districtOffsetMs + dayMs : Date.parse(back));

export function openStanding({ dataDir, clock, onChange }: StandingParts): Standing {
  const path = join(dataDir, 'closure.json');
  const file = keptFile(path);
  const kept = file.read();
  // A file that is there and is not to be read: nobody knows whether it was closed, so it is.
  let closure = kept !== undefined ? readClosure(kept) : existsSync(path) ? unreadable : null;
  let timer: unknown = null;

  /** Nobody is told of a time that has passed; the reason stands until staff open it. */
  function watch(): void {
    if (timer !== null) clock.clearTimeout(timer);
    timer = null;
    const back = closure?.back ?? null;
    if (closure === null || back === null) return;
    const leftMs = overAt(back) - clock.now();
    if (leftMs > 0) {
      timer = clock.setTimeout(watch, Math.min(leftMs, longestWaitMs));
      return;
    }
    closure = { ...closure, back: null };
    onChange();
  }

  function set(next: Closure | null): Result<null> {
    try {
      if (next === null) file.remove();
      else file.write(new TextEncoder().encode(JSON.stringify(next)));
    } catch (error) {
      return fail('kiosk-storage', error instanceof Error && 'code' in error ? String(error.code) : undefined);
    }
    closure = next;
    watch();
    onChange();
    return ok(null);
  }

  const saidBack = closure?.back ?? null;
  if (closure !== null && saidBack !== null && overAt(saidBack) <= clock.now()) closure = { ...closure, back: null };
  watch();

  return {
    get closure() {
      return closure;
    },
    close: (reason, back) => set({ reason, back: backAt(back, clock.now()) }),
    open: () => set(null),
    stop() {
      if (timer !== null) clock.clearTimeout(timer);
    },
  };
}

/** A file that says nothing readable was written when the kiosk was to be closed. */
function readClosure(content: Uint8Array): Closure {
  try {
    return closureSchema.parse(JSON.parse(new TextDecoder().decode(content)));
  } catch {
    return unreadable;
  }
}

const unreadable: Closure = { reason: 'maintenance', back: null };
