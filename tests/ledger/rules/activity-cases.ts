import type { Act, ActivityAct, CaseOpen, GrantGive, RequestSubmit } from '../../../src/ledger/verify/acts.ts';
import { atKiosk, order, type Court, type RefusedCase } from '../court.ts';
import { body, envelopeOf, idOf, keys, lin, now, seedOf } from '../small-district.ts';
import { retire } from './resident-cases.ts';

const day = 86_400;
const commitment = [-16, new Uint8Array(32)] as const;
type Kind = ActivityAct['kind'];
type Change<K extends Kind> = Partial<Omit<Extract<Act, { kind: K }>, 'kind'>>;
const act = <K extends Kind>(kind: K, id: string, change: object): Act => ({ kind, subject: lin.id, id: idOf(id), private: commitment, ...change }) as unknown as Act;

export const grant = (id = 'grant', change: Partial<GrantGive> = {}): Act => act('grant.give', id, { until: now + day, reads: 2, ...change });
export const submit = (id = 'request', change: Partial<RequestSubmit> = {}): Act => act('request.submit', id, { refs: [idOf('grant')], ...change });
export const endGrant = (id = 'grant'): Act => act('grant.end', id, {});
export const withdraw = (id = 'request'): Act => act('request.withdraw', id, {});
export const keepFacts = (id = 'facts'): Act => act('facts.keep', id, {});
export const step = (to: string, id = 'request'): Act => act('request.step', id, { step: to });
export const answer = (nonce = 'nonce', change: Change<'verification.answer'> = {}): Act => act('verification.answer', nonce, { id: seedOf(nonce), until: now + 60, ...change });
export const access = (id = 'access', change: Change<'access.record'> = { refs: [idOf('grant')] }): Act => act('access.record', id, change);
export const lookup = (id = 'lookup'): Act => act('access.lookup', id, {});
export const anchor: Act = act('credential.anchor', 'credential', { status: 4 });
export const revoke = (change: Change<'credential.revoke'> = {}): Act => act('credential.revoke', 'credential', change);
export const openCase = (id = 'case', change: Partial<CaseOpen> = {}): Act => ({ kind: 'case.open', id: idOf(id), office: 'audit-office', until: now + 10 * day, opensAt: now + 5 * day, private: commitment, ...change });
export const unseal: Act = { kind: 'case.unseal', id: idOf('case') };
export const close: Act = { kind: 'case.close', id: idOf('case') };
export const hidden: Change<'access.record'> = { case: commitment };
export const named: Change<'access.record'> = { refs: [idOf('case')] };

/** Late enough for every `notAfter` of these tests. */
const later = { notAfter: now + 30 * day };
export const byGateway = (acts: Act[]): Promise<Uint8Array> => envelopeOf(body(acts), [keys.gateway]);
export const byKeeper = (acts: Act[]): Promise<Uint8Array> => envelopeOf(body(acts, later), [keys.keeper]);
export const byRegistrar = (acts: Act[]): Promise<Uint8Array> => envelopeOf(body(acts), [keys.registrar]);
export const byAuditors = (acts: Act[]): Promise<Uint8Array> => envelopeOf(body(acts, later), [keys.auditor, keys.officer]);
export const byAuditor = (acts: Act[]): Promise<Uint8Array> => envelopeOf(body(acts, later), [keys.auditor]);
export const byAuthority = (acts: Act[]): Promise<Uint8Array> => order(acts, later);

export const requested = (court: Court): Promise<void> => court.take(atKiosk([grant(), submit()]));
const stepped =
  (...steps: string[]) =>
  async (court: Court): Promise<void> => {
    await requested(court);
    await court.take(byGateway(steps.map((to) => step(to))));
  };
const opened = (court: Court): Promise<void> => court.take(byAuditors([openCase()]));
const due = { time: now + 5 * day };
const unsealed = async (court: Court): Promise<void> => {
  await opened(court);
  await court.take(byAuthority([unseal]), due);
};

