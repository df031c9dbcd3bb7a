import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { concatBytes, equalBytes, fromBase64, toBase64, toHex, utf8 } from './verify/bytes.ts';
import { decodeTreeHead, fromDecimal, type TreeHead } from './verify/checkpoint.ts';
import { cosign } from './verify/cosignature.ts';
import type { Crypto } from './verify/crypto.ts';
import { emptyRoot, verifyConsistency } from './verify/merkle-log.ts';
import { decodeNote, encodeNote, encodeSignatureLine, verifyNote, type Note, type NoteKey, type NoteSigner } from './verify/note.ts';
import type { Evidence, Seen, WitnessStore } from './witness-store.ts';

/** A log that a witness watches, and by which of its keys it knows it. */
export interface WatchedLog {
  origin: string;
  keys: NoteKey[];
  /** How many of them have to have signed a checkpoint. */
  threshold: number;
}

export interface WitnessParts {
  /** Stands in front of its cosignatures. */
  name: string;
  signer: NoteSigner;
  logs: readonly WatchedLog[];
  store: WitnessStore;
  /** Unix milliseconds. */
  clock: () => number;
  crypto: Crypto;
  /** A log's own keys have signed two histories. */
  onEvidence: (evidence: Evidence) => void;
}

/** An answer of C2SP tlog-witness v1.0.0. */
export interface WitnessAnswer {
  status: 200 | 400 | 403 | 404 | 409 | 422;
  type: 'text/plain; charset=utf-8' | 'text/x.tlog.size';
  body: string;
}

const mostProofLines = 63;
/** A line each of the old size and the proof, and the largest note. */
export const addCheckpointLimitBytes = 80_000;

/**
 * Cosigns a log's checkpoints as long as each continues the one before. It knows nothing of what the log is for.
 * `addCheckpoint` is synchronous, so that nothing comes between looking the last one up and writing the new one down.
 */
export class Witness {
  readonly #parts: WitnessParts;

  constructor(parts: WitnessParts) {
    this.#parts = parts;
  }

  /** `body`: `old <size>`, lines of proof, an empty line, the checkpoint. Throws what SQLite throws: then nothing was cosigned. */
  addCheckpoint(body: Uint8Array): WitnessAnswer {
    const { logs, store, crypto } = this.#parts;
    const request = readRequest(body);
    if (!request.ok) return said(400, request.failure.detail ?? request.failure.code);
    const { oldSize, proof, note, bytes, tree } = request.value;
    const log = logs.find(({ origin }) => origin === tree.origin);
    if (log === undefined) return said(404, 'this witness does not watch that log');
    const signed = verifyNote(note, log.keys, crypto);
    if (!signed.ok) return said(403, signed.failure.detail ?? signed.failure.code);
    if (signed.value.length < log.threshold) return said(403, `signed by ${signed.value.length} of its keys, ${log.threshold} are needed`);
    if (oldSize > tree.size) return said(400, 'smaller than the old size');
    const seen = store.seen(log.origin);
    if (oldSize !== (seen?.size ?? 0)) return { status: 409, type: 'text/x.tlog.size', body: `${seen?.size ?? 0}\n` };
    if (seen !== undefined && seen.size === tree.size && !equalBytes(seen.root, tree.root)) {
      const evidence = { origin: log.origin, one: seen.note, other: bytes };
      store.keep(evidence);
      this.#parts.onEvidence(evidence);
      return said(409, 'another history of the same size');
    }
    if (!continues(seen, tree, proof, crypto)) return said(422, 'the proof does not show that this continues what was cosigned');
    return this.#cosign(tree, note, bytes, seen);
  }

  /** What it cosigned last of the log whose origin has this SHA-256, in hex, with its cosignature under it; null: nothing, or a log that it does not watch. */
  newest(originHash: string): Uint8Array | null {
    const { name, signer, logs, store, crypto } = this.#parts;
    const log = logs.find(({ origin }) => toHex(crypto.sha256(utf8(origin))) === originHash);
    const seen = log && store.seen(log.origin);
    const note = seen && decodeNote(seen.note);
    if (seen === undefined || note?.ok !== true) return null;
    const { text, signatures } = note.value;
    return encodeNote({ text, signatures: [...signatures.filter((other) => other.name !== name), cosign(text, seen.time, name, signer, crypto)] });
  }

  #cosign({ origin, size, root }: TreeHead, { text }: Note, note: Uint8Array, seen: Seen | undefined): WitnessAnswer {
    const { name, signer, store, clock, crypto } = this.#parts;
    // A clock that was put back makes no cosignature older than the one before.
    const time = Math.max(Math.floor(clock() / 1000), seen?.time ?? 0);
    store.put(origin, { size, root, time, note });
    return said(200, encodeSignatureLine(cosign(text, time, name, signer, crypto)).slice(0, -1));
  }
}

/** Of nothing seen and of an empty tree there is nothing to prove. */
function continues(seen: Pick<Seen, 'size' | 'root'> | undefined, tree: TreeHead, proof: readonly Uint8Array[], crypto: Crypto): boolean {
  if (tree.size === 0) return proof.length === 0 && equalBytes(tree.root, emptyRoot(crypto));
  if (seen === undefined || seen.size === 0) return proof.length === 0;
  return verifyConsistency({ first: seen.size, second: tree.size, firstRoot: seen.root, secondRoot: tree.root, path: proof }, crypto);
}

const said = (status: WitnessAnswer['status'], text: string): WitnessAnswer => ({ status, type: 'text/plain; charset=utf-8', body: `${text}\n` });

interface AddCheckpoint {
  oldSize: number;
  proof: Uint8Array[];
  note: Note;
  /** The note as it came. */
  bytes: Uint8Array;
  tree: TreeHead;
}

/** What a node says to its witnesses. */
export const addCheckpointBody = (oldSize: number, proof: readonly Uint8Array[], note: Uint8Array): Uint8Array =>
  concatBytes(utf8(`old ${oldSize}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n`), note);

function readRequest(body: Uint8Array): Result<AddCheckpoint, Failure<string>> {
  const end = emptyLineIn(body);
  if (end === undefined) return fail('request-malformed', 'no empty line before the checkpoint');
  const [first = '', ...lines] = new TextDecoder('latin1').decode(body.subarray(0, end)).split('\n');
  const oldSize = first.startsWith('old ') ? fromDecimal(first.slice(4)) : undefined;
  if (oldSize === undefined) return fail('request-malformed', 'the old size');
  if (lines.length > mostProofLines) return fail('request-malformed', 'too many lines of proof');
  const proof: Uint8Array[] = [];
  for (const line of lines) {
    const hash = fromBase64(line);
    if (hash?.length !== 32) return fail('request-malformed', 'a line of the proof');
    proof.push(hash);
  }
  const bytes = body.slice(end + 2);
  const note = decodeNote(bytes);
  if (!note.ok) return note;
  const tree = decodeTreeHead(note.value.text);
  return tree.ok ? ok({ oldSize, proof, note: note.value, bytes, tree: tree.value }) : tree;
}

/** Of the first of two newlines in a row. */
function emptyLineIn(body: Uint8Array): number | undefined {
  const at = body.findIndex((byte, i) => byte === 0x0a && body[i + 1] === 0x0a);
  return at < 0 ? undefined : at;
}
