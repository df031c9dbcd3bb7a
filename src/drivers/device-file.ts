import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { FailureCode } from '../contract/failures.ts';
import { fail, ok } from '../contract/result.ts';
import type { Failure, Result } from '../contract/result.ts';

/** Opens a device's file to read and write without waiting. @param missing the code of a device that is not there. */
export async function openDeviceFile(path: string, missing: FailureCode): Promise<Result<FileHandle>> {
  try {
    return ok(await open(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK));
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EACCES' || code === 'EPERM') return fail('device-no-permission', path);
    return code === 'EBUSY' ? fail('device-fault', `${path} is in use`) : fail(missing, code);
  }
}

/** The system's name of an error, `EIO`; empty where it has none. */
export const errorCode = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

/** Reading or writing failed: the device is gone. */
export const lostBy = (error: unknown): { ok: false; failure: Failure } => fail('device-lost', error instanceof Error ? error.message : String(error));
