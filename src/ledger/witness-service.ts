import type { Failure, Result } from '../contract/result.ts';
import { openHttpService, type HttpService } from './http-service.ts';
import { addCheckpointLimitBytes, type Witness } from './witness.ts';

/** `POST /add-checkpoint`. */
export const openWitnessService = (
  witness: Pick<Witness, 'addCheckpoint'>,
  { host, port, onFault }: { host: string; port: number; onFault: (error: unknown) => void },
): Promise<Result<HttpService, Failure<'unusable'>>> =>
  openHttpService({
    host,
    port,
    limitBytes: addCheckpointLimitBytes,
    onFault,
    answer: ({ method, path, body }) => {
      if (path !== '/add-checkpoint') return { status: 404, type: 'text/plain; charset=utf-8', body: 'POST /add-checkpoint\n' };
      if (method !== 'POST') return { status: 405, type: 'text/plain; charset=utf-8', body: 'POST /add-checkpoint\n' };
      return witness.addCheckpoint(body);
    },
  });
