import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../../../shared/vectors');

/** Where the published vectors are not, their tests are skipped. */
export const haveVectors = existsSync(folder);
export const vectorsReason = haveVectors ? '' : ' (skipped: ../shared/vectors is not here)';

export const vectorPath = (path: string): string => join(folder, path);
export const readVector = <T>(path: string): T => JSON.parse(readFileSync(vectorPath(path), 'utf8')) as T;
