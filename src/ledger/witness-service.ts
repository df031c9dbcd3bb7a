import type { Failure, Result } from '../contract/result.ts';
import { openHttpService, type HttpService } from './http-service.ts';
import { addCheckpointLimitBytes, type Witness } from './witness.ts';

const plain = 'text/plain; charset=utf-8';

/** `POST /add-checkpoint`, and for who compares: `GET /<SHA-256 of the origin, hex>/checkpoint`, the newest that was cosigned. */
export const openWitnessService = (
  witness: Pick<Witness, 'addCheckpoint' | 'newest'>,
  { host, port, onFault }: { host: string; port: number; onFault: (error: unknown) => void },
): Promise<Result<HttpService, Failure<'unusable'>>> =>
  openHttpService({
    host,
    port,
    limitBytes: addCheckpointLimitBytes,
    onFault,
    answer: ({ method, path, body }) => {
      const asked = /^\/([0-9a-f]{64})\/checkpoint$/.exec(path)?.[1];
      if (asked !== undefined) {
        if (method !== 'GET' && method !== 'HEAD') return { status: 405, type: plain, body: 'GET only\n' };
        const newest = witness.newest(asked);
        return newest === null ? { status: 404, type: plain, body: 'nothing was cosigned\n' } : { status: 200, type: plain, body: newest };
      }
      if (path !== '/add-checkpoint') return { status: 404, type: plain, body: 'POST /add-checkpoint\n' };
      if (method !== 'POST') return { status: 405, type: plain, body: 'POST /add-checkpoint\n' };
      return witness.addCheckpoint(body);
    },
  });
