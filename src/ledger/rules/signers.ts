import { never } from '../../contract/result.ts';
import type { Id, Name, PartyKind, PublicKey, StaffRole } from '../verify/acts.ts';
import { equalBytes } from '../verify/bytes.ts';
import type { KeyRecord } from '../verify/records.ts';
import { reject, type Rejection } from './context.ts';

/** Who stands behind a signature, as the state (or the register act in the same body) knows it. */
export type KnownSigner = { key: PublicKey; use: KeyRecord['use'] } & (
  | { signer: 'resident'; id: Id; registering: boolean }
  | { signer: 'staff'; party: Name; role: StaffRole }
  | { signer: 'party'; id: Name; party: PartyKind }
  | { signer: 'kiosk'; id: Name }
  | { signer: 'authority' }
);

/** One signature that an act asks for. Several acts may ask for the same one. */
export type Demand =
  | { demand: 'authority'; threshold: number }
  | { demand: 'party'; id: Name }
  | { demand: 'party-of'; kinds: readonly PartyKind[] }
  /** `of`: only people of this party; `notOf`: of any other. */
  | { demand: 'staff'; roles: readonly StaffRole[]; of?: Name; notOf?: Name }
  | { demand: 'resident'; id: Id }
  /** The card that this very act registers; it signs for nothing else. */
  | { demand: 'new-card'; id: Id }
  | { demand: 'resident-or-staff'; id: Id; roles: readonly StaffRole[] }
  | { demand: 'kiosk'; id: Name };

/** The signers have to be exactly the union of what the acts ask for. */
export function matchSigners(signers: readonly KnownSigner[], demands: readonly Demand[]): Rejection | null {
  const used = new Set<KnownSigner>();
  for (const demand of demands) {
    const needed = demand.demand === 'authority' ? demand.threshold : 1;
    const fitting = signers.filter((signer) => fits(signer, demand)).slice(0, needed);
    if (fitting.length < needed) return missing(signers, demand);
    for (const signer of fitting) used.add(signer);
  }
  const superfluous = signers.findIndex((signer) => !used.has(signer));
  return superfluous === -1 ? null : reject('signer-superfluous', `signer ${superfluous}`);
}

function fits(signer: KnownSigner, demand: Demand): boolean {
  switch (demand.demand) {
    case 'authority':
      return signer.signer === 'authority';
    case 'party':
      return signer.signer === 'party' && signer.use === 'sign' && signer.id === demand.id;
    case 'party-of':
      return signer.signer === 'party' && signer.use === 'sign' && demand.kinds.includes(signer.party);
    case 'staff':
      return (
        signer.signer === 'staff' &&
        signer.use === 'sig' &&
        demand.roles.includes(signer.role) &&
        (demand.of === undefined || demand.of === signer.party) &&
        demand.notOf !== signer.party
      );
    case 'resident':
      return signer.signer === 'resident' && !signer.registering && signer.use === 'sig' && equalBytes(signer.id, demand.id);
    case 'new-card':
      return signer.signer === 'resident' && signer.registering && equalBytes(signer.id, demand.id);
    case 'resident-or-staff':
      return fits(signer, { demand: 'resident', id: demand.id }) || fits(signer, { demand: 'staff', roles: demand.roles });
    case 'kiosk':
      return signer.signer === 'kiosk' && signer.id === demand.id;
  }
  return never(demand);
}

/** Somebody of the right sort signed who may not, or nobody did. */
function missing(signers: readonly KnownSigner[], demand: Demand): Rejection {
  switch (demand.demand) {
    case 'kiosk':
      return reject('kiosk-not-attested', demand.id);
    case 'staff':
      return reject(signers.some(({ signer }) => signer === 'staff') ? 'signer-role' : 'signer-missing', demand.demand);
    case 'resident-or-staff':
      return reject(isAnyOf(signers, demand.id) || signers.some(({ signer }) => signer === 'staff') ? 'signer-role' : 'signer-missing', demand.demand);
    case 'party-of':
      return reject(signers.some(({ signer }) => signer === 'party') ? 'signer-role' : 'signer-missing', demand.kinds.join(' or '));
    case 'resident':
      return reject(isAnyOf(signers, demand.id) ? 'signer-role' : 'signer-missing', demand.demand);
    case 'authority':
    case 'party':
    case 'new-card':
      return reject('signer-missing', demand.demand === 'party' ? demand.id : demand.demand);
  }
  return never(demand);
}

/** The resident signed, with a key that is not for signing. */
const isAnyOf = (signers: readonly KnownSigner[], id: Id): boolean =>
  signers.some((signer) => signer.signer === 'resident' && equalBytes(signer.id, id));
