import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { nodeCrypto as crypto } from './node-crypto.ts';
import { checkpointOf, checkpointText, decodeCheckpoint, signCheckpoint, type Checkpoint } from './verify/checkpoint.ts';
import { cosignatureLine, verifyCosignatures, type Cosignature } from './verify/cosignature.ts';
import type { VerifiedHead } from './verify/head.ts';
import { verifyConsistency } from './verify/merkle-log.ts';
import { decodeNote, encodeNote, verifyNote, type NoteKey, type NoteSignature, type NoteSigner } from './verify/note.ts';

/** Who signs a log's checkpoints: one key beside the only validator's, or k of those beside n validators'. */
export interface CheckpointSigners {
  /** Of key type 1, under the origin's name. */
  keys: readonly NoteKey[];
  /** k. */
  threshold: number;
  /** What those who can be reached give; whether it is enough, and holds, is checked. */
  sign(checkpoint: Checkpoint): Promise<NoteSignature[]>;
}

/** A key in this process. */
export const ownSigner = (origin: string, signer: NoteSigner): CheckpointSigners => ({
  keys: [{ name: origin, type: 1, key: signer.key[1] }],
  threshold: 1,
  sign: (checkpoint) => Promise.resolve(signCheckpoint(checkpoint, signer, crypto).signatures),
});

export interface CheckpointOptions {
  /** File of the newest checkpoint; `<path>.witnessed` stands beside it. */
  path: string;
  origin: string;
  signers: CheckpointSigners;
  /** Whose cosignatures are taken; of key type 4. */
  witnesses: readonly NoteKey[];
  /** How many of them make an entry a witnessed one. */
  threshold: number;
}

export interface SignedCheckpoint {
  checkpoint: Checkpoint;
  /** The log's own. */
  signatures: NoteSignature[];
  /** In the order of the witnesses. */
  cosignatures: Cosignature[];
}

/** `checkpoint-refused`: what was signed before does not lead there, or too few have signed it. */
export type CheckpointRefusal = Failure<'hub-storage' | 'checkpoint-refused'>;

/** A signed note, with the cosignatures behind the log's own signatures. */
export const encodeCheckpoint = ({ checkpoint, signatures, cosignatures }: SignedCheckpoint): Uint8Array =>
  encodeNote({ text: checkpointText(checkpoint), signatures: [...signatures, ...cosignatures.map((one) => cosignatureLine(one, crypto))] });

/**
 * The newest checkpoint that was signed here, and the newest that witnesses cosigned. The first is on disk before anybody sees it, and none is
 * signed that is smaller, or of another history; the second may be lost, and is asked for again.
 */
export class CheckpointKeeper {
  readonly #options: CheckpointOptions;
  #newest: SignedCheckpoint | null;
  #witnessed: SignedCheckpoint | null;

  /** Use `openCheckpoints`. */
  constructor(options: CheckpointOptions, newest: SignedCheckpoint | null, witnessed: SignedCheckpoint | null) {
    this.#options = options;
    this.#newest = newest;
    this.#witnessed = witnessed;
  }

  get newest(): SignedCheckpoint | null {
    return this.#newest;
  }

  get witnesses(): readonly NoteKey[] {
    return this.#options.witnesses;
  }

  /** The newest with any cosignature, where the entry of this index stands in it. */
  covering(index: number): SignedCheckpoint | null {
    return this.#witnessed !== null && index < this.#witnessed.checkpoint.size ? this.#witnessed : null;
  }

  /** Whether as many witnesses as it takes have seen the entry of this index. */
  isWitnessed(index: number): boolean {
    return (this.covering(index)?.cosignatures.length ?? 0) >= this.#options.threshold;
  }

