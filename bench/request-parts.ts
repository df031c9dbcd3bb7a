import type { Hash, OpenedPart } from '../src/ledger/verify/acts.ts';

/** What stays private of a grant and of the request that rests on it, as one page of a visit makes them. */
export const requestParts = (hashOf: (name: string) => Hash, saltOf: (name: string) => Uint8Array): [grant: OpenedPart, request: OpenedPart] => [
  {
    salt: saltOf('salt 1'),
    part: {
      kind: 'grant.give',
      agency: 'tax-bureau',
      purpose: 'tax.certificate',
      service: 'tax/property-tax-certificate',
      claims: ['name', 'address', 'identity_number', 'district', 'postcode'],
      given: '2027-01-15T08:16:40Z',
      until: '2027-02-15T08:16:40Z',
      withdrawal: 'any kiosk of the hub',
      jurisdiction: 'CN',
      inner: hashOf('inner'),
      outer: hashOf('outer'),
    },
  },
  {
    salt: saltOf('salt 2'),
    part: {
      kind: 'request.submit',
      agency: 'tax-bureau',
      service: 'tax/property-tax-certificate',
      version: 1,
      definition: hashOf('definition'),
      answers: hashOf('answers'),
      self: hashOf('self'),
    },
  },
];
