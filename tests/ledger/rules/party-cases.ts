import { nothingAttested } from '../../../src/ledger/verify/acts.ts';
import type { Act, Attested } from '../../../src/ledger/verify/acts.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { utf8 } from '../../../src/ledger/verify/bytes.ts';
import { atKiosk, order, type RefusedCase } from '../court.ts';
import { body, envelopeOf, idOf, keys, lin, now, requestBody, sealKeyOf, signerOf, staffAct } from '../small-district.ts';

export const rotate = (change: object = {}): Act => ({ kind: 'party.rotate', id: 'tax-bureau', current: keys.tax.key, sign: signerOf('tax 2').key, ...change });
export const suspend = (id: string, suspended = true): Act => ({ kind: 'party.suspend', id, suspended });
export const retireParty = (id: string): Act => ({ kind: 'party.retire', id });
export const retireStaff = (name: string): Act => ({ kind: 'staff.retire', id: idOf(name) });
export const setValidator = (name: string, power: number): Act => ({ kind: 'validator.set', key: signerOf(name).key, power });
export const retireKiosk = (attested: Attested = nothingAttested): Act => ({ kind: 'kiosk.retire', id: 'hall-1', attested });
export const service = (version = 1): Act => ({
  kind: 'service.publish',
  id: 'tax/property-tax-certificate',
  version,
  agency: 'tax-bureau',
  purpose: 'tax.certificate',
  claims: ['name'],
  languages: ['zh-Hans', 'en'],
  definition: [-16, nodeCrypto.sha256(utf8('definition'))],
});
export const withdrawService: Act = { kind: 'service.withdraw', id: 'tax/property-tax-certificate' };
export const publishStatus = (at: number, issuer = 'registrar'): Act => ({ kind: 'status.publish', issuer, list: [-16, new Uint8Array(32)], at });
export const block: Act = { kind: 'resident.block', subject: lin.id, reason: 'lost' };

export const byTax = (acts: Act[]): Promise<Uint8Array> => envelopeOf(body(acts), [keys.tax]);
export const byHub = (acts: Act[]): Promise<Uint8Array> => envelopeOf(body(acts), [keys.hub]);
export const byRegistrar = (acts: Act[]): Promise<Uint8Array> => envelopeOf(body(acts), [keys.registrar]);
export const byTechnician = (acts: Act[]): Promise<Uint8Array> => envelopeOf(body(acts), [keys.technician, keys.hub]);

