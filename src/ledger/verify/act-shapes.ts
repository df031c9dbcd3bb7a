import type {
  AccessPart,
  Act,
  ActKind,
  Body,
  CasePart,
  CredentialPart,
  EndPart,
  FactsPart,
  GrantPart,
  Hash,
  LookupPart,
  OpenedPart,
  PartyEnrol,
  Payment,
  PrivatePart,
  PublicKey,
  RequestPart,
  RevocationPart,
  StepPart,
  VerificationPart,
} from './acts.ts';
import { isBoolean, isBytes, isEither, isInt, isList, isMap, isOneOf, isText, isTuple, optional, type Shape } from './shape.ts';

export const nameShape = isText(/^[a-z0-9][a-z0-9./_-]{2,79}$/);
/** What a sign-in challenge can carry (challenge.ts). */
const isKioskName = isText(/^[a-z0-9-]{3,40}$/);
export const idShape = isBytes(16);
export const timeShape = isInt(0, 2 ** 40);
export const hashShape: Shape<Hash> = isTuple<[-16, Uint8Array]>(isOneOf(-16), isBytes(32));
const isEd25519: Shape<PublicKey> = isTuple<[-19, Uint8Array]>(isOneOf(-19), isBytes(32));
const isX25519: Shape<PublicKey> = isTuple<[-25, Uint8Array]>(isOneOf(-25), isBytes(32));
const isEsp256: Shape<PublicKey> = isTuple<[-9, Uint8Array]>(isOneOf(-9), isBytes(33));
const isDeviceKey = isEither(isEd25519, isEsp256);
const isClaims = isList(isText(/^[a-z][a-z0-9_]{0,59}$/), 0, 64);
export const wordsShape = isText(/^[^\p{Cc}]{1,200}$/u);

export const publicKeyShape: Shape<PublicKey> = isEither(isEither(isEd25519, isEsp256), isX25519);

const isProof = isMap({ kiosk: isEither(nameShape, isOneOf(null)), notAfter: timeShape, signature: isBytes(64) });
const isCounter = isInt(0, 0xff_ff_ff);
const activity = { subject: idShape, id: idShape, refs: optional(isList(idShape, 0, 16)), private: hashShape };

