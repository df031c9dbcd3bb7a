import { failureCodes, type FailureCode } from '../../contract/failures.ts';
import type { Failure } from '../../contract/result.ts';

/** One that has a page. */
export const pageCode = ({ code }: Failure<string>): FailureCode => failureCodes.find((known) => known === code) ?? 'kiosk-fault';
