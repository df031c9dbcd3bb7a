/**
 * ECDSA over P-256 (FIPS 186-5 §6.4.2, SEC 1 §4.1.4), verification only: for the kiosk device keys that stand in receipts (a TPM has no Ed25519).
 * Nothing secret passes through here, so nothing is constant-time.
 */
const p = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
const base: Affine = {
  x: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  y: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
};

interface Affine {
  x: bigint;
  y: bigint;
}
/** null is the point at infinity. */
type CurvePoint = Affine | null;

const mod = (value: bigint, modulus: bigint): bigint => ((value % modulus) + modulus) % modulus;

function power(value: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let factor = mod(value, modulus);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * factor) % modulus;
    factor = (factor * factor) % modulus;
  }
  return result;
}

/** Both moduli are prime. */
const inverse = (value: bigint, modulus: bigint): bigint => power(value, modulus - 2n, modulus);

/** SEC 1 §2.3.4, the compressed form (33 bytes). undefined: no point of the curve. */
export function decompressP256(key: Uint8Array): Affine | undefined {
  const [form] = key;
  if (key.length !== 33 || (form !== 2 && form !== 3)) return undefined;
  const x = bigEndian(key.subarray(1));
  if (x >= p) return undefined;
  const square = mod(x ** 3n - 3n * x + b, p);
  const root = power(square, (p + 1n) / 4n, p);
  if ((root * root) % p !== square) return undefined;
  return { x, y: (root & 1n) === BigInt(form & 1) ? root : p - root };
}

/** `key` compressed, `digest` 32 bytes, `signature` R ‖ S. */
export function verifyP256(key: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean {
  const point = decompressP256(key);
  if (point === undefined || signature.length !== 64) return false;
  const r = bigEndian(signature.subarray(0, 32));
  const s = bigEndian(signature.subarray(32));
  if (r < 1n || r >= n || s < 1n || s >= n) return false;
  const w = inverse(s, n);
  const sum = add(multiply(base, mod(bigEndian(digest) * w, n)), multiply(point, mod(r * w, n)));
  return sum !== null && sum.x % n === r;
}

function add(one: CurvePoint, other: CurvePoint): CurvePoint {
  if (one === null) return other;
  if (other === null) return one;
  if (one.x === other.x && mod(one.y + other.y, p) === 0n) return null;
  const slope =
    one.x === other.x
      ? mod(3n * (one.x * one.x - 1n) * inverse(2n * one.y, p), p)
      : mod((other.y - one.y) * inverse(other.x - one.x, p), p);
  const x = mod(slope * slope - one.x - other.x, p);
  return { x, y: mod(slope * (one.x - x) - one.y, p) };
}

function multiply(point: CurvePoint, scalar: bigint): CurvePoint {
  let result: CurvePoint = null;
  let doubled = point;
  for (let rest = scalar; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = add(result, doubled);
    doubled = add(doubled, doubled);
  }
  return result;
}

function bigEndian(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