export const partyCases: RefusedCase[] = [
  { code: 'party-unknown', name: 'nobody’s keys are rotated', envelope: () => order([rotate({ id: 'nobody' })]) },
  { code: 'party-unknown', name: 'nobody is suspended', envelope: () => order([suspend('nobody')]) },
  { code: 'party-unknown', name: 'nobody is retired', envelope: () => order([retireParty('nobody')]) },
  { code: 'signer-missing', name: 'an agency rotates its own keys', envelope: () => byTax([rotate()]) },
  { code: 'act-malformed', name: 'a rotation to nothing', envelope: () => order([rotate({ sign: undefined })]) },
  { code: 'key-not-current', name: 'two rotations that cross', envelope: () => order([rotate({ sign: signerOf('tax 3').key })]), before: (court) => court.take(order([rotate()])) },
  { code: 'key-taken', name: 'a rotation to a key that was', envelope: () => order([rotate({ current: signerOf('tax 2').key, sign: keys.tax.key })]), before: (court) => court.take(order([rotate()])) },
  { code: 'key-taken', name: 'a rotation to another’s sealing key', envelope: () => order([rotate({ seal: sealKeyOf('hub-1') })]) },
  { code: 'signer-revoked', name: 'a key that was rotated away', envelope: () => byTax([service()]), before: (court) => court.take(order([rotate()])) },
  { code: 'party-inactive', name: 'a rotation after the end', envelope: () => order([rotate()]), before: (court) => court.take(order([retireParty('tax-bureau')])) },
  { code: 'party-inactive', name: 'a suspended agency', envelope: () => byTax([service()]), before: (court) => court.take(order([suspend('tax-bureau')])) },
  { code: 'party-inactive', name: 'staff of a suspended hub', envelope: () => envelopeOf(body([block]), [keys.staff]), before: (court) => court.take(order([suspend('hub-1')])) },
  { code: 'party-inactive', name: 'staff of a retired hub', envelope: () => envelopeOf(body([block]), [keys.staff]), before: (court) => court.take(order([retireParty('hub-1')])) },
  { code: 'party-inactive', name: 'a kiosk of a suspended hub', envelope: () => atKiosk([block]), before: (court) => court.take(order([suspend('hub-1')])) },
  { code: 'signer-revoked', name: 'a retired agency', envelope: () => byTax([service()]), before: (court) => court.take(order([retireParty('tax-bureau')])) },
  { code: 'party-state', name: 'suspended twice', envelope: () => order([suspend('tax-bureau')]), before: (court) => court.take(order([suspend('tax-bureau')])) },
  { code: 'party-state', name: 'lifted without a suspension', envelope: () => order([suspend('tax-bureau', false)]) },
  { code: 'party-state', name: 'a retired party is called back', envelope: () => order([suspend('tax-bureau', false)]), before: (court) => court.take(order([retireParty('tax-bureau')])) },
  { code: 'party-state', name: 'retired twice', envelope: () => order([retireParty('tax-bureau'), retireParty('tax-bureau')]) },
  { code: 'staff-unknown', name: 'nobody leaves', envelope: () => byHub([retireStaff('nobody')]) },
  { code: 'signer-missing', name: 'staff of another party', envelope: () => byHub([retireStaff('officer')]) },
  { code: 'key-inactive', name: 'left twice', envelope: () => byHub([retireStaff('staff'), retireStaff('staff')]) },
  { code: 'signer-revoked', name: 'who has left', envelope: () => envelopeOf(body([block]), [keys.staff]), before: (court) => court.take(byHub([retireStaff('staff')])) },
  { code: 'id-taken', name: 'who has left comes back under the same id', envelope: () => byHub([staffAct('staff', 'hub-1', 'staff', signerOf('new card'))]), before: (court) => court.take(byHub([retireStaff('staff')])) },
  { code: 'validator-unknown', name: 'one who is none is removed', envelope: () => order([setValidator('second', 0)]) },
  { code: 'validators-count', name: 'the last one is removed', envelope: () => order([setValidator('validator', 0)]) },
  {
    code: 'validators-count',
    name: 'one more than CometBFT is run with',
    envelope: () => order([setValidator('number 201', 1)]),
    before: async (court) => {
      for (let first = 1; first < 200; first += 16) {
        await court.take(order(Array.from({ length: Math.min(16, 200 - first) }, (_, i) => setValidator(`number ${first + i}`, 1))));
      }
    },
  },
  { code: 'key-weak', name: 'a validator of small order', envelope: () => order([{ kind: 'validator.set', key: [-19, Uint8Array.from([1, ...new Uint8Array(31)])], power: 1 }]) },
  { code: 'key-taken', name: 'a party’s key for a validator', envelope: () => order([setValidator('tax', 1)]) },
  { code: 'kiosk-unknown', name: 'no such kiosk', envelope: () => byTechnician([{ kind: 'kiosk.retire', id: 'hall-9', attested: nothingAttested }]) },
  { code: 'signer-missing', name: 'a kiosk retired by the hub alone', envelope: () => byHub([retireKiosk()]) },
  { code: 'attested-mismatch', name: 'one attestation left out', envelope: () => byTechnician([retireKiosk()]), before: (court) => court.take(atKiosk(requestBody(lin, 3).body.acts)) },
  { code: 'kiosk-retired', name: 'a kiosk retired twice', envelope: () => byTechnician([retireKiosk(), retireKiosk()]) },
  { code: 'kiosk-retired', name: 'a kiosk that was retired attests', envelope: () => atKiosk([block]), before: (court) => court.take(byTechnician([retireKiosk()])) },
  { code: 'service-unknown', name: 'nothing is withdrawn', envelope: () => byTax([withdrawService]) },
  { code: 'service-unknown', name: 'withdrawn twice', envelope: () => byTax([withdrawService, withdrawService]), before: (court) => court.take(byTax([service()])) },
  { code: 'service-known', name: 'a withdrawn version again', envelope: () => byTax([withdrawService, service()]), before: (court) => court.take(byTax([service()])) },
  { code: 'signer-missing', name: 'another withdraws it', envelope: () => byHub([withdrawService]), before: (court) => court.take(byTax([service()])) },
  { code: 'party-unknown', name: 'a list of nobody’s', envelope: () => byRegistrar([publishStatus(now, 'nobody')]) },
  { code: 'party-kind', name: 'a list of a hub’s', envelope: () => byHub([publishStatus(now, 'hub-1')]) },
  { code: 'status-not-newer', name: 'a list of the same second', envelope: () => byRegistrar([publishStatus(now - 5)]), before: (court) => court.take(byRegistrar([publishStatus(now - 5)])) },
  { code: 'status-ahead', name: 'a list of tomorrow', envelope: () => byRegistrar([publishStatus(now + 301)]) },
];
