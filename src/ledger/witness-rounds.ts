import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { encodeCheckpoint, type CheckpointKeeper, type SignedCheckpoint } from './checkpoints.ts';
import type { Ledger } from './ledger.ts';
import { checkpointText, fromDecimal } from './verify/checkpoint.ts';
import { verifyCosignatures, type Cosignature } from './verify/cosignature.ts';
import type { Crypto } from './verify/crypto.ts';
import { decodeHead, type SignedHead } from './verify/head.ts';
import { decodeSignatureLines, type NoteKey } from './verify/note.ts';
import { addCheckpointBody } from './witness.ts';

/** Where a witness is asked: `POST <url>/add-checkpoint`. */
export interface WitnessPlace {
  key: NoteKey;
  url: string;
}

/** `away`: no answer. `refused`: an answer that is no cosignature; it wants somebody's eye. */
export type WitnessState = { name: string; state: 'cosigned' | 'not-asked' } | { name: string; state: 'away' | 'refused'; detail: string };

export interface RoundsParts {
  ledger: Pick<Ledger, 'chain' | 'head' | 'consistency'>;
  checkpoints: CheckpointKeeper;
  /** In the order of `checkpoints.witnesses`. */
  witnesses: readonly WitnessPlace[];
  crypto: Crypto;
  /** Unix milliseconds. */
  clock: () => number;
  /** Between two looks at the ledger. */
  everyMs: number;
  /** What kept a checkpoint from being signed, or a witness from cosigning; once for each new reason. */
  onFault: (where: string, failure: Failure<string>) => void;
}

interface Asked {
  place: WitnessPlace;
  /** That it cosigned last, as far as is known. */
  oldSize: number;
  state: WitnessState;
  failures: number;
  notBeforeMs: number;
}

/** A log at rest is signed again after so long, so that outsiders can tell a quiet night from a log that is kept from them. */
const restMs = 10 * 60_000;
const answerMs = 5000;
const answerBytes = 65_536;
const longestPauseMs = 60_000;

/** Signs the ledger's newest head as a checkpoint and brings it to the witnesses. One that is away costs nothing but its cosignature, and is asked again. */
export class WitnessRounds {
  readonly #parts: RoundsParts;
  readonly #asked: Asked[];
  #timer: NodeJS.Timeout | null = null;
  #round: Promise<void> | null = null;
  #signedAtMs = 0;
  #lastFault: string | null = null;

  constructor(parts: RoundsParts) {
    this.#parts = parts;
    this.#asked = parts.witnesses.map((place) => ({ place, oldSize: 0, state: { name: place.key.name, state: 'not-asked' }, failures: 0, notBeforeMs: 0 }));
  }

  get states(): WitnessState[] {
    return this.#asked.map(({ state }) => state);
  }

  start(): void {
    this.#timer = setInterval(() => void this.round(), this.#parts.everyMs);
    this.#timer.unref();
    void this.round();
  }

  /** What is under way is waited for. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#round;
  }

  /** One look and, where it is due, one question to each witness; resolves when all have answered or are given up. */
  round(): Promise<void> {
    this.#round ??= this.#run()
      // A fault here is no reason for the hub to end.
      .catch((error: unknown) => this.#parts.onFault('witness rounds', { code: 'fault', detail: error instanceof Error ? (error.stack ?? error.message) : String(error) }))
      .finally(() => {
        this.#round = null;
      });
    return this.#round;
  }

  async #run(): Promise<void> {
    const signed = await this.#sign();
    if (!signed.ok) {
      const reason = `${signed.failure.code} ${signed.failure.detail ?? ''}`;
      if (reason !== this.#lastFault) this.#parts.onFault('checkpoint', signed.failure);
      this.#lastFault = reason;
      return;
    }
    this.#lastFault = null;
    const nowMs = this.#parts.clock();
    await Promise.all(this.#asked.filter((asked) => this.#isDue(asked, signed.value, nowMs)).map((asked) => this.#ask(asked, signed.value)));
  }

  #isDue({ place, notBeforeMs }: Asked, { cosignatures }: SignedCheckpoint, nowMs: number): boolean {
    return nowMs >= notBeforeMs && !cosignatures.some(({ witness }) => witness === place.key);
  }

  async #sign(): Promise<Result<SignedCheckpoint, Failure<string>>> {
    const { ledger, checkpoints, crypto, clock } = this.#parts;
    const bytes = await ledger.head();
    if (!bytes.ok) return bytes;
    const head = decodeHead(bytes.value, ledger.chain, crypto);
    if (head === undefined) return fail('head-invalid', 'malformed');
    const before = checkpoints.newest;
    const nowMs = clock();
    if (before !== null && isAsBefore(before, head) && nowMs - this.#signedAtMs < restMs) return ok(before);
    const size = before?.checkpoint.size ?? 0;
    const proof = size === 0 ? ok(null) : await ledger.consistency(size, head.logSize);
    if (!proof.ok) return proof;
    const signed = await checkpoints.sign({ height: head.header.height - 1, logSize: head.logSize, logRoot: head.logRoot, stateRoot: head.stateRoot }, proof.value);
    if (signed.ok) this.#signedAtMs = nowMs;
    return signed;
  }

  async #ask(asked: Asked, signed: SignedCheckpoint): Promise<void> {
    const { checkpoints, clock, everyMs, onFault } = this.#parts;
    const { key } = asked.place;
    const before = asked.state;
    const answer = await this.#cosignature(asked, signed);
    const kept = answer.ok ? checkpoints.cosigned(signed.checkpoint, answer.value) : answer;
    if (answer.ok && kept.ok) {
      asked.failures = 0;
      asked.state = { name: key.name, state: 'cosigned' };
      return;
    }
    const failure = kept.ok ? fail('witness-away').failure : kept.failure;
    asked.failures += 1;
    asked.notBeforeMs = clock() + Math.min(everyMs * 2 ** Math.min(asked.failures, 16), longestPauseMs);
    asked.state = { name: key.name, state: failure.code === 'witness-away' ? 'away' : 'refused', detail: failure.detail ?? failure.code };
    const isNew = before.state !== asked.state.state || !('detail' in before) || before.detail !== asked.state.detail;
    if (isNew) onFault(`witness ${key.name}`, failure);
  }