export const activityCases: RefusedCase[] = [
  { code: 'credential-unknown', name: 'nothing is revoked', envelope: () => byRegistrar([revoke()]) },
  { code: 'credential-unknown', name: 'another resident’s', envelope: () => byRegistrar([revoke()]), before: (court) => court.state.write('credential', { id: idOf('credential'), subject: idOf('chen'), by: 'registrar', status: 1, state: 'valid', since: 1 }, idOf('credential')) },
  { code: 'signer-role', name: 'the gateway revokes what the registrar anchored', envelope: () => byGateway([revoke()]), before: (court) => court.take(byRegistrar([anchor])) },
  { code: 'credential-revoked', name: 'revoked twice', envelope: () => byRegistrar([revoke(), revoke()]), before: (court) => court.take(byRegistrar([anchor])) },

  { code: 'grant-unknown', name: 'nothing is ended', envelope: () => atKiosk([endGrant()]) },
  { code: 'grant-not-live', name: 'ended twice', envelope: () => atKiosk([endGrant(), endGrant()]), before: requested },
  { code: 'grant-not-live', name: 'a request on an ended grant', envelope: () => atKiosk([endGrant(), submit('second')]), before: requested },
  { code: 'signer-missing', name: 'the gateway ends a grant', envelope: () => byGateway([endGrant()]), before: requested },

  { code: 'request-unknown', name: 'no request', envelope: () => byGateway([step('received')]) },
  { code: 'signer-role', name: 'the keeper steps', envelope: () => byKeeper([step('received')]), before: requested },
  { code: 'step-illegal', name: 'decided before it was received', envelope: () => byGateway([step('decided')]), before: requested },
  { code: 'step-illegal', name: 'decided while more is needed', envelope: () => byGateway([step('decided')]), before: stepped('received', 'needs-more') },
  { code: 'step-illegal', name: 'closed before it was decided', envelope: () => byGateway([step('closed')]), before: stepped('received') },
  { code: 'step-illegal', name: 'received again after the decision', envelope: () => byGateway([step('received')]), before: stepped('received', 'decided') },
  { code: 'step-illegal', name: 'withdrawn after the decision', envelope: () => atKiosk([withdraw()]), before: stepped('received', 'decided') },
  { code: 'step-illegal', name: 'a withdrawn one goes on', envelope: () => byGateway([step('received')]), before: async (court) => (await requested(court), await court.take(atKiosk([withdraw()]))) },
  { code: 'signer-missing', name: 'somebody else corrects what the resident typed', envelope: () => byRegistrar([keepFacts()]) },
  { code: 'request-unknown', name: 'nothing is withdrawn', envelope: () => atKiosk([withdraw()]) },
  { code: 'act-malformed', name: 'a step that is none', envelope: () => byGateway([step('withdrawn')]), before: requested },

  { code: 'nonce-spent', name: 'a nonce answered twice', envelope: () => byGateway([answer()]), before: (court) => court.take(byGateway([answer()])) },
  { code: 'until-past', name: 'an answer too late', envelope: () => byGateway([answer('nonce', { until: now })]) },
  { code: 'act-malformed', name: 'a nonce’s hash of 16 bytes', envelope: () => byGateway([answer('nonce', { id: idOf('short') })]) },

  { code: 'refs-count', name: 'a read on nothing', envelope: () => byKeeper([access('access', {})]) },
  { code: 'refs-count', name: 'a read on two grants', envelope: () => byKeeper([access('access', { refs: [idOf('grant'), idOf('grant')] })]), before: requested },
  { code: 'refs-count', name: 'a read on a grant and a case', envelope: () => byKeeper([access('access', { refs: [idOf('grant')], ...hidden })]), before: requested },
  { code: 'signer-role', name: 'the gateway reads', envelope: () => byGateway([access()]), before: requested },
  { code: 'grant-unknown', name: 'a read on a grant that was not given', envelope: () => byKeeper([access()]) },
  { code: 'grant-not-live', name: 'a read after the end', envelope: () => byKeeper([access()]), before: async (court) => (await requested(court), await court.take(atKiosk([endGrant()]))) },
  { code: 'grant-not-live', name: 'a read in the second of the expiry', envelope: () => byKeeper([access()]), before: requested, at: { time: now + day } },
  { code: 'grant-not-live', name: 'a read after the resident is gone', envelope: () => byKeeper([access()]), before: async (court) => (await requested(court), await court.take(retire())) },
  { code: 'reads-spent', name: 'one read more than granted', envelope: () => byKeeper([access('third')]), before: async (court) => (await requested(court), await court.take(byKeeper([access('first'), access('second')]))) },
  { code: 'access-known', name: 'a release that is repeated', envelope: () => byKeeper([access()]), before: async (court) => (await requested(court), await court.take(byKeeper([access()]))) },
  { code: 'access-known', name: 'a look-up twice', envelope: () => byRegistrar([lookup(), lookup()]) },
  { code: 'subject-unknown', name: 'nobody is looked up', envelope: () => byRegistrar([{ ...lookup(), subject: idOf('nobody') } as Act]) },

  { code: 'party-unknown', name: 'a case of nobody’s', envelope: () => byAuditors([openCase('case', { office: 'nobody' })]) },
  { code: 'party-kind', name: 'a case of an agency’s', envelope: () => byAuditors([openCase('case', { office: 'tax-bureau' })]) },
  { code: 'signer-role', name: 'an auditor alone', envelope: () => byAuditor([openCase()]) },
  { code: 'signer-role', name: 'an officer and a member of hub staff', envelope: () => envelopeOf(body([openCase()]), [keys.officer, keys.staff]) },
  { code: 'until-past', name: 'a case that is over', envelope: () => byAuditors([openCase('case', { until: now })]) },
  { code: 'until-too-far', name: 'a case for ever', envelope: () => byAuditors([openCase('case', { until: now + 366 * day + 1 })]) },
  { code: 'delay-too-long', name: 'sealed a second too long', envelope: () => byAuditors([openCase('case', { opensAt: now + 183 * day + 1 })]) },
  { code: 'id-taken', name: 'a case twice', envelope: () => byAuditors([openCase(), openCase()]) },
  { code: 'case-overdue', name: 'an office that has not unsealed in time', envelope: () => byAuditors([openCase('second', { until: now + 30 * day, opensAt: now + 30 * day })]), before: opened, at: { time: now + 5 * day + 1 } },
  { code: 'case-unknown', name: 'nothing is unsealed', envelope: () => byAuthority([unseal]) },
  { code: 'case-not-due', name: 'unsealed a second early', envelope: () => byAuthority([unseal]), before: opened, at: { time: now + 5 * day - 1 } },
  { code: 'case-not-sealed', name: 'unsealed twice', envelope: () => byAuthority([unseal]), before: unsealed, at: due },
  { code: 'case-unknown', name: 'nothing is closed', envelope: () => byAuditor([close]) },
  { code: 'case-closed', name: 'closed twice', envelope: () => byAuditor([close, close]), before: opened },
  { code: 'case-unknown', name: 'a read under a sealed case where there is none', envelope: () => byKeeper([access('access', hidden)]) },
  { code: 'case-unknown', name: 'a read under a sealed case after the only one was closed', envelope: () => byKeeper([access('access', hidden)]), before: async (court) => (await opened(court), await court.take(byAuditor([close]))) },
  { code: 'case-sealed', name: 'a read that names a sealed case', envelope: () => byKeeper([access('access', named)]), before: opened },
  { code: 'case-closed', name: 'a read under a case that is over', envelope: () => byKeeper([access('access', named)]), before: unsealed, at: { time: now + 10 * day } },
];
