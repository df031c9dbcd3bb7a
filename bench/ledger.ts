import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { sizeFigures, type OfBoth, type SizeFigures } from './district-size.ts';
import { commitLatencies, throughput } from './embedded-engine.ts';
import { figure, figureAtLeast, type Figure } from './figures.ts';
import type { Rate } from './rate.ts';
import { receiptCheck } from './receipt-check.ts';
import { openSeeded, seededFolder, type SeededFolder } from './seeded-ledger.ts';
import { signatureRate } from './signature-rate.ts';
import { median, percentile } from './statistics.ts';
import { validatorFigures, type ValidatorFigures } from './validators.ts';

/**
 * `npm run bench:ledger -- [--residents N] [--entries M] [--seeded DIR]`: by default the sizes that the goals name, which takes minutes and
 * some 10 GB of disk; DIR holds a ledger of that size (`imi ledger seed --residents N --requests M-N`), is filled where it is not there, and stays.
 */
const { values } = parseArgs({ options: { residents: { type: 'string', default: '1000000' }, entries: { type: 'string', default: '10000000' }, seeded: { type: 'string' } } });
const large = { residents: Number(values.residents), entries: Number(values.entries) };
const small = { residents: Math.min(10_000, large.residents), entries: Math.min(100_000, large.entries) };

const transactionsInRun = 8000;
const runs = 3;
const lone = 500;

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function engineFigures(folder: SeededFolder): Promise<Figure[]> {
  say('Signing transactions, and having them checked, judged and written …');
  const ledger = openSeeded(folder);
  // A hub that has just started has nothing of the state at hand yet.
  await throughput(ledger, folder, transactionsInRun);
  const measured: { ours: Rate; bare: Rate[] }[] = [];
  for (let run = 0; run < runs; run++) {
    const before = signatureRate();
    const ours = await throughput(ledger, folder, transactionsInRun);
    measured.push({ ours, bare: [before, signatureRate()] });
  }
  const ratioBy = (of: keyof Rate): number => median(measured.map(({ ours, bare }) => ours[of] / mean(bare.map((one) => one[of]))));
  await ledger.close();
  say('One transaction after the other …');
  const latencies = await commitLatencies(folder, lone);
  const perSecond = median(measured.map(({ ours }) => ours.perSecond));
  return [
    figureAtLeast(
      'signatures checked and applied, embedded engine',
      ratioBy('perSecond'),
      'ratio',
      `to the machine's own Ed25519 verifications on one thread; ${Math.round(perSecond)} a second, ${Math.round(1_000_000 / perSecond)} µs each, with ${folder.residents} residents and two state updates a transaction; median of ${runs} runs of ${transactionsInRun}, after one that warms up. The checks go on beside the thread that judges, on Node's own pool. Each transaction goes into reading the state's pages and holding them against their hashes, hashing and writing them anew, and SQLite's own writing`,
      0.3,
    ),
    figure('the same, of the time that the judging thread itself computed', ratioBy('perThreadSecond'), 'ratio', 'without the checks beside it, and without what it waits for the disk and for others on this machine', null),
    figure('the same, of the time of all its threads', ratioBy('perProcessorSecond'), 'ratio', 'the checks counted, wherever they ran, and the collection of memory', null),
    figure('commit, embedded engine, p50', median(latencies), 'ms', `submission to receipt in hand, one at a time, ${lone} of them`, null),
    figure('commit, embedded engine, p99', percentile(latencies, 99), 'ms', 'the same', 10),
  ];
}