  /** A witness that cosigned another size than is known here says which, and is asked once more from there. */
  async #cosignature(asked: Asked, { checkpoint, signatures }: SignedCheckpoint): Promise<Result<Cosignature, Failure<string>>> {
    const { ledger, crypto } = this.#parts;
    const { key, url } = asked.place;
    const note = encodeCheckpoint({ checkpoint, signatures, cosignatures: [] });
    for (let attempt = 0; attempt < 2; attempt++) {
      const { oldSize } = asked;
      if (oldSize > checkpoint.size) {
        // Said once, not for ever: the next time it is asked anew what it has seen.
        asked.oldSize = 0;
        return fail('witness-ahead', `it has seen ${oldSize} entries, the ledger has ${checkpoint.size}`);
      }
      const proof = oldSize === 0 ? ok([]) : await ledger.consistency(oldSize, checkpoint.size);
      if (!proof.ok) return proof;
      const answer = await post(`${url.replace(/\/$/, '')}/add-checkpoint`, addCheckpointBody(oldSize, proof.value ?? [], note));
      if (!answer.ok) return answer;
      const { status, type, text } = answer.value;
      const known = status === 409 && type === 'text/x.tlog.size' ? fromDecimal(text.trimEnd()) : undefined;
      if (known !== undefined && known !== oldSize) {
        asked.oldSize = known;
        continue;
      }
      if (status !== 200) return fail('witness-refused', `${status} ${text.slice(0, 100).trimEnd()}`);
      const lines = decodeSignatureLines(text);
      if (!lines.ok) return fail('witness-refused', lines.failure.detail);
      const held = verifyCosignatures({ text: checkpointText(checkpoint), signatures: lines.value }, [key], crypto);
      if (!held.ok) return fail('witness-refused', held.failure.detail);
      const [cosignature] = held.value;
      if (cosignature === undefined) return fail('witness-refused', 'cosigned by another key');
      asked.oldSize = checkpoint.size;
      return ok(cosignature);
    }
    return fail('witness-refused', 'it names one size after the other');
  }
}

const isAsBefore = ({ checkpoint }: SignedCheckpoint, head: SignedHead): boolean =>
  checkpoint.size === head.logSize && checkpoint.stateRoot.every((byte, i) => byte === head.stateRoot[i]) && checkpoint.root.every((byte, i) => byte === head.logRoot[i]);

/** `witness-away`: no connection, no answer in time, or too long a one. */
async function post(url: string, body: Uint8Array): Promise<Result<{ status: number; type: string | null; text: string }, Failure<'witness-away'>>> {
  try {
    const answer = await fetch(url, { method: 'POST', body: new Uint8Array(body), redirect: 'manual', signal: AbortSignal.timeout(answerMs) });
    const pieces: Uint8Array[] = [];
    let length = 0;
    for await (const piece of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
      length += piece.length;
      if (length > answerBytes) return fail('witness-away', 'too long an answer');
      pieces.push(piece);
    }
    return ok({ status: answer.status, type: answer.headers.get('content-type'), text: Buffer.concat(pieces).toString('utf8') });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return fail('witness-away', cause instanceof Error ? ('code' in cause ? String(cause.code) : cause.name) : 'unknown');
  }
}
