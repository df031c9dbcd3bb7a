import { fail, type Failure, type Result } from '../contract/result.ts';
import type { TextStream } from './route.ts';

const mostStreamsOfOne = 8;
const heartbeatMs = 15_000;

/** `Last-Event-ID` of our streams: the number of a change. */
export const eventIdPattern = /^(?:0|[1-9][0-9]{0,14})$/;

export interface ServerEvent {
  /** Left out: whoever comes back asks for nothing after this one. */
  id?: number;
  event: string;
  data: unknown;
}

/** As in WHATWG HTML §9.2.6. */
const written = ({ id, event, data }: ServerEvent): string => `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

export interface EventSource {
  /** What is new since it was last asked, some of it at least; none: all was taken. A failure is tried again with the next change or beat. */
  next(): Promise<Result<readonly ServerEvent[], Failure<string>>>;
  /** @returns what ends the listening. */
  listen(changed: () => void): () => void;
}

/** Streams of server-sent events, of one caller up to eight at a time. A comment every 15 s says that the line stands. */
export class EventStreams {
  readonly #open = new Map<string, number>();

  /** `too-many`. @param signal aborted when the caller is gone. */
  begin(caller: string, source: EventSource, signal: AbortSignal): Result<TextStream, Failure<'too-many'>> {
    const open = this.#open.get(caller) ?? 0;
    if (open >= mostStreamsOfOne) return fail('too-many');
    if (!signal.aborted) {
      this.#open.set(caller, open + 1);
      // And not when the stream ends: one that nobody reads, since only its head was asked for or the caller has gone, never begins.
      signal.addEventListener('abort', () => this.#close(caller), { once: true });
    }
    return { ok: true, value: this.#events(source, signal) };
  }

  #close(caller: string): void {
    const left = (this.#open.get(caller) ?? 1) - 1;
    if (left === 0) this.#open.delete(caller);
    else this.#open.set(caller, left);
  }

  async *#events(source: EventSource, signal: AbortSignal): TextStream {
    let wake = Promise.withResolvers<'change' | 'beat' | 'gone'>();
    const say = (what: 'change' | 'beat' | 'gone'): void => wake.resolve(what);
    const unlisten = source.listen(() => say('change'));
    const beat = setInterval(() => say('beat'), heartbeatMs);
    const gone = (): void => say('gone');
    signal.addEventListener('abort', gone);
    try {
      yield ': here\n\n';
      while (!signal.aborted) {
        const news = await source.next();
        if (news.ok && news.value.length > 0) {
          for (const event of news.value) yield written(event);
          continue;
        }
        const what = await wake.promise;
        wake = Promise.withResolvers();
        if (what === 'beat') yield ': here\n\n';
      }
    } finally {
      clearInterval(beat);
      signal.removeEventListener('abort', gone);
      unlisten();
    }
  }
}
