import type { Tip } from '../../application.ts';
import { checkpointOf, checkpointText, signCheckpoint, type Checkpoint } from '../../verify/checkpoint.ts';
import type { Crypto } from '../../verify/crypto.ts';
import { equalBytes, utf8 } from '../../verify/bytes.ts';
import { noteKeyId, type NoteSignature, type NoteSigner } from '../../verify/note.ts';
import type { NodePool } from './node-pool.ts';

/** What one validator's application says of the log after a block of its own: its signature under the checkpoint's text. */
export interface NodeCheckpoint {
  origin: string;
  /** Ed25519, 32 bytes: the node's checkpoint key, not its validator's. */
  key: Uint8Array;
  signature: Uint8Array;
}

/** Signs what is committed, and only that: a committed block is final, so there is one history to sign. */
export type SignTip = (tip: Tip) => NodeCheckpoint;

export const tipSigner =
  (origin: string, signer: NoteSigner, crypto: Crypto): SignTip =>
  (tip) => {
    const [signature] = signCheckpoint(checkpointOf(tip, origin), signer, crypto).signatures;
    return { origin, key: signer.key[1], signature: signature?.bytes ?? new Uint8Array() };
  };

/** No consortium has more validators whose word a witness waits for. */
const mostNodes = 64;

/**
 * Who of the nodes signs this very checkpoint, each key once. One that is not there yet, knows the log by another name or gives a signature that
 * does not hold is left out: it must not keep the others from being enough.
 */
export async function gatherSignatures(nodes: Pick<NodePool, 'tell'>, checkpoint: Checkpoint, crypto: Crypto): Promise<NoteSignature[]> {
  const message = utf8(checkpointText(checkpoint));
  const { origin } = checkpoint;
  const said = await nodes.tell<NodeCheckpoint | null>(mostNodes, (node) => node.query('/checkpoint', checkpoint.height));
  const gathered: NoteSignature[] = [];
  const keys: Uint8Array[] = [];
  for (const one of said) {
    if (one?.origin !== origin || keys.some((key) => equalBytes(key, one.key)) || !crypto.verify([-19, one.key], message, one.signature)) continue;
    keys.push(one.key);
    gathered.push({ name: origin, keyId: noteKeyId({ name: origin, type: 1, key: one.key }, crypto), bytes: one.signature });
  }
  return gathered;
}
