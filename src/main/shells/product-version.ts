import { readFileSync } from 'node:fs';

/** As it stands in the package that the program lies in. */
export const versionIn = (packageFile: string): string => (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version;
