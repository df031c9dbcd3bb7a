import { hkdfSync } from 'node:crypto';
import { nodeCrypto } from '../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../src/ledger/node-signer.ts';
import type { Body } from '../src/ledger/verify/acts.ts';
import { appHash, headerHash, headerVersion, noEvidenceHash, timestampOfMs, validatorAddress, validatorsHash, voteSignBytes, type Header } from '../src/ledger/verify/block.ts';
import { toHex } from '../src/ledger/verify/bytes.ts';
import { signEnvelope } from '../src/ledger/verify/envelope.ts';
import type { Trust } from '../src/ledger/verify/head.ts';
import { innerHash, leafHash } from '../src/ledger/verify/merkle-log.ts';
import { commitPart } from '../src/ledger/verify/private-part.ts';
import { encodeBareReceipt, verifyReceipt, withParts } from '../src/ledger/verify/receipt.ts';
import { requestParts } from './request-parts.ts';
import { median } from './statistics.ts';

const chain = 'measured-1';
/** Entries of the log: so many that paths are as long as a district's. */
const levels = 24;
const bytesOf = (name: string, length = 32): Uint8Array => new Uint8Array(hkdfSync('sha256', name, 'bench', 'receipt', length));
const signerOf = (name: string) => ed25519Signer(bytesOf(name));

/** A request with its grant, as one page of a visit makes them, in a log of 2^24 entries under a head that seven validators signed. */
export async function receiptOfRequest(validatorCount: number): Promise<{ receipt: Uint8Array; trust: Trust }> {
  const parts = requestParts((name) => [-16, bytesOf(name)], (name) => bytesOf(name, 16));
  const [given, submitted] = parts.map(({ salt, part }) => commitPart(salt, part, nodeCrypto));
  if (given === undefined || submitted === undefined) throw new Error('a part is missing');
  const [grant, subject] = [bytesOf('grant', 16), bytesOf('subject', 16)];
  const body: Body = {
    v: 1,
    chain,
    nonce: bytesOf('nonce', 16),
    notAfter: 1_800_000_000,
    counter: 41,
    kiosk: 'hall-1',
    acts: [
      { kind: 'grant.give', subject, id: grant, private: given, until: 1_802_000_000, reads: 10 },
      { kind: 'request.submit', subject, id: bytesOf('request', 16), refs: [grant], private: submitted },
    ],
  };
  const signers = [signerOf('resident'), signerOf('kiosk')];
  const envelope = await signEnvelope(body, signers, nodeCrypto);

  const index = 5_592_405;
  const path = Array.from({ length: levels }, (_, i) => bytesOf(`sibling ${i}`));
  const logRoot = path.reduce(
    (node, sibling, level) => (Math.floor(index / 2 ** level) % 2 === 1 ? innerHash(sibling, node, nodeCrypto) : innerHash(node, sibling, nodeCrypto)),
    leafHash(envelope, nodeCrypto),
  );
  const keys = Array.from({ length: validatorCount }, (_, i) => signerOf(`validator ${i}`));
  const validators = keys.map(({ key }) => ({ key: key[1], power: 10 }));
  const logSize = 2 ** levels;
  const stateRoot = bytesOf('state');
  const time = timestampOfMs(1_799_999_000_123);
  const header: Header = {
    version: headerVersion,
    chain,
    height: 1_000_001,
    time,
    lastBlockId: { hash: bytesOf('block'), parts: { total: 1, hash: bytesOf('parts') } },
    lastCommitHash: bytesOf('commit'),
    dataHash: bytesOf('data'),
    validatorsHash: validatorsHash(validators, nodeCrypto),
    nextValidatorsHash: validatorsHash(validators, nodeCrypto),
    consensusHash: bytesOf('consensus'),
    appHash: appHash(logRoot, logSize, stateRoot, nodeCrypto),
    lastResultsHash: bytesOf('results'),
    evidenceHash: noEvidenceHash(nodeCrypto),
    proposerAddress: validatorAddress(bytesOf('proposer'), nodeCrypto),
  };
  const blockId = { hash: headerHash(header, nodeCrypto), parts: { total: 1, hash: bytesOf('its parts') } };
  // A header bears the time of the votes before it: with a block a minute its own come that much later, each from another clock.
  const signatures = keys.map((key, i) => {
    const voted = { seconds: time.seconds + 60, nanos: time.nanos + ((i * 7_654_321) % 99_999_989) };
    return { time: voted, signature: key.sign(voteSignBytes({ chain, height: header.height, round: 0, blockId, time: voted })) };
  });
  const recorded = { envelope, keys: signers.map(({ key }) => key), acts: parts.length, index, path };
  const bare = encodeBareReceipt(recorded, { logSize, stateRoot, header, commit: { round: 0, parts: blockId.parts, signatures }, validators }, nodeCrypto);
  return { receipt: withParts(bare, parts) ?? bare, trust: { chain, height: 1, validators } };
}

/** Milliseconds to verify such a receipt (median of 200), and its bytes. */
export async function receiptCheck(validatorCount: number): Promise<{ verifyMs: number; bytes: number }> {
  const { receipt, trust } = await receiptOfRequest(validatorCount);
  const found: number[] = [];
  for (let i = 0; i < 200; i++) {
    const begun = performance.now();
    const verified = verifyReceipt(receipt, trust, nodeCrypto);
    found.push(performance.now() - begun);
    if (!verified.ok) throw new Error(`the receipt of ${toHex(receipt).length / 2} bytes is refused: ${verified.failure.detail ?? ''}`);
  }
  return { verifyMs: median(found), bytes: receipt.length };
}