/** The exact form of each kind. The count of refs is left to the rules, which have a code of its own for it. */
export const actShapes: { [K in ActKind]: Shape<Extract<Act, { kind: K }>> } = {
  'party.enrol': isMap({
    kind: isOneOf('party.enrol'),
    id: nameShape,
    party: isOneOf<PartyEnrol['party']>('authority', 'agency', 'hub', 'gateway', 'registrar', 'keeper', 'auditor', 'witness'),
    sign: isEd25519,
    seal: isX25519,
    names: isMap({ 'zh-Hans': wordsShape, en: wordsShape }),
    purposes: optional(isList(isMap({ id: nameShape, claims: isClaims, longestDays: isInt(1, 3660) }), 0, 64)),
  }),
  'party.rotate': isMap({ kind: isOneOf('party.rotate'), id: nameShape, current: isEd25519, sign: optional(isEd25519), seal: optional(isX25519) }),
  'party.suspend': isMap({ kind: isOneOf('party.suspend'), id: nameShape, suspended: isBoolean }),
  'party.retire': isMap({ kind: isOneOf('party.retire'), id: nameShape }),
  'staff.enrol': isMap({
    kind: isOneOf('staff.enrol'),
    id: idShape,
    party: nameShape,
    role: isOneOf('staff', 'technician', 'registrar', 'officer', 'auditor'),
    sig: isEd25519,
    aut: isEd25519,
    until: timeShape,
  }),
  'staff.retire': isMap({ kind: isOneOf('staff.retire'), id: idShape }),
  'validator.set': isMap({ kind: isOneOf('validator.set'), key: isEd25519, power: isInt(0, 2 ** 48) }),
  'kiosk.enrol': isMap({ kind: isOneOf('kiosk.enrol'), id: isKioskName, hub: nameShape, key: isDeviceKey }),
  'kiosk.retire': isMap({
    kind: isOneOf('kiosk.retire'),
    id: isKioskName,
    attested: isMap({ count: isInt(0, Number.MAX_SAFE_INTEGER), hash: isBytes(32) }),
  }),
  'service.publish': isMap({
    kind: isOneOf('service.publish'),
    id: nameShape,
    version: isInt(1, 2 ** 31),
    agency: nameShape,
    purpose: nameShape,
    claims: isClaims,
    languages: isList(isText(/^[A-Za-z0-9-]{2,35}$/), 1, 32),
    definition: hashShape,
  }),
  'service.withdraw': isMap({ kind: isOneOf('service.withdraw'), id: nameShape }),
  'status.publish': isMap({ kind: isOneOf('status.publish'), issuer: nameShape, list: hashShape, at: timeShape }),
  'resident.register': isMap({
    kind: isOneOf('resident.register'),
    id: idShape,
    sig: isEd25519,
    aut: isEd25519,
    dec: isX25519,
    space: isX25519,
    counter: isCounter,
    proof: isProof,
  }),
  'resident.replace': isMap({
    kind: isOneOf('resident.replace'),
    subject: idShape,
    sig: isEd25519,
    aut: isEd25519,
    dec: isX25519,
    space: isX25519,
    counter: isCounter,
    document: hashShape,
    proof: isProof,
  }),
  'resident.retire': isMap({ kind: isOneOf('resident.retire'), subject: idShape }),
  'resident.block': isMap({ kind: isOneOf('resident.block'), subject: idShape, reason: isOneOf('lost', 'stolen', 'damaged', 'other') }),
  'credential.anchor': isMap({ kind: isOneOf('credential.anchor'), ...activity, status: isInt(0, 2 ** 31) }),
  'credential.revoke': isMap({ kind: isOneOf('credential.revoke'), ...activity }),
  'grant.give': isMap({ kind: isOneOf('grant.give'), ...activity, until: timeShape, reads: isInt(1, 2 ** 16) }),
  'grant.end': isMap({ kind: isOneOf('grant.end'), ...activity }),
  'request.submit': isMap({ kind: isOneOf('request.submit'), ...activity }),
  'request.step': isMap({ kind: isOneOf('request.step'), ...activity, step: isOneOf('received', 'needs-more', 'decided', 'closed') }),
  'request.withdraw': isMap({ kind: isOneOf('request.withdraw'), ...activity }),
  'facts.keep': isMap({ kind: isOneOf('facts.keep'), ...activity }),
  'verification.answer': isMap({ kind: isOneOf('verification.answer'), ...activity, id: isBytes(32), until: timeShape }),
  'access.record': isMap({ kind: isOneOf('access.record'), ...activity, case: optional(hashShape) }),
  'access.lookup': isMap({ kind: isOneOf('access.lookup'), ...activity }),
  'case.open': isMap({ kind: isOneOf('case.open'), id: idShape, office: nameShape, until: timeShape, opensAt: timeShape, private: hashShape }),
  'case.unseal': isMap({ kind: isOneOf('case.unseal'), id: idShape }),
  'case.close': isMap({ kind: isOneOf('case.close'), id: idShape }),
};

/** The body but for its acts, whose kinds and forms have codes of their own. */
export const bodyShape: Shape<Omit<Body, 'acts'> & { acts: unknown[] }> = isMap({
  v: isOneOf(1),
  chain: isText(/^[a-z0-9-]{1,20}$/),
  nonce: isBytes(16),
  notAfter: timeShape,
  acts: isList((value): value is unknown => value !== undefined, 0, 1024),
  counter: optional(isCounter),
  kiosk: optional(nameShape),
});

const isMoment = isText(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{3})?Z$/);

