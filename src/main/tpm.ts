import { execFile, spawnSync } from 'node:child_process';
import { createPublicKey, hash, type JsonWebKey } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail, ok, type Result } from '../contract/result.ts';

/** A P-256 key that a TPM 2.0 holds under a handle that outlives a power cut. */
export interface TpmKey {
  /** TPM2-Tools' name of the way to it: `device:/dev/tpmrm0`. */
  tcti: string;
  /** `0x81000000` and up. */
  handle: string;
}

/** Of the first TPM, by the kernel's resource manager. */
const tpmDevice = '/dev/tpmrm0';

/** The way to this machine's TPM 2.0; null: it has none that this user may open, or tpm2-tools is not installed. */
export function tpmAtHand(): string | null {
  if (!existsSync(tpmDevice)) return null;
  const tcti = `device:${tpmDevice}`;
  return tpm2(tcti, ['getcap', 'properties-fixed']).ok ? tcti : null;
}

/** Longer than the slowest TPM takes to make a key; a chip that hangs does not hold the kiosk for ever. */
const limitMs = 20_000;
/** For a signature, which somebody waits for. */
const signLimitMs = 5000;

function tpm2(tcti: string, args: readonly string[], input?: Uint8Array): Result<Buffer> {
  const [command = '', ...rest] = args;
  const { status, stdout, error } = spawnSync('tpm2', [command, '--tcti', tcti, ...rest], { input: input ?? '', timeout: limitMs, stdio: ['pipe', 'pipe', 'ignore'] });
  return error === undefined && status === 0 ? ok(stdout) : fail('kiosk-config', `tpm2 ${command}: ${error === undefined ? String(status) : ((error as NodeJS.ErrnoException).code ?? 'failed')}`);
}

/** A folder for what the tools write: nothing that is secret outside of the chip. */
function inFolder<T>(act: (at: (name: string) => string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'imi-tpm-'));
  try {
    return act((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * A new key under the TPM's owner hierarchy, made in the chip, which never lets it out (fixedtpm, fixedparent): ECDSA over SHA-256 and nothing else.
 * `kiosk-config`, with the tool that failed: a hierarchy with a password of its own, or a TPM without room.
 */
export function makeTpmKey(tcti: string): Result<TpmKey> {
  return inFolder((at) => {
    const steps: string[][] = [
      ['createprimary', '-Q', '-C', 'o', '-G', 'ecc256', '-c', at('primary')],
      ['create', '-Q', '-C', at('primary'), '-G', 'ecc256:ecdsa-sha256', '-a', 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|sign', '-u', at('public'), '-r', at('private')],
      ['load', '-Q', '-C', at('primary'), '-u', at('public'), '-r', at('private'), '-c', at('key')],
    ];
    for (const step of steps) {
      const done = tpm2(tcti, step);
      if (!done.ok) return done;
      // Without a resource manager between, what a tool has loaded stays in the chip's few slots.
      tpm2(tcti, ['flushcontext', '-t']);
    }
    const kept = tpm2(tcti, ['evictcontrol', '-C', 'o', '-c', at('key')]);
    tpm2(tcti, ['flushcontext', '-t']);
    if (!kept.ok) return kept;
    const handle = /persistent-handle: (0x81[0-9a-f]{6})/i.exec(kept.value.toString('utf8'))?.[1];
    return handle === undefined ? fail('kiosk-config', 'tpm2 evictcontrol: no handle') : ok({ tcti, handle });
  });
}

/** As a JWK: what lies under the handle now. */
export function publicOfTpmKey({ tcti, handle }: TpmKey): Result<JsonWebKey> {
  return inFolder((at) => {
    const read = tpm2(tcti, ['readpublic', '-Q', '-c', handle, '-f', 'pem', '-o', at('pem')]);
    return read.ok ? ok(createPublicKey(readFileSync(at('pem'))).export({ format: 'jwk' })) : read;
  });
}

/**
 * ECDSA over the SHA-256 of `input`, 64 bytes R ‖ S, while everything else goes on. `device-key-silent`, with what failed: the chip or its key is gone, or it
 * has not answered in time. Each signature asks it anew.
 */
export async function signByTpm({ tcti, handle }: TpmKey, input: Uint8Array): Promise<Result<Uint8Array>> {
  let folder: string | null = null;
  try {
    folder = await mkdtemp(join(tmpdir(), 'imi-tpm-'));
    const [digest, signature] = [join(folder, 'digest'), join(folder, 'signature')];
    await writeFile(digest, hash('sha256', input, 'buffer'));
    const failed = await tpm2Sign(['sign', '--tcti', tcti, '-Q', '-c', handle, '-g', 'sha256', '-s', 'ecdsa', '-f', 'plain', '-d', '-o', signature, digest]);
    return failed === null ? ok(plainSignature(await readFile(signature))) : fail('device-key-silent', `tpm2 sign: ${failed}`);
  } catch (error) {
    return fail('device-key-silent', error instanceof Error && 'code' in error ? String(error.code) : 'no signature');
  } finally {
    if (folder !== null) await rm(folder, { recursive: true, force: true });
  }
}

/** A tool that was killed and has not ended, since the driver below it hangs: until it has, no other is sent after it. */
let hanging = false;

/** null: done; else why not. */
const tpm2Sign = (args: readonly string[]): Promise<string | null> =>
  new Promise((resolve) => {
    if (hanging) {
      resolve('no answer');
      return;
    }
    const limit = setTimeout(() => {
      hanging = true;
      tool.kill('SIGKILL');
      resolve('no answer');
    }, signLimitMs);
    const tool = execFile('tpm2', args, (error) => {
      clearTimeout(limit);
      hanging = false;
      resolve(error === null ? null : String(error.code));
    });
    tool.stdin?.end();
  });

/** Out of the chip, for good. One that is not there any more, since its chip was cleared or an earlier try was cut off, is as good as gone. */
export function forgetTpmKey({ tcti, handle }: TpmKey): Result<null> {
  const gone = tpm2(tcti, ['evictcontrol', '-C', 'o', '-c', handle]);
  if (gone.ok) return ok(null);
  const kept = tpm2(tcti, ['getcap', 'handles-persistent']);
  return kept.ok && !kept.value.toString('utf8').toLowerCase().includes(handle.toLowerCase()) ? ok(null) : gone;
}

/** ECDSA-Sig-Value (RFC 3279 §2.2.3) of P-256 as R ‖ S: two INTEGERs, each with its leading zeros gone or one put before it. */
export function plainSignature(der: Uint8Array): Uint8Array {
  const rLength = der[3] ?? 0;
  const parts = [der.subarray(4, 4 + rLength), der.subarray(6 + rLength, 6 + rLength + (der[5 + rLength] ?? 0))];
  if (der[0] !== 0x30 || der[2] !== 0x02 || der[4 + rLength] !== 0x02) throw new RangeError('no ECDSA signature');
  const plain = new Uint8Array(64);
  for (const [index, part] of parts.entries()) {
    const digits = part.subarray(Math.max(0, part.length - 32));
    plain.set(digits, index * 32 + 32 - digits.length);
  }
  return plain;
}
