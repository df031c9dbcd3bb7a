import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identityVct } from '../../src/contract/claims.ts';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { answerAsk, matchAsk } from '../../src/identity/answer.ts';
import { signAsk, openAsk, type Ask } from '../../src/identity/ask.ts';
import { openAskBook } from '../../src/keeper/ask-book.ts';
import { openPostgresDatabase } from '../../src/keeper/postgres-database.ts';
import { openSqliteDatabase } from '../../src/keeper/sqlite-database.ts';
import { copyStore } from '../../src/keeper/store-copy.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { fromBase64url, toBase64url, toHex } from '../../src/ledger/verify/bytes.ts';
import { trustThrough } from '../../src/ledger/verify/handover.ts';
import { verifyReceipt } from '../../src/ledger/verify/receipt.ts';
import { openConsortium, whyNoConsortium, type Consortium } from '../../tools/demo/consortium.ts';
import { demoId } from '../../tools/demo/demo-keys.ts';
import { partySecrets } from '../../tools/demo/parties.ts';
import { clientOf, partySigner } from '../gateway/gateway-in-test.ts';
import { noPostgres, PostgresServer } from '../keeper/postgres-server.ts';
import { callDirectly, must, soon, Visitor } from './visitor.ts';

const missing = noPostgres ?? whyNoConsortium();