const grantPartShape: Shape<GrantPart> = isMap({
  kind: isOneOf('grant.give'),
  agency: nameShape,
  purpose: nameShape,
  service: nameShape,
  claims: isClaims,
  given: isMoment,
  until: isMoment,
  withdrawal: isOneOf('any kiosk of the hub'),
  jurisdiction: isText(/^[A-Za-z0-9-]{2,40}$/),
  inner: hashShape,
  outer: hashShape,
});

const requestPartShape: Shape<RequestPart> = isMap({
  kind: isOneOf('request.submit'),
  agency: nameShape,
  service: nameShape,
  version: isInt(1, 2 ** 31),
  definition: hashShape,
  answers: hashShape,
  self: optional(hashShape),
});

export const vctShape = isText(/^[\x21-\x7e]{1,200}$/);

/** What was paid for a request, as the agency confirms it. */
export const paymentShape: Shape<Payment> = isMap({ reference: isText(/^[A-Za-z0-9-]{4,40}$/), amountFen: isInt(0, 2 ** 40) });

const isSigned = isBytes(1, 4096);

const credentialPartShape: Shape<CredentialPart> = isMap({
  kind: isOneOf('credential.anchor'),
  issuer: nameShape,
  vct: vctShape,
  credential: hashShape,
  signed: optional(isSigned),
});

const revocationPartShape: Shape<RevocationPart> = isMap({
  kind: isOneOf('credential.revoke'),
  issuer: nameShape,
  vct: vctShape,
  reason: isOneOf('replaced', 'wrong', 'ended', 'other'),
  signed: optional(isSigned),
});

const factsPartShape: Shape<FactsPart> = isMap({ kind: isOneOf('facts.keep'), self: hashShape });
const endPartShape: Shape<EndPart> = isMap({ kind: isOneOf('grant.end', 'request.withdraw'), agency: nameShape });

const stepPartShape: Shape<StepPart> = isMap({
  kind: isOneOf('request.step'),
  agency: nameShape,
  decision: optional(isOneOf('approved', 'refused')),
  letter: optional(hashShape),
  payment: optional(paymentShape),
  signed: isSigned,
});

const verificationPartShape: Shape<VerificationPart> = isMap({
  kind: isOneOf('verification.answer'),
  agency: nameShape,
  purpose: nameShape,
  claims: isClaims,
  token: hashShape,
  signed: isSigned,
});

const accessPartShape: Shape<AccessPart> = isMap({
  kind: isOneOf('access.record'),
  party: nameShape,
  officer: idShape,
  purpose: nameShape,
  claims: isClaims,
  basis: optional(wordsShape),
  case: optional(isMap({ id: idShape, salt: isBytes(16) })),
  signed: isSigned,
});

const lookupPartShape: Shape<LookupPart> = isMap({ kind: isOneOf('access.lookup'), party: nameShape, staff: idShape, reason: wordsShape, signed: isSigned });

const casePartShape: Shape<CasePart> = isMap({
  kind: isOneOf('case.open'),
  basis: wordsShape,
  subjects: isList(idShape, 1, 64),
  kinds: isList(isText(/^[a-z]+\.[a-z]+$/), 1, 32),
  from: isMoment,
  to: isMoment,
});

const partShapes: { [K in PrivatePart['kind']]: Shape<PrivatePart> } = {
  'grant.give': grantPartShape,
  'request.submit': requestPartShape,
  'credential.anchor': credentialPartShape,
  'credential.revoke': revocationPartShape,
  'grant.end': endPartShape,
  'request.withdraw': endPartShape,
  'facts.keep': factsPartShape,
  'request.step': stepPartShape,
  'verification.answer': verificationPartShape,
  'access.record': accessPartShape,
  'access.lookup': lookupPartShape,
  'case.open': casePartShape,
};

const isPart: Shape<PrivatePart> = (value): value is PrivatePart => Object.values(partShapes).some((shape) => shape(value));

export const openedPartShape: Shape<OpenedPart> = isMap({ salt: isBytes(16), part: isPart });
