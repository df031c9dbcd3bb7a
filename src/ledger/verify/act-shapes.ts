import type {
  AccessPart,
  Act,
  ActKind,
  Body,
  CasePart,
  CredentialPart,
  EndPart,
  GrantPart,
  Hash,
  LookupPart,
  OpenedPart,
  PartyEnrol,
  PrivatePart,
  PublicKey,
  RequestPart,
  RevocationPart,
  StepPart,
  VerificationPart,
} from './acts.ts';
import { isBoolean, isBytes, isEither, isInt, isList, isMap, isOneOf, isText, isTuple, optional, type Shape } from './shape.ts';

const isName = isText(/^[a-z0-9][a-z0-9./_-]{2,79}$/);
/** What a sign-in challenge can carry (challenge.ts). */
const isKioskName = isText(/^[a-z0-9-]{3,40}$/);
const isId = isBytes(16);
const isTime = isInt(0, 2 ** 40);
const isHash: Shape<Hash> = isTuple<[-16, Uint8Array]>(isOneOf(-16), isBytes(32));
const isEd25519: Shape<PublicKey> = isTuple<[-19, Uint8Array]>(isOneOf(-19), isBytes(32));
const isX25519: Shape<PublicKey> = isTuple<[-25, Uint8Array]>(isOneOf(-25), isBytes(32));
const isEsp256: Shape<PublicKey> = isTuple<[-9, Uint8Array]>(isOneOf(-9), isBytes(33));
const isDeviceKey = isEither(isEd25519, isEsp256);
const isClaims = isList(isText(/^[a-z][a-z0-9_]{0,59}$/), 0, 64);
const isWords = isText(/^[^\p{Cc}]{1,200}$/u);

export const publicKeyShape: Shape<PublicKey> = isEither(isEither(isEd25519, isEsp256), isX25519);

const isProof = isMap({ kiosk: isEither(isName, isOneOf(null)), notAfter: isTime, signature: isBytes(64) });
const isCounter = isInt(0, 0xff_ff_ff);
const activity = { subject: isId, id: isId, refs: optional(isList(isId, 0, 16)), private: isHash };

/** The exact form of each kind. The count of refs is left to the rules, which have a code of its own for it. */
export const actShapes: { [K in ActKind]: Shape<Extract<Act, { kind: K }>> } = {
  'party.enrol': isMap({
    kind: isOneOf('party.enrol'),
    id: isName,
    party: isOneOf<PartyEnrol['party']>('authority', 'agency', 'hub', 'gateway', 'registrar', 'keeper', 'auditor', 'witness'),
    sign: isEd25519,
    seal: isX25519,
    names: isMap({ 'zh-Hans': isWords, en: isWords }),
    purposes: optional(isList(isMap({ id: isName, claims: isClaims, longestDays: isInt(1, 3660) }), 0, 64)),
  }),
  'party.rotate': isMap({ kind: isOneOf('party.rotate'), id: isName, current: isEd25519, sign: optional(isEd25519), seal: optional(isX25519) }),
  'party.suspend': isMap({ kind: isOneOf('party.suspend'), id: isName, suspended: isBoolean }),
  'party.retire': isMap({ kind: isOneOf('party.retire'), id: isName }),
  'staff.enrol': isMap({
    kind: isOneOf('staff.enrol'),
    id: isId,
    party: isName,
    role: isOneOf('staff', 'technician', 'registrar', 'officer', 'auditor'),
    sig: isEd25519,
    aut: isEd25519,
    until: isTime,
  }),
  'staff.retire': isMap({ kind: isOneOf('staff.retire'), id: isId }),
  'validator.set': isMap({ kind: isOneOf('validator.set'), key: isEd25519, power: isInt(0, 2 ** 48) }),
  'kiosk.enrol': isMap({ kind: isOneOf('kiosk.enrol'), id: isKioskName, hub: isName, key: isDeviceKey }),
  'kiosk.retire': isMap({
    kind: isOneOf('kiosk.retire'),
    id: isKioskName,
    attested: isMap({ count: isInt(0, Number.MAX_SAFE_INTEGER), hash: isBytes(32) }),
  }),
  'service.publish': isMap({
    kind: isOneOf('service.publish'),
    id: isName,
    version: isInt(1, 2 ** 31),
    agency: isName,
    purpose: isName,
    claims: isClaims,
    languages: isList(isText(/^[A-Za-z0-9-]{2,35}$/), 1, 32),
    definition: isHash,
  }),
  'service.withdraw': isMap({ kind: isOneOf('service.withdraw'), id: isName }),
  'status.publish': isMap({ kind: isOneOf('status.publish'), issuer: isName, list: isHash, at: isTime }),
  'resident.register': isMap({
    kind: isOneOf('resident.register'),
    id: isId,
    sig: isEd25519,
    aut: isEd25519,
    dec: isX25519,
    space: isX25519,
    counter: isCounter,
    proof: isProof,
  }),
  'resident.replace': isMap({
    kind: isOneOf('resident.replace'),
    subject: isId,
    sig: isEd25519,
    aut: isEd25519,
    dec: isX25519,
    space: isX25519,
    counter: isCounter,
    document: isHash,
    proof: isProof,
  }),
  'resident.retire': isMap({ kind: isOneOf('resident.retire'), subject: isId }),
  'resident.block': isMap({ kind: isOneOf('resident.block'), subject: isId, reason: isOneOf('lost', 'stolen', 'damaged', 'other') }),
  'credential.anchor': isMap({ kind: isOneOf('credential.anchor'), ...activity, status: isInt(0, 2 ** 31) }),
  'credential.revoke': isMap({ kind: isOneOf('credential.revoke'), ...activity }),
  'grant.give': isMap({ kind: isOneOf('grant.give'), ...activity, until: isTime, reads: isInt(1, 2 ** 16) }),
  'grant.end': isMap({ kind: isOneOf('grant.end'), ...activity }),
  'request.submit': isMap({ kind: isOneOf('request.submit'), ...activity }),
  'request.step': isMap({ kind: isOneOf('request.step'), ...activity, step: isOneOf('received', 'needs-more', 'decided', 'closed') }),
  'request.withdraw': isMap({ kind: isOneOf('request.withdraw'), ...activity }),
  'verification.answer': isMap({ kind: isOneOf('verification.answer'), ...activity, id: isBytes(32), until: isTime }),
  'access.record': isMap({ kind: isOneOf('access.record'), ...activity, case: optional(isHash) }),
  'access.lookup': isMap({ kind: isOneOf('access.lookup'), ...activity }),
  'case.open': isMap({ kind: isOneOf('case.open'), id: isId, office: isName, until: isTime, opensAt: isTime, private: isHash }),
  'case.unseal': isMap({ kind: isOneOf('case.unseal'), id: isId }),
  'case.close': isMap({ kind: isOneOf('case.close'), id: isId }),
};