function sizeComparison({ lookUpMs, updateMs, startMs }: SizeFigures, ...[many, few]: OfBoth<SeededFolder>): Figure[] {
  const sizes = `${large.residents} residents and ${large.entries} entries, to ${small.residents} and ${small.entries}`;
  const times = (of: OfBoth<number>): string => `${of[0].toFixed(3)} ms to ${of[1].toFixed(3)} ms; ${sizes}`;
  return [
    figure('look-up with proof', lookUpMs[0] / lookUpMs[1], 'ratio', `${times(lookUpMs)}; of residents everywhere, each once, right after the start, both files read through before`, 2),
    figure('state update', updateMs[0] / updateMs[1], 'ratio', `${times(updateMs)}; in blocks of 100, without the commit`, 2),
    figure('start', startMs[0], 'ms', `opened, its end checked, ready to serve; ${Math.round(startMs[1])} ms with ${small.entries} entries`, 2000),
    figure('bytes an entry', many.bytes / many.entries, 'bytes', `the whole file, state and indices counted; ${Math.round(few.bytes / few.entries)} with ${small.entries} entries`, null),
  ];
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

async function measureAll(dir: string): Promise<{ figures: Figure[]; notMeasured: string[] }> {
  say(`Filling a ledger of ${small.residents} residents and ${small.entries} entries …`);
  const few = await seededFolder(path.join(dir, 'small'), small, say);
  say(`And one of ${large.residents} and ${large.entries} …`);
  const many = await seededFolder(values.seeded ?? path.join(dir, 'large'), large, say);
  say('Starting, looking up and updating both …');
  const compared = sizeComparison(await sizeFigures(many, few), many, few);
  const engine = await engineFigures(few);
  say('Verifying receipts …');
  const receipt = await receiptCheck(7);
  const network = await validatorFigures(dir, say);
  const figures = [
    ...engine,
    ...(network === null ? [] : networkFigures(network)),
    figure('receipt verified', receipt.verifyMs, 'ms', 'two acts with their private parts, seven validators, a log of 2^24 entries; nine signatures', 5),
    figure('receipt', receipt.bytes, 'bytes', 'the same', 3072),
    ...compared,
  ];
  return { figures, notMeasured: network === null ? ['four validators, and others beside them: CometBFT is not here (setup/cometbft.mjs)'] : [] };
}

function networkFigures({ ours, signaturesOnly, kvstore }: ValidatorFigures): Figure[] {
  const machine = `four validators and what loads them share the ${os.cpus().length} processors of this machine`;
  const beside = (theirs: number, unit: string): string => `CometBFT’s own kvstore in the same run: ${Math.round(theirs)} ${unit}; ${machine}`;
  return [
    figure('4 validators, 25 a second, p50', ours.p50Ms, 'ms', `submission until a node says that its block is committed; ${beside(kvstore.p50Ms, 'ms')}`, 200),
    figure('4 validators, 25 a second, p99', ours.p99Ms, 'ms', `the same; ${beside(kvstore.p99Ms, 'ms')}`, 500),
    figureAtLeast('4 validators, saturation', ours.saturation, 'per second', beside(kvstore.saturation, 'a second'), 500),
    figureAtLeast(
      '4 validators, saturation to kvstore’s',
      ours.saturation / kvstore.saturation,
      'ratio',
      `the same keys, configuration and sizes of transactions; kvstore runs inside CometBFT, checks no signature and writes no state to a disk. An application over the same socket that only checks the signatures, once each, without rules, state or disk, reaches ${(signaturesOnly.saturation / kvstore.saturation).toFixed(2)} of kvstore’s here`,
      0.8,
    ),
    figure(
      '4 validators, saturation to an application that only checks signatures',
      ours.saturation / signaturesOnly.saturation,
      'ratio',
      `the same envelopes over the same socket: ${Math.round(signaturesOnly.saturation)} a second; what the rules, the proven state and its writing to four disks cost`,
      null,
    ),
  ];
}

const dir = mkdtempSync(path.join(os.tmpdir(), 'imi-bench-ledger-'));
try {
  const { figures, notMeasured } = await measureAll(dir);
  const { loadavg, cpus } = os;
  const load = loadavg().map((one) => Math.round(one * 100) / 100);
  process.stdout.write(`${JSON.stringify({ figures, notMeasured, machine: { cpus: cpus().length, load, node: process.version } }, null, 2)}\n`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
