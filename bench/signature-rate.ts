import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { beginRate, type Rate } from './rate.ts';

/** Ed25519 signatures that this machine checks on one thread, the key at hand as OpenSSL wants it. */
export function signatureRate(runMs = 1500): Rate {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const message = new Uint8Array(180).fill(7);
  const signature = sign(null, message, privateKey);
  const check = (ms: number): number => {
    const end = performance.now() + ms;
    let count = 0;
    while (performance.now() < end) {
      for (let i = 0; i < 50; i++) verify(null, message, publicKey, signature);
      count += 50;
    }
    return count;
  };
  check(300);
  const rateOf = beginRate();
  return rateOf(check(runMs));
}
