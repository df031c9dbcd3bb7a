import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { DoorParams, DoorResult, Submission } from '../../src/contract/hub-door.ts';
import { serviceSchema } from '../../src/contract/service.ts';
import { claimedIssuer, openCredential, type Credential } from '../../src/identity/credential.ts';
import { hashOf, type GrantTerms } from '../../src/identity/grant.ts';
import { presentClaims } from '../../src/identity/presentation.ts';
import { prepareRequest, sealPart, type PreparedRequest, type RequestDraft } from '../../src/identity/request.ts';
import type { Answers } from '../../src/identity/self-claims.ts';
import { withAnswers } from '../../src/identity/self-claims.ts';
import { openObjects, openSpace, type OpenSpace, type SpaceContents } from '../../src/identity/space.ts';
import type { DoorHandlers, Speaker } from '../../src/hub/conversation.ts';
import { doorHandlers } from '../../src/hub/door-handlers.ts';
import type { HubParts } from '../../src/hub/hub.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import type { Act, Body, Id, OpenedPart } from '../../src/ledger/verify/acts.ts';
import { encodeChallenge, type Challenge } from '../../src/ledger/verify/challenge.ts';
import { encodeBody, signEnvelope, transactionId } from '../../src/ledger/verify/envelope.ts';
import { commitPart } from '../../src/ledger/verify/private-part.ts';
import { decodeRecord, stateKey, type RecordKind, type Records } from '../../src/ledger/verify/records.ts';
import { demoId } from '../../tools/demo/demo-keys.ts';
import type { World } from '../../tools/demo/world.ts';
import { cardInMemory, kioskSigner, type CardInMemory } from './card-in-memory.ts';

type Call = <M extends keyof DoorHandlers>(method: M, params: DoorParams<M>) => Promise<{ ok: true; value: DoorResult<M> } | { ok: false; failure: { code: string; detail?: string } }>;

/** Without a connection: straight to what answers behind the door. */
export function callDirectly(parts: HubParts, speaker: Speaker = null): Call {
  const handlers = doorHandlers(parts);
  return (method, params) => handlers[method](params, speaker);
}

export interface OpenVisit {
  session: Uint8Array;
  space: OpenSpace;
  contents: SpaceContents;
  credential: Credential;
  opened: DoorResult<'space.open'>;
}

export interface SignedRequest {
  id: Uint8Array;
  submission: Submission;
  prepared: PreparedRequest;
  draft: RequestDraft;
}

export const soon = (): number => Math.floor(Date.now() / 1000);

/** A resident at a kiosk, as far as the hub can tell: what the visit does with card and hub, without screen and reader. */
export class Visitor {
  readonly resident: Id;
  readonly card: CardInMemory;
  readonly #world: World;
  readonly #call: Call;

  /** @param card whose card is in hand: another one where the resident's own was replaced. */
  constructor(world: World, person: string, call: Call, card = person) {
    this.resident = demoId(person);
    this.card = cardInMemory(world.cards[card] ?? '');
    this.#world = world;
    this.#call = call;
  }

