/**
 * `npm start -- --tour`: two residents, one in each language, make three requests each, with touches on the screen of a headless kiosk
 * and a virtual card in its reader. Leaves pictures, receipts, `trust.json` and `tour.json` in `out/tour/`, and the data of kiosk and hub.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import type { Language } from '../../src/contract/language.ts';
import { KioskProcess } from '../kiosk-driver/kiosk-process.ts';
import { Kiosk } from '../kiosk-driver/kiosk-driver.ts';
import { startPcscd } from '../pcscd.ts';
import { startVirtualCard } from '../virtual-card/hand.ts';
import { openDemoHub } from './demo-hub.ts';
import { Running } from './running.ts';
import { readStartOptions, type StartOptions, usage } from './start-options.ts';
import { Album, type Stop } from './tour-album.ts';
import { goThroughVisit, type TourRequest, type TourService, type TourVisit } from './tour-visit.ts';

const root = join(import.meta.dirname, '../..');
const imi = join(root, 'src/cli/imi.ts');
const folder = join(root, 'out/tour');
const run = promisify(execFile);

/** Who comes, and where their receipts go, below the tour's folder. */
const visitors: readonly { language: Language; resident: string; place: string }[] = [
  { language: 'zh-Hans', resident: 'lin', place: '' },
  { language: 'en', resident: 'chen', place: 'en' },
];

interface KeptReceipt {
  /** Below the tour's folder. */
  file: string;
  /** In the words of `imi verify-receipt`. */
  proves: string;
}

/** What `tour.json` says. */
interface TourReport {
  tour: 1;
  result: 'done' | 'failed';
  failure?: { reason: string; after: string; onScreen: string };
  startedAt: string;
  seconds: number;
  kiosk: string;
  /** As it names itself. */
  chromium: string;
  /** Everything that kiosk and hub wrote. */
  dataDir: string;
  /** Questions asked in the second and third request are those that no card, agency or earlier answer could tell. */
  visits: (Omit<TourVisit, 'requests'> & { requests: (TourRequest & { receipt: KeptReceipt })[] })[];
  steps: Stop[];
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const options = readStartOptions(args, root);
  if (typeof options === 'string' || options.hubFile !== null || !options.virtualReader) {
    process.stderr.write(`${typeof options === 'string' ? options : 'The tour goes through the demonstration’s own hub, with virtual cards.'}\n\n${usage}\n`);
    return 2;
  }
  const running = new Running();
  try {
    return await Promise.race([tour(options, running), running.stop.then(() => 130)]);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    await running.end();
  }
}

async function tour(options: StartOptions, running: Running): Promise<number> {
  const startedAt = new Date().toISOString();
  const { hall, kioskId, dataDir } = await openHall(options, running);
  const album = new Album(hall.kiosk, folder);
  const report: TourReport = { tour: 1, result: 'done', startedAt, seconds: 0, kiosk: kioskId, chromium: '', dataDir, visits: [], steps: album.stops };
  try {
    report.chromium = `Chromium ${(await hall.process.current()).browser.version()}`;
    for (const { language, resident, place } of visitors) {
      say(`${language}: ${resident} puts a card in`);
      const receipts = new Map<TourService, KeptReceipt>();
      const keep = async (service: TourService, receipt: Uint8Array): Promise<void> => {
        receipts.set(service, await keepReceipt(join(place, `${service}.receipt`), receipt));
      };
      const visit = await goThroughVisit({ ...hall, language, resident, album, keep });
      const requests = visit.requests.map((request) => ({ ...request, receipt: receipts.get(request.service) ?? noReceipt(request.service) }));
      report.visits.push({ ...visit, requests });
    }
  } catch (error) {
    report.result = 'failed';
    report.failure = await failureOf(error, hall, album);
  }
  report.seconds = album.seconds();
  writeFileSync(join(folder, 'tour.json'), `${JSON.stringify(report, null, 2)}\n`);
  if (report.failure === undefined) say(summary(report));
  else process.stderr.write(`${complaint(report.failure, hall.process.lastWords)}\n`);
  return report.failure === undefined ? 0 : 1;
}

