import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import { fromBase64, toBase64 } from './bytes.ts';
import type { Crypto } from './crypto.ts';
import { signNote, type Note, type NoteSigner } from './note.ts';

/** What C2SP tlog-checkpoint v1.0.0 says of a log: its name, and its Merkle tree. */
export interface TreeHead {
  /** First line: the log's name for everybody. */
  origin: string;
  /** Leaves. */
  size: number;
  /** 32 bytes. */
  root: Uint8Array;
}

/** Our own: the tree and the state after one block. Its fourth line is `height <decimal>`, its fifth `state <base64>`. */
export interface Checkpoint extends TreeHead {
  /** h, as in `VerifiedHead`. */
  height: number;
  stateRoot: Uint8Array;
}

export type CheckpointFailure = Failure<'checkpoint-malformed'>;

/** An origin that can stand as the name of a key as well. */
export const isOrigin = (text: string): boolean => text.length <= 200 && /^[^\p{White_Space}\p{Cc}+]+$/u.test(text);

export const checkpointOf = (
  { height, logSize, logRoot, stateRoot }: { height: number; logSize: number; logRoot: Uint8Array; stateRoot: Uint8Array },
  origin: string,
): Checkpoint => ({ origin, size: logSize, root: logRoot, height, stateRoot });

/** What is signed and cosigned. */
export const checkpointText = ({ origin, size, root, height, stateRoot }: Checkpoint): string =>
  `${origin}\n${size}\n${toBase64(root)}\nheight ${height}\nstate ${toBase64(stateRoot)}\n`;

/** Key type 1, under the origin's name. Whether this head may be signed at all, `CheckpointKeeper` knows. */
export function signCheckpoint(checkpoint: Checkpoint, signer: NoteSigner, crypto: Crypto): Note {
  const text = checkpointText(checkpoint);
  return { text, signatures: [signNote(text, checkpoint.origin, signer, crypto)] };
}

/** Of any log: further lines are its own affair. */
export function decodeTreeHead(text: string): Result<TreeHead, CheckpointFailure> {
  if (!text.endsWith('\n')) return malformed('no newline at the end');
  const lines = text.slice(0, -1).split('\n');
  if (lines.length < 3 || lines.includes('')) return malformed('lines');
  const [origin = '', decimal = '', encodedRoot = ''] = lines;
  const size = fromDecimal(decimal);
  if (size === undefined) return malformed('size');
  const root = fromBase64(encodedRoot);
  return root?.length === 32 ? ok({ origin, size, root }) : malformed('root');
}

/** Of our own form, and no other. */
export function decodeCheckpoint(text: string): Result<Checkpoint, CheckpointFailure> {
  const tree = decodeTreeHead(text);
  if (!tree.ok) return tree;
  const height = fromDecimal(/^height ([0-9]+)$/m.exec(text)?.[1] ?? '');
  const stateRoot = fromBase64(/^state (.*)$/m.exec(text)?.[1] ?? '');
  if (height === undefined || stateRoot?.length !== 32) return malformed('height or state');
  const checkpoint = { ...tree.value, height, stateRoot };
  return isOrigin(checkpoint.origin) && checkpointText(checkpoint) === text ? ok(checkpoint) : malformed('not its one form');
}

/** Without leading zeros, up to 2^53 − 1. */
export function fromDecimal(text: string): number | undefined {
  const value = /^(?:0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : undefined;
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined;
}

const malformed = (detail: string): { readonly ok: false; readonly failure: CheckpointFailure } => fail('checkpoint-malformed', detail);
