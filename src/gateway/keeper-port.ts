import type { IdentityClaim } from '../contract/claims.ts';
import type { Failure, Result } from '../contract/result.ts';
import type { Keeper } from '../keeper/keeper.ts';
import type { Id } from '../ledger/verify/acts.ts';

/** What the gateway asks of the keeper. */
export type AgencyKeeper = Pick<Keeper, 'take' | 'state' | 'release' | 'requestsOf' | 'requestOf' | 'grantsOf' | 'changes' | 'onChange' | 'readCase' | 'casesOf' | 'caseForAuthority' | 'recovery'>;

/** The registrar's index, behind an order (registrar/look-up.ts). */
export type LookUp = (order: Uint8Array, number: string, salt: Uint8Array) => Promise<Result<{ resident: Id | null }, Failure<string>>>;

/** The registrar's issuer: the identity credential of a resident, to the card that the ledger has now. `key-unknown`: no such resident. */
export type IssueIdentity = (resident: Id, facts: Readonly<Partial<Record<IdentityClaim, string>>>) => Promise<Result<null>>;

/** The catalogue, where service files are offered from. */
export interface ServiceShelf {
  put(definition: Uint8Array): Result<null>;
  /** Published and not withdrawn, by id. */
  list(): Promise<Result<{ id: string; definition: Uint8Array }[]>>;
}
