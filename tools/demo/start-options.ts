import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

export const usage = `npm start -- [options]
  --tour               no windows: three requests by themselves, screens and receipts to out/tour/
  --hub FILE           another hub than the demonstration's; with FILE's .server.json beside it, the hub is started too
  --kiosk ID           which kiosk of the hub's file (default: the first that fits on this desktop)
  --reader real        the machine's own card readers instead of the virtual one and its cards
  --tls                the demonstration's kiosk and hub speak TLS, as if they were two machines
  --validators N       the demonstration's ledger is kept by N validators of CometBFT on this machine, 4 for instance
  --data DIR           where everything is kept between runs (default: out/demo, out/demo-validators, or out/<hub's file>)
  --fresh              forget what was kept
  --scale N            the kiosk's window, 1 = its real size, full screen (default: what fits)`;

export interface StartOptions {
  /** Null: the demonstration's own, seeded. */
  hubFile: string | null;
  /** Null: that hub runs elsewhere. */
  serverFile: string | null;
  kiosk: string | null;
  virtualReader: boolean;
  /** Of the demonstration only: another hub's file says so itself. */
  tls: boolean;
  /** Of the demonstration only; null: the hub is the one validator. */
  validators: number | null;
  dataDir: string;
  fresh: boolean;
  scale: number | null;
}

/** A sentence where the arguments are not understood. */
export function readStartOptions(args: readonly string[], root: string): StartOptions | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        hub: { type: 'string' },
        kiosk: { type: 'string' },
        reader: { type: 'string', default: 'virtual' },
        tls: { type: 'boolean', default: false },
        validators: { type: 'string' },
        data: { type: 'string' },
        fresh: { type: 'boolean', default: false },
        scale: { type: 'string' },
      },
    });
    if (values.reader !== 'virtual' && values.reader !== 'real') return `--reader is virtual or real`;
    const scale = values.scale === undefined ? null : Number(values.scale);
    if (scale !== null && !(scale >= 0.5 && scale <= 3)) return '--scale is 0.5 to 3';
    const hubFile = values.hub === undefined ? null : resolve(values.hub);
    if (hubFile !== null && !existsSync(hubFile)) return `${hubFile} is not there`;
    if (hubFile !== null && values.tls) return `--tls is for the demonstration; ${hubFile} has an address of its own`;
    const validators = values.validators === undefined ? null : Number(values.validators);
    if (validators !== null && !(Number.isInteger(validators) && validators >= 1 && validators <= 7)) return '--validators is 1 to 7';
    if (hubFile !== null && validators !== null) return '--validators is for the demonstration; another hub says in its server file who keeps its ledger';
    const beside = hubFile?.replace(/\.json$/, '.server.json');
    const name = hubFile === null ? (validators === null ? 'demo' : 'demo-validators') : (/([^/]+?)(\.json)?$/.exec(hubFile)?.[1] ?? 'hub');
    return {
      hubFile,
      serverFile: beside !== undefined && beside !== hubFile && existsSync(beside) ? beside : null,
      kiosk: values.kiosk ?? null,
      virtualReader: values.reader === 'virtual',
      tls: values.tls,
      validators,
      dataDir: resolve(values.data ?? join(root, 'out', name)),
      fresh: values.fresh,
      scale,
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
