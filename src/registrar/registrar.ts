import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Id } from '../ledger/verify/acts.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { decodeRecord, stateKey } from '../ledger/verify/records.ts';
import type { ResidentIndex } from './index.ts';
import { issueIdentity, type IdentityFacts, type IssuedCredential, type IssuerKeys } from './issuer.ts';

export interface RegistrarParts {
  ledger: Pick<Ledger, 'chain' | 'values'>;
  index: ResidentIndex;
  issuer: IssuerKeys;
  /** The keeper's raw sealing key. */
  keeperSealKey: Uint8Array;
  /** Hands a credential to the keeper, which stores it and has its anchor recorded. */
  deposit(issued: IssuedCredential): Promise<Result<{ state: string; code?: string }>>;
  crypto: Crypto;
  /** Unix milliseconds. */
  now: () => number;
}

/** An identity credential is issued anew before it is this old. */
const credentialLifetimeSeconds = 3 * 365 * 86_400;

/** Ties residents to identity numbers and vouches for what the register says about them. */
export class Registrar {
  readonly #parts: RegistrarParts;

  constructor(parts: RegistrarParts) {
    this.#parts = parts;
  }

  /** `number-taken`: the number belongs to another resident already. */
  enter(identityNumber: string, resident: Id): Result<null, Failure | Failure<'number-taken'>> {
    return this.#parts.index.add(identityNumber, resident);
  }

  /** Issues the identity credential to the data space of a resident that the ledger knows. `request-rejected`: its anchor was refused; detail is why. */
  async issue(resident: Id, facts: IdentityFacts): Promise<Result<null>> {
    const issued = await this.prepare(resident, facts);
    return issued.ok ? this.deposit(issued.value) : issued;
  }

  /** The credential, signed and sealed, before anybody has it: whoever keeps it may deposit it again after a crash, and it is issued once. */
  async prepare(resident: Id, facts: IdentityFacts): Promise<Result<IssuedCredential>> {
    const { ledger, index, issuer, keeperSealKey, crypto, now } = this.#parts;
    const values = await ledger.values([stateKey.resident(resident)]);
    if (!values.ok) return values;
    const [value] = values.value;
    if (value === null || value === undefined) return fail('key-unknown');
    const record = decodeRecord('resident', value);
    const status = index.nextStatus();
    if (!status.ok) return status;
    const issuedAt = Math.floor(now() / 1000);
    return ok(
      await issueIdentity(
        {
          chain: ledger.chain,
          resident,
          aut: record.aut[1],
          space: record.space[1],
          keeper: keeperSealKey,
          facts,
          status: status.value,
          now: issuedAt,
          expiresAt: issuedAt + credentialLifetimeSeconds,
        },
        issuer,
        crypto,
      ),
    );
  }

  /** `request-rejected`: the anchor was refused; detail is why. */
  async deposit(issued: IssuedCredential): Promise<Result<null>> {
    const deposited = await this.#parts.deposit(issued);
    if (!deposited.ok) return deposited;
    return deposited.value.state === 'rejected' ? fail('request-rejected', deposited.value.code) : ok(null);
  }

  /** Who has this number: for checks inside the registrar, never an answer to anybody. */
  holderOf(identityNumber: string): Result<Id | null> {
    return this.#parts.index.find(identityNumber);
  }

  close(): void {
    this.#parts.index.close();
  }
}
