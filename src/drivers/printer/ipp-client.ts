import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { fail, ok } from '../../contract/result.ts';
import type { Result } from '../../contract/result.ts';
import { errorCode } from '../device-file.ts';
import { decodeIpp, encodeIpp } from './ipp.ts';
import type { IppAnswer, IppAttribute, IppMessage } from './ipp.ts';

/** Where something is that speaks IPP over HTTP: CUPS at its socket, or a printer at its address. */
export type IppPlace = { socketPath: string; path: string } | { host: string; port: number; path: string };

export interface IppCall {
  operation: number;
  /** The printer's URI, as it names itself. */
  uri: string;
  attributes?: readonly IppAttribute[];
  job?: readonly IppAttribute[];
  document?: Uint8Array;
  /** As whom, to CUPS, which looks at the other end of its socket; nobody where it is left out. */
  user?: string;
  limitMs: number;
}

/** Answers are attributes; none that we ask for fills more. */
const longestAnswer = 1024 * 1024;
let lastId = 0;

/**
 * One operation. `printer-missing`: nobody answers there, or not in time; `device-no-permission`: the socket, or what was asked, is not for us;
 * `device-fault`: what answers is no IPP, or answers another request, or the place is none that can be asked. A refusal of IPP's own is an answer.
 */
export function callIpp(place: IppPlace, { operation, uri, attributes = [], job, document = new Uint8Array(0), user, limitMs }: IppCall): Promise<Result<IppAnswer>> {
  lastId = (lastId % 0x7fff_ffff) + 1;
  const requestId = lastId;
  const message: IppMessage = {
    code: operation,
    requestId,
    operation: [
      { name: 'attributes-charset', tag: 'charset', values: ['utf-8'] },
      { name: 'attributes-natural-language', tag: 'naturalLanguage', values: ['en'] },
      ...(uri === '' ? [] : [{ name: 'printer-uri', tag: 'uri' as const, values: [uri] }]),
      ...(user === undefined ? [] : [{ name: 'requesting-user-name', tag: 'name' as const, values: [user] }]),
      ...attributes,
    ],
    groups: job === undefined ? [] : [{ of: 'job', attributes: job }],
  };
  const body = Buffer.concat([encodeIpp(message), document]);
  const { path, ...where } = place;
  const headers = {
    'content-type': 'application/ipp',
    'content-length': String(body.length),
    // CUPS knows a caller at its socket by the process behind it, if told whom to look for.
    ...(user === undefined || !('socketPath' in place) ? {} : { authorization: `PeerCred ${user}` }),
  };
  return new Promise((resolve) => {
    const hear = (response: IncomingMessage): void => {
      const pieces: Buffer[] = [];
      let length = 0;
      response.on('data', (piece: Buffer) => {
        length += piece.length;
        pieces.push(piece);
        if (length > longestAnswer) response.destroy(new Error('too long an answer'));
      });
      response.on('end', () => resolve(answerOf(response.statusCode ?? 0, Buffer.concat(pieces), requestId)));
      response.on('error', (error) => resolve(lost(error)));
    };
    try {
      const sent = request({ ...where, path, method: 'POST', headers, agent: false, timeout: limitMs, signal: AbortSignal.timeout(limitMs), ...('socketPath' in place ? { host: 'localhost' } : {}) }, hear);
      sent.on('error', (error) => resolve(lost(error)));
      sent.end(body);
    } catch (error) {
      // Of a path or a name that no request can hold, Node says so by throwing.
      resolve(fail('device-fault', errorCode(error)));
    }
  });
}

function answerOf(status: number, body: Uint8Array, requestId: number): Result<IppAnswer> {
  if (status === 401 || status === 403) return fail('device-no-permission', `HTTP ${status}`);
  const answer = status === 200 ? decodeIpp(body) : null;
  if (answer === null) return fail('device-fault', `HTTP ${status}`);
  return answer.requestId === requestId ? ok(answer) : fail('device-fault', 'IPP request-id');
}

function lost(error: unknown): Result<never> {
  const code = errorCode(error);
  return code === 'EACCES' || code === 'EPERM' ? fail('device-no-permission', code) : fail('printer-missing', code === '' || code === 'ABORT_ERR' || code === '20' || code === '23' ? 'no answer' : code);
}