  /**
   * One at a time. `head`: one that this node would hand out. `proof`: RFC 9162 §2.1.4.1, that its log begins with the newest checkpoint's; without meaning where
   * there is none, or that one is of an empty log. The head that was signed last is given back as it is.
   */
  async sign(
    head: Pick<VerifiedHead, 'height' | 'logSize' | 'logRoot' | 'stateRoot'>,
    proof: readonly Uint8Array[] | null,
  ): Promise<Result<SignedCheckpoint, CheckpointRefusal>> {
    const { path, origin, signers } = this.#options;
    const checkpoint = checkpointOf(head, origin);
    const before = this.#newest?.checkpoint;
    if (this.#newest !== null && before?.height === checkpoint.height) {
      return checkpointText(before) === checkpointText(checkpoint) ? ok(this.#newest) : fail('checkpoint-refused', `height ${before.height} was signed with another content`);
    }
    if (before !== undefined && !follows(before, checkpoint, proof)) return fail('checkpoint-refused', `entry ${before.size} and height ${before.height} were signed, and do not lead here`);
    const text = checkpointText(checkpoint);
    const given = await signers.sign(checkpoint);
    // Four bytes of a key's hash tell it apart from others in a note, and such a one can be made: what does not hold by a key of the log's is nobody's.
    const signatures = signers.keys.flatMap((key) => given.filter((one) => verifyNote({ text, signatures: [one] }, [key], crypto).ok).slice(0, 1));
    if (signatures.length < signers.threshold) return fail('checkpoint-refused', `signed by ${signatures.length} of its keys, ${signers.threshold} are needed`);
    const signed = { checkpoint, signatures, cosignatures: [] };
    const kept = replaceFile(path, encodeCheckpoint(signed));
    if (!kept.ok) return kept;
    this.#newest = signed;
    return ok(signed);
  }

  /** Of the newest checkpoint; one of an earlier one comes too late. */
  cosigned(checkpoint: Checkpoint, cosignature: Cosignature): Result<null, Failure<'hub-storage'>> {
    const newest = this.#newest;
    if (newest === null || newest.checkpoint !== checkpoint) return ok(null);
    const { witnesses, path, threshold } = this.#options;
    const all = [...newest.cosignatures.filter(({ witness }) => witness !== cosignature.witness), cosignature];
    this.#newest = { ...newest, cosignatures: witnesses.flatMap((witness) => all.filter((one) => one.witness === witness)) };
    // One witness that is away for long must not keep the others' newer word from counting, nor may the newer one count less than the older.
    if (this.#newest.cosignatures.length < Math.min(threshold, this.#witnessed?.cosignatures.length ?? 1)) return ok(null);
    const kept = replaceFile(witnessedPath(path), encodeCheckpoint(this.#newest));
    if (kept.ok) this.#witnessed = this.#newest;
    return kept;
  }
}

const witnessedPath = (path: string): string => `${path}.witnessed`;

function follows(before: Checkpoint, after: Checkpoint, proof: readonly Uint8Array[] | null): boolean {
  if (after.height < before.height || after.size < before.size) return false;
  if (before.size === 0) return true;
  return proof !== null && verifyConsistency({ first: before.size, second: after.size, firstRoot: before.root, secondRoot: after.root, path: proof }, crypto);
}

/** `hub-storage`: the newest checkpoint's file cannot be read, or is not one that these keys signed. Where there is none, none was signed. */
export function openCheckpoints(options: CheckpointOptions): Result<CheckpointKeeper, Failure<'hub-storage'>> {
  const newest = read(options.path, options);
  if (!newest.ok) return newest;
  const witnessed = read(witnessedPath(options.path), options);
  const isUsable = witnessed.ok && (witnessed.value?.cosignatures.length ?? 0) > 0;
  return ok(new CheckpointKeeper(options, newest.value, isUsable ? witnessed.value : null));
}

function read(path: string, { origin, signers, witnesses }: CheckpointOptions): Result<SignedCheckpoint | null, Failure<'hub-storage'>> {
  if (!existsSync(path)) return ok(null);
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch {
    return fail('hub-storage', `${path} cannot be read`);
  }
  const note = decodeNote(bytes);
  const checkpoint = note.ok ? decodeCheckpoint(note.value.text) : note;
  if (!note.ok || !checkpoint.ok) return fail('hub-storage', `${path} is damaged`);
  const signed = verifyNote(note.value, signers.keys, crypto);
  if (!signed.ok || checkpoint.value.origin !== origin) return fail('hub-storage', `${path} is of another key or another origin`);
  const cosignatures = verifyCosignatures(note.value, witnesses, crypto);
  if (!cosignatures.ok) return fail('hub-storage', `${path} is damaged`);
  return ok({ checkpoint: checkpoint.value, signatures: note.value.signatures.filter(({ name }) => name === origin), cosignatures: cosignatures.value });
}

/** As a whole or not at all, and on disk when it returns. */
function replaceFile(path: string, bytes: Uint8Array): Result<null, Failure<'hub-storage'>> {
  try {
    writeFileSync(`${path}.new`, bytes, { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
    const folder = openSync(dirname(path), 'r');
    fsyncSync(folder);
    closeSync(folder);
    return ok(null);
  } catch (error) {
    if (error instanceof Error && 'syscall' in error && 'code' in error) return fail('hub-storage', `${String(error.code)} ${path}`);
    throw error;
  }
}