/** The body but for its acts, whose kinds and forms have codes of their own. */
export const bodyShape: Shape<Omit<Body, 'acts'> & { acts: unknown[] }> = isMap({
  v: isOneOf(1),
  chain: isText(/^[a-z0-9-]{1,20}$/),
  nonce: isBytes(16),
  notAfter: isTime,
  acts: isList((value): value is unknown => value !== undefined, 0, 1024),
  counter: optional(isCounter),
  kiosk: optional(isName),
});

const isMoment = isText(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{3})?Z$/);

const grantPartShape: Shape<GrantPart> = isMap({
  kind: isOneOf('grant.give'),
  agency: isName,
  purpose: isName,
  service: isName,
  claims: isClaims,
  given: isMoment,
  until: isMoment,
  withdrawal: isOneOf('any kiosk of the hub'),
  jurisdiction: isText(/^[A-Za-z0-9-]{2,40}$/),
  inner: isHash,
  outer: isHash,
});

const requestPartShape: Shape<RequestPart> = isMap({
  kind: isOneOf('request.submit'),
  agency: isName,
  service: isName,
  version: isInt(1, 2 ** 31),
  definition: isHash,
  answers: isHash,
  self: optional(isHash),
});

const credentialPartShape: Shape<CredentialPart> = isMap({
  kind: isOneOf('credential.anchor'),
  issuer: isName,
  vct: isText(/^[\x21-\x7e]{1,200}$/),
  credential: isHash,
});

const isSigned = isBytes(1, 4096);

const revocationPartShape: Shape<RevocationPart> = isMap({
  kind: isOneOf('credential.revoke'),
  issuer: isName,
  vct: isText(/^[\x21-\x7e]{1,200}$/),
  reason: isOneOf('replaced', 'wrong', 'ended', 'other'),
});

const endPartShape: Shape<EndPart> = isMap({ kind: isOneOf('grant.end', 'request.withdraw'), agency: isName });

const stepPartShape: Shape<StepPart> = isMap({
  kind: isOneOf('request.step'),
  agency: isName,
  decision: optional(isOneOf('approved', 'refused')),
  letter: optional(isHash),
  signed: isSigned,
});

const verificationPartShape: Shape<VerificationPart> = isMap({
  kind: isOneOf('verification.answer'),
  agency: isName,
  purpose: isName,
  claims: isClaims,
  token: isHash,
  signed: isSigned,
});

const accessPartShape: Shape<AccessPart> = isMap({
  kind: isOneOf('access.record'),
  party: isName,
  officer: isId,
  purpose: isName,
  claims: isClaims,
  case: optional(isMap({ id: isId, salt: isBytes(16) })),
  signed: isSigned,
});

const lookupPartShape: Shape<LookupPart> = isMap({ kind: isOneOf('access.lookup'), party: isName, staff: isId, reason: isWords, signed: isSigned });

const casePartShape: Shape<CasePart> = isMap({
  kind: isOneOf('case.open'),
  basis: isWords,
  subjects: isList(isId, 1, 64),
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
  'request.step': stepPartShape,
  'verification.answer': verificationPartShape,
  'access.record': accessPartShape,
  'access.lookup': lookupPartShape,
  'case.open': casePartShape,
};

const isPart: Shape<PrivatePart> = (value): value is PrivatePart => Object.values(partShapes).some((shape) => shape(value));

export const openedPartShape: Shape<OpenedPart> = isMap({ salt: isBytes(16), part: isPart });