describe.skipIf(missing !== null)(`two hubs of a ledger${missing === null ? '' : ` (${missing})`}`, () => {
  let folder: string;
  let server: PostgresServer;
  let consortium: Consortium;
  /** North and south share a keeper, and each has a gateway; east has the ledger in common with them and nothing else. */
  let north: Hub;
  let south: Hub;
  let east: Hub;
  let early = '';

  const openAt = async (name: string, url: string | null): Promise<Hub> => {
    const { hubFile, serverFile } = consortium.world;
    const { gateway } = serverFile;
    if (gateway === undefined) throw new Error('the demonstration has no gateway');
    const keeper = url === null ? serverFile.keeper : { key: serverFile.keeper.key, url };
    return must(await openHub({ hubFile, serverFile: { ...serverFile, keeper, door: { ...serverFile.door, listen: ['unix:hub.sock'] }, gateway: { ...gateway, listen: 'http://127.0.0.1:0' } }, dataDir: join(folder, name) }));
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'imi-two-'));
    server = await PostgresServer.start();
    consortium = await openConsortium({ dataDir: join(folder, 'world'), validatorsDir: join(folder, 'validators'), validators: 1, heartbeatMs: 1000 });
    for (const name of ['north', 'south', 'east']) cpSync(consortium.world.hubDir, join(folder, name), { recursive: true });
    const url = server.create('district');
    const [file, shared] = [must(openSqliteDatabase(join(folder, 'north', 'keeper.sqlite'))), must(await openPostgresDatabase(url))];
    must(await copyStore(file, shared));
    await Promise.all([file.close(), shared.close()]);
    // From the days when the north had a keeper of its own.
    const book = must(openAskBook(join(folder, 'north', 'asks.sqlite'), partySecrets('keeper').seal));
    const state = new Uint8Array(randomBytes(16));
    early = must(await book.keepAsk({ id: state, agency: 'pension-office', subject: null, signed: signedAsk('http://127.0.0.1:1', { state: toBase64url(state) }), until: soon() + 3600, withCode: true }, soon())).code ?? '';
    await book.close();
    north = await openAt('north', url);
    south = await openAt('south', url);
    east = await openAt('east', null);
  }, 120_000);
  afterAll(async () => {
    for (const hub of [north, south, east]) await hub.close();
    await consortium.testnet.stop();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  const signedAsk = (gateway: string, change: { subject?: Uint8Array | null; state?: string } = {}): string =>
    signAsk(
      {
        agency: 'pension-office',
        purpose: 'pension.eligibility',
        reason: { en: 'to see that you are well', 'zh-Hans': '确认您一切安好' },
        subject: null,
        nonce: toBase64url(new Uint8Array(randomBytes(32))),
        state: toBase64url(new Uint8Array(randomBytes(16))),
        responseUri: `${gateway}/v1/openid4vp/responses`,
        at: soon(),
        until: soon() + 3600,
        wanted: [{ id: 'identity', vcts: [identityVct], claims: [{ claim: 'name', optional: false }] }],
        ...change,
      },
      partySigner('pension-office').sign,
    );

  /** At the agencies' door of the north. */
  async function asked(change: { subject?: Uint8Array | null } = {}): Promise<{ ask: Ask; code: string }> {
    const url = north.gatewayUrl ?? '';
    const signed = signedAsk(url, change);
    const { code } = must(await clientOf(url, 'pension-office').call('POST', '/v1/asks', { body: { request: signed, code: true } })).body as { code: string };
    return { ask: must(openAsk(signed)), code };
  }
  const toldTo = async (hub: Hub, { state }: Ask): Promise<Record<string, unknown>> => {
    const answer = await clientOf(hub.gatewayUrl ?? '', 'pension-office').call('GET', `/v1/asks/${state}/answer`);
    return answer.ok ? (answer.value.body as Record<string, unknown>) : { refused: answer.failure.code };
  };

  it('a question that was asked at one is found after the PIN at the other, answered there, and the answer is told at both', async () => {
    const { ask } = await asked({ subject: demoId('lin') });
    const call = callDirectly(south);
    const lin = new Visitor(consortium.world, 'lin', call);
    const visit = await lin.signIn();
    const [waiting] = must(await call('asks.list', { session: visit.session })).asks;
    expect(waiting && toBase64url(waiting.id)).toBe(ask.state);
    expect(await toldTo(north, ask)).toEqual({ refused: 'ask-not-answered' });
    const { vpToken } = must(await answerAsk(ask, matchAsk(ask, [visit.credential]).parts, [], soon(), lin.card.signWithAut));
    const id = waiting?.id ?? new Uint8Array(16);
    expect(must(await call('ask.answer', { session: visit.session, ask: id, vpToken: JSON.stringify(vpToken) }))).toEqual({ transaction: expect.any(Uint8Array) as Uint8Array });
    const answer = await toldTo(north, ask);
    expect(answer).toMatchObject({ answer: 'yes', ledgerKey: 'active', subject: toHex(demoId('lin')), claims: ['name'] });
    expect(await toldTo(south, ask)).toEqual(answer);
    const trust = trustThrough(consortium.world.hubFile.trustRoot, nodeCrypto);
    expect(must(verifyReceipt(fromBase64url(answer['receipt'] as string) ?? new Uint8Array(), trust, nodeCrypto)).acts[0]).toMatchObject({ part: { agency: 'pension-office', claims: ['name'] } });
    // Nobody answers it a second time, wherever.
    const home = callDirectly(north);
    const again = await new Visitor(consortium.world, 'lin', home).signIn();
    expect(must(await home('asks.list', { session: again.session })).asks).toEqual([]);
    expect(must(await home('ask.answer', { session: again.session, ask: id, vpToken: JSON.stringify(vpToken) }))).toEqual({ refused: 'answer-replayed' });
  }, 60_000);

  it('a code that was told at one is good at the other, and refused there once', async () => {
    const { ask, code } = await asked();
    const call = callDirectly(south);
    const visit = await new Visitor(consortium.world, 'chen', call).signIn();
    const found = must(await call('ask.by-code', { session: visit.session, code })).ask;
    expect(found && toBase64url(found.id)).toBe(ask.state);
    expect(must(await call('ask.refuse', { session: visit.session, ask: found?.id ?? new Uint8Array(16) }))).toEqual({});
    expect(await toldTo(north, ask)).toMatchObject({ answer: 'no', claims: [], token: null });
    expect(must(await call('ask.by-code', { session: visit.session, code })).ask).toBeNull();
  }, 60_000);

  it('a code of the days before they shared a keeper is good at the other too', async () => {
    const call = callDirectly(south);
    const visit = await new Visitor(consortium.world, 'chen', call).signIn();
    expect(must(await call('ask.by-code', { session: visit.session, code: early })).ask).not.toBeNull();
    expect(existsSync(join(folder, 'north', 'asks.sqlite'))).toBe(false);
  }, 60_000);

  describe('a matter begun at one', () => {
    const sealed = new Uint8Array(40).fill(7);
    const visitAt = async (hub: Hub, person: string) => {
      const call = callDirectly(hub);
      return { call, session: (await new Visitor(consortium.world, person, call).signIn()).session };
    };

    it('is gone on with at the other by its resident alone, and is over at both once it is signed', async () => {
      const [there, here] = [await visitAt(north, 'lin'), await visitAt(south, 'lin')];
      const stranger = await visitAt(south, 'chen');
      const { code, until } = must(await there.call('hand-off.put', { session: there.session, sealed }));
      const typed = `${code.slice(0, 4).toLowerCase()} ${code.slice(4)}`;
      expect(must(await here.call('hand-off.get', { session: here.session, code: typed })).sealed).toEqual(sealed);
      expect(must(await stranger.call('hand-off.get', { session: stranger.session, code })).sealed).toBeNull();
      for (const hub of [north, south]) expect(must(await hub.matters.until(typed))).toBe(until);
      must(await here.call('hand-off.drop', { session: here.session, code: typed }));
      expect(must(await there.call('hand-off.get', { session: there.session, code })).sealed).toBeNull();
      expect(must(await there.call('hand-off.place', { session: there.session, code, waitMs: 0 })).place).toBeNull();
      for (const hub of [north, south]) expect(must(await hub.matters.until(code))).toBeNull();
    }, 60_000);

    it('is one of four that a resident has at all of them together, and is found nowhere in the clear', async () => {
      const [there, here] = [await visitAt(north, 'lin'), await visitAt(south, 'lin')];
      const codes: string[] = [];
      for (const { call, session } of [there, here, there, here, there]) codes.push(must(await call('hand-off.put', { session, sealed })).code);
      const found = await Promise.all(codes.map(async (code) => must(await here.call('hand-off.get', { session: here.session, code })).sealed !== null));
      expect(found.filter((isThere) => isThere)).toHaveLength(4);
      expect(server.sql('SELECT count(*) FROM imi_keeper.hand_off', 'district')).toBe('4');
      const dump = server.run('pg_dump', ['--format', 'plain', 'district']).toString('latin1');
      for (const code of codes) for (const form of [code, Buffer.from(code).toString('hex')]) expect(dump).not.toContain(form);
    }, 60_000);
  });

  it('at a hub that shares nothing but the ledger the code leads nowhere', async () => {
    const { code } = await asked();
    const call = callDirectly(east);
    const visit = await new Visitor(consortium.world, 'chen', call).signIn();
    expect(must(await call('ask.by-code', { session: visit.session, code }))).toEqual({ ask: null, triesLeft: 5 });
  }, 60_000);
});