  async record<K extends RecordKind>(kind: K, key: Uint8Array): Promise<Records[K]> {
    const answer = must(await this.#call('state.get', { keys: [key] }));
    const value = answer.entries[0]?.value;
    if (value === null || value === undefined) throw new Error(`no ${kind}`);
    return decodeRecord(kind, value);
  }

  /** The challenge as the kiosk makes it; `change` spoils it. */
  async proveKey(change: (challenge: Challenge) => Challenge = (challenge) => challenge): Promise<DoorParams<'space.open'>> {
    const kioskNonce = new Uint8Array(randomBytes(16));
    const { keeperNonce, notAfter } = must(await this.#call('challenge.get', { kioskNonce }));
    const challenge = encodeChallenge(
      change({ chain: this.#world.hubFile.trustRoot.chain, kiosk: 'hall-1', purpose: 'sign-in', nonce: new Uint8Array([...kioskNonce, ...keeperNonce]), notAfter }),
    );
    return { resident: this.resident, challenge, signature: this.card.aut.sign(challenge) };
  }

  async signIn(): Promise<OpenVisit> {
    const opened = must(await this.#call('space.open', await this.proveKey()));
    const record = await this.record('resident', stateKey.resident(this.resident));
    const space = must(await openSpace(opened.wrappedKey, this.resident, record.space[1], this.card.dec));
    const contents = must(await openObjects(opened.objects, space));
    const registrar = await this.record('party', stateKey.party('registrar'));
    const credential = must(
      openCredential(contents.credentials.find((sdJwt) => claimedIssuer(sdJwt) === 'registrar') ?? '', { issuer: { name: 'registrar', key: registrar.sign }, holder: this.card.aut.key[1], now: soon(), verify: nodeCrypto.verify }),
    );
    return { session: opened.session, space, contents, credential, opened };
  }

  /** `spoil` changes the draft before anything is sealed, `after` what was prepared. */
  async request(
    visit: OpenVisit,
    serviceId: string,
    answers: Answers,
    { spoil = (draft) => draft, after = (prepared) => prepared, kiosk = 'hall-1' }: { spoil?: (draft: RequestDraft) => RequestDraft; after?: (prepared: PreparedRequest) => PreparedRequest; kiosk?: string } = {},
  ): Promise<SignedRequest> {
    const { services } = must(await this.#call('services.list', {}));
    const definition = services.find(({ id }) => id === serviceId)?.definition ?? new Uint8Array(0);
    const service = serviceSchema.parse(JSON.parse(Buffer.from(definition).toString('utf8')));
    const now = soon();
    const terms: Pick<GrantTerms, 'id' | 'claims'> = { id: new Uint8Array(randomBytes(16)), claims: service.claims.filter(({ optional }) => !optional).map(({ claim }) => claim) };
    const presentation = must(await presentClaims(visit.credential, terms.claims, { grant: terms.id, agency: service.agency }, now, this.card.signWithAut));
    const draft = spoil({
      resident: this.resident,
      grant: terms.id,
      request: new Uint8Array(randomBytes(16)),
      service,
      definition: hashOf(definition),
      claims: terms.claims,
      presentations: [presentation],
      answers,
      self: withAnswers(visit.contents.self, service, answers, now),
      now,
      until: now + service.grantDays * 86_400,
      reads: 1,
      jurisdiction: 'CN',
    });
    const [agency, keeper] = [await this.record('party', stateKey.party(service.agency)), await this.record('party', stateKey.party('keeper'))];
    const prepared = after(prepareRequest(draft, { space: visit.space.publicKey, agency: agency.seal[1], keeper: keeper.seal[1] }, nodeCrypto));
    const { id, envelope } = await this.sign(prepared.acts, kiosk);
    return { id, submission: { envelope, payloads: prepared.payloads }, prepared, draft };
  }

  /** The card signs, and the kiosk attests. */
  async sign(acts: Act[], kiosk = 'hall-1'): Promise<{ id: Uint8Array; envelope: Uint8Array }> {
    const body: Body = {
      v: 1,
      chain: this.#world.hubFile.trustRoot.chain,
      nonce: new Uint8Array(randomBytes(16)),
      notAfter: soon() + 86_400,
      acts,
      counter: this.card.nextCounter(),
      kiosk,
    };
    const device = kioskSigner(join(this.#world.kioskDirs[kiosk] ?? '', 'device.key.json'));
    return { envelope: await signEnvelope(body, [this.card.sig, device], nodeCrypto), id: transactionId(encodeBody(body), nodeCrypto) };
  }

  /** Takes back a grant, or a request, that was for this agency. */
  async end(visit: OpenVisit, id: Id, addressee: string, kind: 'grant.end' | 'request.withdraw' = 'grant.end'): Promise<Submission> {
    const opened: OpenedPart = { salt: new Uint8Array(randomBytes(16)), part: { kind, agency: addressee } };
    const [agency, keeper] = [await this.record('party', stateKey.party(addressee)), await this.record('party', stateKey.party('keeper'))];
    const { envelope } = await this.sign([{ kind, subject: this.resident, id, private: commitPart(opened.salt, opened.part, nodeCrypto) }]);
    return { envelope, payloads: sealPart(opened, 0, this.resident, { space: visit.space.publicKey, agency: agency.seal[1], keeper: keeper.seal[1] }) };
  }
}

export function must<T>(result: { ok: true; value: T } | { ok: false; failure: { code: string; detail?: string } }): T {
  if (!result.ok) throw new Error(`${result.failure.code} ${result.failure.detail ?? ''}`);
  return result.value;
}
