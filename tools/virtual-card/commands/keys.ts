import { randomBytes } from 'node:crypto';
import { answer, type Answer, type Card } from '../card.ts';
import { type KeyRole, publicKeyOf } from '../card-state.ts';
import type { Command } from '../command.ts';
import { publicKeyObject } from '../data-objects.ts';
import { agreeX25519, newSecret, signEd25519 } from '../key-material.ts';
import { sw } from '../status-word.ts';
import { valueOf } from '../tlv.ts';

/** A new key makes the old fingerprint untrue; the host writes the new one. A new SIG key counts from 0 (§4.4.3.6). */
export function generateKey(card: Card, { role }: Extract<Command, { kind: 'generate-key' }>): Answer {
  const key = card.state.keys[role];
  if (key.algorithm === 'rsa2048') return answer(sw.functionNotSupported);
  key.secret = Buffer.from(newSecret()).toString('hex');
  key.fingerprint = '00'.repeat(20);
  key.createdAt = 0;
  if (role === 'sig') card.state.signatureCount = 0;
  card.keep();
  return readKey(card, { kind: 'read-key', role });
}

export function readKey({ state }: Card, { role }: Extract<Command, { kind: 'read-key' }>): Answer {
  const { algorithm, secret } = state.keys[role];
  if (algorithm === 'rsa2048' || secret === null) return answer(sw.referenceNotFound);
  return answer(sw.ok, publicKeyObject(publicKeyOf(algorithm, Buffer.from(secret, 'hex'))));
}

/** PSO:CDS. PW1-81 serves one signature where C4 says so; the counter is on disk before the signature leaves. */
export async function sign(card: Card, { data }: Extract<Command, { kind: 'sign' }>): Promise<Answer> {
  const secret = usableSecret(card, 'sig', 'ed25519');
  if (secret === null) return answer(sw.referenceNotFound);
  if (!(await touchedIfWanted(card, 'sig'))) return touchMissed(card);
  if (card.state.pinPerSignature) card.session.verified.sign = false;
  const signature = signEd25519(secret, data);
  card.state.signatureCount = Math.min(card.state.signatureCount + 1, 0xffffff);
  card.keep();
  return answer(sw.ok, signature);
}

/** INTERNAL AUTHENTICATE: signs what it is given, as often as asked. */
export async function authenticate(card: Card, { data }: Extract<Command, { kind: 'authenticate' }>): Promise<Answer> {
  const secret = usableSecret(card, 'aut', 'ed25519');
  if (secret === null) return answer(sw.referenceNotFound);
  if (data.length > card.state.style.longestChallenge) return answer(sw.wrongLength);
  if (!(await touchedIfWanted(card, 'aut'))) return touchMissed(card);
  return answer(sw.ok, signEd25519(secret, data));
}

/** PSO:DECIPHER with `A6 { 7F49 { 86 point } }`: the raw shared secret (§7.2.11). */
export async function decipher(card: Card, { data }: Extract<Command, { kind: 'decipher' }>): Promise<Answer> {
  const secret = usableSecret(card, 'dec', 'x25519');
  if (secret === null) return answer(sw.referenceNotFound);
  const point = valueOf(valueOf(valueOf(data, 0xa6) ?? new Uint8Array(0), 0x7f49) ?? new Uint8Array(0), 0x86);
  if (point?.length !== 32) return answer(sw.wrongData);
  if (!(await touchedIfWanted(card, 'dec'))) return touchMissed(card);
  const shared = agreeX25519(secret, point);
  return shared === null ? answer(sw.wrongData) : answer(sw.ok, shared);
}

export const getChallenge = ({ length }: Extract<Command, { kind: 'get-challenge' }>): Answer => answer(sw.ok, randomBytes(length));

function usableSecret({ state }: Card, role: KeyRole, algorithm: 'ed25519' | 'x25519'): Uint8Array | null {
  const key = state.keys[role];
  return key.secret === null || key.algorithm !== algorithm ? null : Buffer.from(key.secret, 'hex');
}

const touchedIfWanted = (card: Card, role: KeyRole): Promise<boolean> =>
  card.state.keys[role].touch === 'off' ? Promise.resolve(true) : card.touched();

const touchMissed = ({ state }: Card): Answer => answer(state.style.touchMissed === '6600' ? sw.touchMissed : sw.conditions);
