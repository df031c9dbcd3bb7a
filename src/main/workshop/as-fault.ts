import { fail, type Result } from '../../contract/result.ts';

/** What a bug inside comes to for whoever waits at the page: it is over, and not for ever under way. */
export const asFault = (error: unknown): Result<never> => fail('kiosk-fault', error instanceof Error ? error.name : undefined);
