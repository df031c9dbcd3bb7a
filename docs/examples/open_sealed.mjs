#!/usr/bin/env node
/**
 * Open what is sealed to an agency, without a line of the gateway's own code: Node's `crypto` alone.
 *
 *     node open_sealed.mjs KEY-FILE PURPOSE CONTEXT < sealed
 *
 * KEY-FILE is the agency's (`seal`: its X25519 secret), PURPOSE and CONTEXT (hexadecimal) as docs/ledger.md, "Sealed", has them; the sealed thing is base64url on standard
 * input, as the gateway hands it out. CBOR comes out as JSON, bytes in it as base64url.
 */
import { createDecipheriv, createHmac, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [keyFile, purpose, context] = process.argv.slice(2);
const sealed = Buffer.from(readFileSync(0, 'utf8').trim(), 'base64url');
const secret = Buffer.from(JSON.parse(readFileSync(keyFile, 'utf8')).seal, 'base64url');

// --- RFC 9180, base mode: KEM 0x0020, KDF 0x0001, AEAD 0x0002 ---
const hmac = (key, ...parts) => createHmac('sha256', key).update(Buffer.concat(parts)).digest();
const text = (words) => Buffer.from(words, 'ascii');
const extract = (suite, salt, label, ikm) => hmac(salt, text('HPKE-v1'), suite, text(label), ikm);
const expand = (suite, prk, label, info, length) => hmac(prk, Buffer.from([0, length]), text('HPKE-v1'), suite, text(label), info, Buffer.from([1])).subarray(0, length);
const none = Buffer.alloc(0);

const privateKey = createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), secret]), format: 'der', type: 'pkcs8' });
const recipient = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);

if (sealed[0] !== 1) throw new Error('another suite');
const [enc, ciphertext, tag] = [sealed.subarray(1, 33), sealed.subarray(33, -16), sealed.subarray(-16)];
const theirs = createPublicKey({ key: Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), enc]), format: 'der', type: 'spki' });

const kem = Buffer.concat([text('KEM'), Buffer.from('0020', 'hex')]);
const shared = expand(kem, extract(kem, none, 'eae_prk', diffieHellman({ privateKey, publicKey: theirs })), 'shared_secret', Buffer.concat([enc, recipient]), 32);
const hpke = Buffer.concat([text('HPKE'), Buffer.from('002000010002', 'hex')]);
const schedule = Buffer.concat([Buffer.from([0]), extract(hpke, none, 'psk_id_hash', none), extract(hpke, none, 'info_hash', text(`imi/seal/1 ${purpose}`))]);
const prk = extract(hpke, shared, 'secret', none);
const cipher = createDecipheriv('aes-256-gcm', expand(hpke, prk, 'key', schedule, 32), expand(hpke, prk, 'base_nonce', schedule, 12));
const padded = Buffer.concat([cipher.setAAD(Buffer.from(context, 'hex')).setAuthTag(tag).update(ciphertext), cipher.final()]);
const content = padded.subarray(4, 4 + padded.readUInt32BE(0));

// --- CBOR, as much of it as is used here ---
let at = 0;
function item() {
  const first = content[at++];
  const [major, info] = [first >> 5, first & 31];
  if (major === 7) return { 20: false, 21: true, 22: null }[info];
  const width = info < 24 ? 0 : 1 << (info - 24);
  const number = width === 0 ? info : Number(BigInt(`0x${content.toString('hex', at, at + width)}`));
  at += width;
  if (major === 0) return number;
  if (major === 1) return -1 - number;
  if (major === 2) return content.subarray(at, (at += number)).toString('base64url');
  if (major === 3) return content.toString('utf8', at, (at += number));
  if (major === 4) return Array.from({ length: number }, item);
  return Object.fromEntries(Array.from({ length: number }, () => [item(), item()]));
}
process.stdout.write(purpose === 'token' ? content : `${JSON.stringify(item(), null, 2)}\n`);
