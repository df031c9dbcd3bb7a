import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HostMessage, HostRequest } from '../../src/contract/device-host.ts';
import { hostPath, startRig, whyNoReaders } from './device-rig.ts';
import type { Rig } from './device-rig.ts';

const missing = whyNoReaders();

function start(binding: string, socket: string, execArgv: string[] = []): ChildProcess {
  return fork(hostPath, [`--binding=${binding}`], { execArgv, env: { PCSCLITE_CSOCK_NAME: socket }, serialization: 'advanced', stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
}

/** The first message that is as wished. */
function heard(host: ChildProcess, isWished: (message: HostMessage) => boolean): Promise<HostMessage> {
  return new Promise((resolve) => {
    host.on('message', (message) => {
      if (isWished(message as HostMessage)) resolve(message as HostMessage);
    });
  });
}

test.each(['smartcard', 'pcsclite'])('%s without a service says so (lesson 3)', async (binding) => {
  const host = start(binding, '/nowhere/pcscd.sock');
  expect(await heard(host, (message) => 'status' in message)).toEqual({ status: { service: 'no-service', readers: [], detail: 'SCARD_E_NO_SERVICE' } });
  host.kill('SIGKILL');
});

test.each(['smartcard', 'pcsclite'])('%s without its native module: no service, and why', async (binding) => {
  const withoutModule = `import { registerHooks } from 'node:module';
    registerHooks({ resolve(name, context, next) { if (name === '${binding}') throw new Error('not built'); return next(name, context); } });`;
  const host = start(binding, '/nowhere/pcscd.sock', ['--import', `data:text/javascript,${encodeURIComponent(withoutModule)}`]);
  const first = await heard(host, (message) => 'status' in message);
  expect(first).toEqual({ status: { service: 'no-service', readers: [], detail: `binding ${binding}: not built` } });
  const answer = heard(host, (message) => 'answer' in message);
  host.send({ id: 1, command: 'ping' } satisfies HostRequest);
  expect(await answer).toEqual({ answer: 1, result: { ok: true, value: null } });
  host.kill('SIGKILL');
});

test('a binding that does not exist ends it', async () => {
  const host = start('none', '/nowhere/pcscd.sock');
  expect(await once(host, 'exit')).toEqual([1, null]);
});

describe.skipIf(missing !== null)(`with a reader${missing === null ? '' : ` (${missing})`}`, () => {
  // A daemon for each: what the one before left hanging in it is not what the next one is asked about.
  let rig: Rig;
  beforeEach(async () => {
    rig = await startRig();
  });
  afterEach(() => rig.stop());

  test.each(['smartcard', 'pcsclite'])('%s dies with its parent, even before a card that never answers, and has written nothing', async (binding) => {
    const host = start(binding, rig.pcscd.socketPath);
    const written: Buffer[] = [];
    host.stdout?.on('data', (chunk: Buffer) => written.push(chunk));
    host.stderr?.on('data', (chunk: Buffer) => written.push(chunk));
    await heard(host, (message) => 'status' in message && message.status.readers[0]?.slot === 'no-card');
    const seen = heard(host, (message) => 'status' in message && message.status.readers[0]?.slot === 'card-present');
    await rig.hand.insert(rig.card());
    const inserted = await seen;
    const insertion = 'status' in inserted ? (inserted.status.readers[0]?.insertion ?? 0) : 0;
    const ask = (request: HostRequest): Promise<HostMessage> => {
      const answer = heard(host, (message) => 'answer' in message && message.answer === request.id);
      host.send(request);
      return answer;
    };
    expect(await ask({ id: 1, command: 'card.open', params: { reader: rig.reader, insertion } })).toMatchObject({ result: { ok: true } });
    const pin = Uint8Array.from(Buffer.from('123456'));
    expect(await ask({ id: 2, command: 'card.verify', params: { insertion, purpose: 'user', pin } })).toMatchObject({ result: { ok: true } });

    await rig.hand.fault({ kind: 'hang', at: { ins: 0x88 } });
    const hanging = rig.hand.command({ ins: 0x88 });
    host.send({ id: 3, command: 'card.authenticate', params: { insertion, data: new Uint8Array(8) } } satisfies HostRequest);
    await hanging;
    const exit = once(host, 'exit');
    host.disconnect();
    expect(await exit).toEqual([null, 'SIGKILL']);
    expect(Buffer.concat(written).toString()).toBe('');
  });
});
