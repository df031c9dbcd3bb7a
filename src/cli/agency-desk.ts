import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { Agency } from '../gateway/agency/agency.ts';
import type { Signer } from '../ledger/verify/envelope.ts';
import type { DeskOpened, DeskRead, DeskState, DeskStepWish } from '../pages/agency/desk-state.ts';

export interface DeskOptions {
  agency: Agency;
  officer: 'demo-key' | 'card';
  /** Hands the officer's signer to the work, and takes it back. */
  withOfficer: <T>(work: (signer: Signer) => Promise<Result<T, Failure<string>>>) => Promise<Result<T, Failure<string>>>;
  /** 0: whichever is free. */
  port: number;
  now: () => number;
}

export interface Desk {
  /** With the secret in its path. */
  url: string;
  close(): Promise<void>;
}

const builtPage = join(import.meta.dirname, '../../dist/desk/agency.html');
const idSchema = z.strictObject({ id: z.string().regex(/^[0-9a-f]{32}$/) });
const stepSchema: z.ZodType<DeskStepWish> = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  step: z.enum(['received', 'needs-more', 'decided', 'closed']),
  decision: z.enum(['approved', 'refused']).optional(),
  letter: z.strictObject({ title: z.string().min(1).max(120), text: z.string().min(1).max(8000) }).optional(),
});
const longestCall = 32 * 1024;

/**
 * A clerk's page on 127.0.0.1, to whoever knows its address: the path is the secret, and no other origin may ask. Facts go to the page when they were looked
 * at and are kept nowhere here. `usage`: the page was not built.
 */
export async function openDesk({ agency, officer, withOfficer, port, now }: DeskOptions): Promise<Result<Desk, Failure<string>>> {
  let page: string;
  try {
    page = readFileSync(builtPage, 'utf8');
  } catch {
    return fail('usage', `${builtPage} is not there. Build it first: npx vite build --config vite.desk.config.ts`);
  }
  const secret = randomBytes(24).toString('base64url');
  const refusals = new Map<string, number>();
  const counted = <T>(outcome: Result<T, Failure<string>>): Result<T, Failure<string>> => {
    if (!outcome.ok) refusals.set(outcome.failure.code, (refusals.get(outcome.failure.code) ?? 0) + 1);
    return outcome;
  };

  const state = async (): Promise<Result<DeskState, Failure<string>>> => {
    const requests = await agency.requests();
    if (!requests.ok) return requests;
    const services = await agency.services();
    if (!services.ok) return services;
    const names = await agency.names();
    if (!names.ok) return names;
    const steps: DeskState['steps'] = [];
    for (let after = 0; ; ) {
      const changes = await agency.changes(after);
      if (!changes.ok) return changes;
      const last = changes.value.at(-1);
      if (last === undefined) break;
      steps.push(...changes.value.flatMap(({ kind, id, step, at }) => (kind === 'request.step' && step !== null ? [{ id, step, at }] : [])));
      after = last.seq;
    }
    return ok({
      agency: agency.name,
      names: names.value,
      officer,
      requests: requests.value.map(({ id, at, step, service }) => {
        const known = services.value.get(service);
        return { id, at, step, service, title: known?.title ?? { 'zh-Hans': service, en: service }, purpose: known === undefined ? null : { id: known.purpose.id, text: known.purpose.text } };
      }),
      steps,
      refusals: [...refusals].map(([code, count]) => ({ code, count })).sort((a, b) => b.count - a.count),
      now: Math.floor(now() / 1000),
    });
  };

  const open = async (id: string): Promise<Result<DeskOpened, Failure<string>>> => {
    const opened = await agency.open(id);
    if (!opened.ok) return opened;
    const services = await agency.services();
    if (!services.ok) return services;
    const asked = services.value.get(opened.value.request.service)?.questions.properties;
    const answers = Object.entries(opened.value.answers).map(([question, answer]) => {
      const form = asked?.[question];
      return { question, label: form?.['x-label'] ?? null, answer, choice: form?.['x-options']?.[form.enum?.indexOf(answer) ?? -1] ?? null };
    });
    return ok({ answers });
  };

  const read = async (id: string): Promise<Result<DeskRead, Failure<string>>> => {
    const opened = await agency.open(id);
    if (!opened.ok) return opened;
    const { request } = opened.value;
    const services = await agency.services();
    if (!services.ok) return services;
    const service = services.value.get(request.service);
    const [grant] = request.grants;
    if (service === undefined || grant === undefined) return fail('grant-unknown');
    const read = await withOfficer((signer) => agency.read({ id: grant, subject: request.subject }, service.purpose.id, signer));
    if (!read.ok) return read;
    const shown: DeskRead['shown'] = [];
    for (const { issuer, revocation, claims } of read.value.shown) {
      const names = await agency.names(issuer);
      if (!names.ok) return names;
      // As the resident saw them.
      const inOrder = service.claims.flatMap(({ claim }) => (claims[claim] === undefined ? [] : [{ claim, value: claims[claim] }]));
      shown.push({ issuer: { en: names.value.en, 'zh-Hans': names.value['zh-Hans'] }, revocation, claims: inOrder });
    }
    return ok({ transaction: read.value.transaction, shown });
  };

  const step = async ({ id, ...wish }: DeskStepWish): Promise<Result<null, Failure<string>>> => {
    const opened = await agency.open(id);
    if (!opened.ok) return opened;
    const done = wish.step === 'decided' ? await withOfficer((signer) => agency.step(opened.value.request, wish, signer)) : await agency.step(opened.value.request, wish);
    return done.ok ? ok(null) : done;
  };

  const calls: Record<string, ((body: unknown) => Promise<Result<unknown, Failure<string>>>) | undefined> = {
    open: (body) => given(idSchema, body, ({ id }) => open(id)),
    read: (body) => given(idSchema, body, ({ id }) => read(id)),
    step: (body) => given(stepSchema, body, step),
  };

  let host = '';
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.headers.host === host && (request.headers.origin ?? `http://${host}`) === `http://${host}` ? (request.url ?? '').split(`/${secret}/`)[1] : undefined;
    if (path === undefined) return send(response, 404, 'text/plain', 'not here');
    if (request.method === 'GET' && path === '') return send(response, 200, 'text/html; charset=utf-8', page);
    if (request.method === 'GET' && path === 'state') return sendOutcome(response, await state());
    const call = request.method === 'POST' && request.headers['content-type'] === 'application/json' && Object.hasOwn(calls, path) ? calls[path] : undefined;
    if (call === undefined || Number(request.headers['content-length'] ?? longestCall + 1) > longestCall) return send(response, 404, 'text/plain', 'not here');
    const body = parsed((await buffer(request)).toString('utf8'));
    return sendOutcome(response, counted(await call(body)));
  };
  const server = createServer({ requestTimeout: 60_000 }, (request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  const bound = await new Promise<number | null>((resolve) => {
    server.once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
  if (bound === null) return fail('unusable', `127.0.0.1:${port}`);
  host = `127.0.0.1:${bound}`;
  return ok({
    url: `http://${host}/${secret}/`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  });
}

async function given<T>(schema: z.ZodType<T>, body: unknown, call: (read: T) => Promise<Result<unknown, Failure<string>>>): Promise<Result<unknown, Failure<string>>> {
  const read = schema.safeParse(body);
  return read.success ? call(read.data) : fail('call-malformed');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const sendOutcome = (response: ServerResponse, outcome: Result<unknown, Failure<string>>): void =>
  send(response, 200, 'application/json', JSON.stringify(outcome.ok ? outcome : { ok: false, code: outcome.failure.code }));

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  });
  response.end(body);
}
