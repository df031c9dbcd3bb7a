import type { Failure, Result } from '../contract/result.ts';
import { encodeCheckpoint, type CheckpointKeeper } from './checkpoints.ts';
import { openHttpService, type HttpAnswer, type HttpService } from './http-service.ts';
import { readTile, tileAt, type TileLog } from './tiles.ts';

const plain = 'text/plain; charset=utf-8';
const never: HttpAnswer = { status: 404, type: plain, body: 'there is no such file\n' };

/**
 * The log for monitors and for witnesses that look by themselves (C2SP tlog-tiles): `GET /checkpoint`, `/tile/<L>/<N>[.p/<W>]`,
 * `/tile/entries/<N>[.p/<W>]`. Nothing behind the newest signed checkpoint is shown.
 */
export const openLogService = (
  { checkpoints, log }: { checkpoints: Pick<CheckpointKeeper, 'newest'>; log: TileLog },
  { host, port, onFault }: { host: string; port: number; onFault: (error: unknown) => void },
): Promise<Result<HttpService, Failure<'unusable'>>> =>
  openHttpService({
    host,
    port,
    limitBytes: 0,
    onFault,
    answer: ({ method, path }) => {
      if (method !== 'GET' && method !== 'HEAD') return { status: 405, type: plain, body: 'GET only\n' };
      const { newest } = checkpoints;
      if (newest === null) return never;
      if (path === '/checkpoint') return { status: 200, type: plain, body: encodeCheckpoint(newest), cache: 'no-cache' };
      const tile = tileAt(path.slice(1));
      const bytes = tile && readTile(tile, log, newest.checkpoint.size);
      if (bytes === undefined) return never;
      return { status: 200, type: 'application/octet-stream', body: bytes, cache: 'public, max-age=31536000, immutable' };
    },
  });