/** The district on its first day, and in it one kiosk with a hand at its reader. */
async function openHall({ kiosk: wantedKiosk, tls, validators }: StartOptions, running: Running) {
  rmSync(folder, { recursive: true, force: true });
  const dataDir = join(folder, 'data');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const { world, hubPath, serverPath } = await openDemoHub({ dataDir, tls, validators }, running);
  const kioskId = wantedKiosk ?? Object.keys(world.kioskDirs)[0] ?? '';
  const kioskDir = world.kioskDirs[kioskId];
  if (kioskDir === undefined) throw new Error(`there is no kiosk ${kioskId} here, but ${Object.keys(world.kioskDirs).join(', ')}`);
  writeFileSync(join(folder, 'trust.json'), `${JSON.stringify(world.hubFile.trustRoot, null, 2)}\n`);

  await running.program({
    name: 'the hub',
    command: process.execPath,
    args: [imi, 'hub', '--hub', hubPath, '--server', serverPath, '--data', world.hubDir],
    readyLine: /^imi hub is ready on /,
  });
  // Not in the data folder: the path of a socket is short, the path of a checkout need not be.
  const socketDir = mkdtempSync(join(tmpdir(), 'imi-tour-'));
  running.with(() => Promise.resolve(rmSync(socketDir, { recursive: true, force: true })));
  const pcscd = await startPcscd({ dir: socketDir });
  running.with(() => pcscd.stop());
  const hand = await startVirtualCard({ ports: pcscd.ports });
  running.with(() => hand.close());
  const kioskProcess = new KioskProcess({ hubFile: hubPath, kioskId, dataDir: kioskDir, pcscSocket: pcscd.socketPath });
  running.with(() => kioskProcess.stop());
  const kiosk = new Kiosk(kioskProcess, hand, (person) => world.cards[person] ?? '');
  return { hall: { kiosk, hand, process: kioskProcess }, kioskId, dataDir };
}
type OpenHall = Awaited<ReturnType<typeof openHall>>['hall'];

/** Throws where `imi verify-receipt` refuses it. */
async function keepReceipt(file: string, receipt: Uint8Array): Promise<KeptReceipt> {
  writeFileSync(join(folder, file), receipt);
  const { stdout } = await run(process.execPath, [imi, 'verify-receipt', join(folder, file), '--trust', join(folder, 'trust.json')]);
  return { file, proves: stdout.trim() };
}

function noReceipt(service: string): never {
  throw new Error(`${service} left no receipt`);
}

async function failureOf(error: unknown, { kiosk }: OpenHall, album: Album): Promise<NonNullable<TourReport['failure']>> {
  await kiosk.screenshot(join(folder, 'failed.png')).catch(() => undefined);
  return {
    reason: error instanceof Error ? error.message : String(error),
    after: album.stops.at(-1)?.step ?? 'the start',
    onScreen: await kiosk.text().catch(() => 'nothing: the screen is gone'),
  };
}

function complaint({ reason, after, onScreen }: NonNullable<TourReport['failure']>, kioskWords: string): string {
  return [`The tour failed after ${after}: ${reason}`, '', 'On the screen stood:', onScreen, '', `The kiosk said: ${kioskWords === '' ? 'nothing' : kioskWords}`, '', `Its picture: ${join(folder, 'failed.png')}`].join('\n');
}

function summary({ visits, steps, seconds, chromium, kiosk }: TourReport): string {
  const receipts = visits.flatMap(({ requests }) => requests.map(({ receipt }) => receipt));
  const lines = visits.flatMap(({ language, resident, requests }) => [
    `  ${language}, ${resident}:`,
    ...requests.map(
      ({ service, reference, asked, remembered, known, touches }) =>
        `    ${service.padEnd(8)}${reference}  ${asked.length} asked, ${remembered.length} remembered, ${known.length} known, ${touches} touches`,
    ),
  ]);
  const place = relative(process.cwd(), folder);
  return [
    `${visits.length} visits at ${kiosk} in ${chromium}: ${steps.length} screens, ${receipts.length} receipts that hold, ${seconds} seconds.`,
    ...lines,
    `Everything lies in ${place}/. To check a receipt by hand:`,
    `  bin/imi verify-receipt ${place}/${receipts[0]?.file ?? ''} --trust ${place}/trust.json`,
  ].join('\n');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
