import type { Result } from '../contract/result.ts';
import type { Keeper } from '../keeper/keeper.ts';

/** What the gateway asks of the keeper. */
export type AgencyKeeper = Pick<Keeper, 'take' | 'state' | 'release' | 'requestsOf' | 'requestOf' | 'grantsOf' | 'changes' | 'onChange'>;

/** The catalogue, where service files are offered from. */
export interface ServiceShelf {
  put(definition: Uint8Array): Result<null>;
  /** Published and not withdrawn, by id. */
  list(): Promise<Result<{ id: string; definition: Uint8Array }[]>>;
}
