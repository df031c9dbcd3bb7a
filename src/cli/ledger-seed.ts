import { parseArgs } from 'node:util';
import { seedLedger } from '../ledger/seed.ts';

const usage = 'imi ledger seed --residents N --requests M --out DIR [--seed NUMBER]';

/** `imi ledger seed`: a ledger of a district's size, unsigned, to be measured. Says on standard error how far it is, and its figures as JSON on standard output. */
export async function runLedgerSeed(args: string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) {
    process.stderr.write(`Usage: ${usage}\n`);
    return 2;
  }
  const seeded = await seedLedger({
    ...options,
    clock: () => performance.now(),
    tell: (line) => process.stderr.write(`${line}\n`),
  });
  if (!seeded.ok) {
    process.stderr.write(`Not seeded: ${seeded.failure.detail ?? seeded.failure.code}\n`);
    return 1;
  }
  process.stdout.write(`${JSON.stringify(seeded.value)}\n`);
  return 0;
}

function readOptions(args: string[]): { residents: number; requests: number; dir: string; seed: number } | undefined {
  try {
    const { values } = parseArgs({ args, options: { residents: { type: 'string' }, requests: { type: 'string' }, out: { type: 'string' }, seed: { type: 'string', default: '1' } } });
    const [residents, requests, seed] = [values.residents, values.requests, values.seed].map((text) => (text !== undefined && /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined));
    if (residents === undefined || requests === undefined || seed === undefined || values.out === undefined || residents < 1) return undefined;
    return { residents, requests, dir: values.out, seed };
  } catch {
    return undefined;
  }
}
