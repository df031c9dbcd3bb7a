/** What `npm start` hands over to: the hub, the kiosk's window, and beside it the dock with the cards and devices. Ctrl+C, or closing the dock, ends all. */
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kioskNodeFlags, kioskProgram } from '../../src/cli/kiosk.ts';
import { type HubFile, hubFileSchema, hubServerFileSchema } from '../../src/contract/hub-file.ts';
import { openDockWindow } from '../dock/dock-window.ts';
import { type Plugged, pluggedPath, readPlugged } from '../dock/plugged-devices.ts';
import { type Pcscd, startPcscd } from '../pcscd.ts';
import { desktopSize, hasDisplay, type Places, placeWindows, type Size } from './desktop.ts';
import { demoPeople } from './people.ts';
import { openDemoHub } from './demo-hub.ts';
import { type Program, startProgram } from './program.ts';
import { Running } from './running.ts';
import { buildKiosk } from './kiosk-build.ts';
import { agenciesPort } from './world.ts';
import { readStartOptions, type StartOptions, usage } from './start-options.ts';

const root = join(import.meta.dirname, '../..');
const node = process.execPath;
const electron = join(root, 'node_modules/electron/dist/electron');
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

process.exitCode = await start(process.argv.slice(2));

async function start(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    say(usage);
    return 0;
  }
  const forTour = args.filter((argument) => argument !== '--tour');
  if (args.includes('--tour')) return tour(forTour);
  if (!hasDisplay(process.env)) {
    say('There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set): the tour runs instead.');
    return tour(forTour);
  }
  const options = readStartOptions(args, root);
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n\n${usage}\n`);
    return 2;
  }
  const running = new Running();
  try {
    return await open(options, running);
  } catch (error) {
    if (running.stopAsked) return 0;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    await running.end();
  }
}

async function tour(args: readonly string[]): Promise<number> {
  const program = join(import.meta.dirname, 'tour.ts');
  await buildKiosk(root);
  const running = await startProgram({ name: 'the tour', command: node, args: [program, ...args] });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void running.end());
  return running.ended;
}

/** Which hub file, which cards and whose data: seeded for the demonstration, as they are for another hub. */
interface Place {
  hub: HubFile;
  hubPath: string;
  /** Of the hub's own process; null where it runs elsewhere. */
  server: { file: string; dataDir: string } | null;
  kioskId: string;
  kioskDir: string;
  cards: string[];
  isDemo: boolean;
  /** Of the demonstration alone: where cards from the factory lie, and the files of an agency that can be reached. */
  blanks: string | null;
  agency: string | null;
}

async function open(options: StartOptions, running: Running): Promise<number> {
  if (options.fresh) rmSync(options.dataDir, { recursive: true, force: true });
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const opening = [
    options.hubFile === null ? demoPlace(options, running) : otherPlace(options, options.hubFile),
    options.virtualReader ? ownReader(running) : Promise.resolve(null),
    buildKiosk(root),
  ] as const;
  // Where one of them fails, what the others have begun is still to be ended.
  await Promise.allSettled(opening);
  const [place, pcscd] = await Promise.all(opening);

  const ends: Promise<number>[] = [running.stop];
  const places = placesOf(place.hub, place.kioskId, desktopSize());
  const behind = [
    pcscd !== null && place.cards.length > 0 ? openDock(place, pcscd, running) : Promise.resolve(null),
    place.server === null ? Promise.resolve(null) : openHub(place, place.server, running),
  ] as const;
  await Promise.allSettled(behind);
  const [dock, hub] = await Promise.all(behind);
  for (const program of [dock, hub]) if (program !== null) ends.push(program.ended);

  const scale = options.scale ?? (pcscd === null ? 1 : places.scale);
  const kiosk = await running.program({
    name: 'the kiosk',
    ...kioskCommand(dock === null || dock.plugged === null ? place : withDevices(place, dock.plugged, options.dataDir), scale, places.kiosk, dock?.plugged ?? null),
    env: pcscd === null ? process.env : { ...process.env, PCSCLITE_CSOCK_NAME: pcscd.socketPath },
  });
  ends.push(kiosk.ended);

  if (dock !== null) {
    const { x, y, width, height } = places.dock;
    const window = openDockWindow({ url: dock.url, position: { x, y }, size: { width, height } });
    running.with(() => {
      window.close();
      return window.closed;
    });
    ends.push(window.closed.then(() => 0));
    say('The kiosk is open, and the cards lie beside it.');
  } else {
    say('The kiosk is open.');
  }
  say(`What is kept lies in ${options.dataDir}. Ctrl+C ends everything.`);
  return Promise.race(ends);
}

function openHub({ hubPath }: Place, { file, dataDir }: { file: string; dataDir: string }, running: Running): Promise<Program> {
  return running.program({
    name: 'the hub',
    command: node,
    args: [join(root, 'src/cli/imi.ts'), 'hub', '--hub', hubPath, '--server', file, '--data', dataDir],
    readyLine: /^imi hub is ready on /,
  });
}

interface OpenDock {
  url: string;
  /** Null where another hub's file says itself which devices there are. */
  plugged: Plugged | null;
  ended: Promise<number>;
}

/** Before the kiosk, which has to be told of the devices; its window comes after the kiosk's. */
async function openDock(place: Place, pcscd: Pcscd, running: Running): Promise<OpenDock> {
  const { cards, blanks, agency, isDemo } = place;
  // Not in the data folder, as for the reader's socket.
  const dir = isDemo ? mkdtempSync(join(tmpdir(), 'imi-devices-')) : null;
  if (dir !== null) running.with(() => Promise.resolve(rmSync(dir, { recursive: true, force: true })));
  const devices = dir === null ? [] : ['--devices', dir, '--kiosk', kioskProgram, ...(runsElectron(place) ? ['--no-hid'] : [])];
  const dock = await running.program({
    name: 'the dock',
    command: node,
    args: [
      join(root, 'tools/dock/main.ts'),
      ...['--resident', pcscd.ports.resident, '--staff', pcscd.ports.staff].map(String),
      ...(blanks === null ? [] : ['--blanks', blanks]),
      ...(agency === null ? [] : ['--agency', agency]),
      ...devices,
      '--no-window',
      ...cards,
    ],
    readyLine: /^dock is ready on /,
  });
  return {
    url: dock.readyLine.replace(/^dock is ready on /, ''),
    plugged: dir === null ? null : readPlugged(readFileSync(pluggedPath(dir), 'utf8')),
    ended: dock.ended,
  };
}

/** The demonstration's kiosks with the devices that are plugged in. */
function withDevices(place: Place, { devices }: Plugged, dataDir: string): Place {
  const kiosks = Object.entries(place.hub.kiosks).map(([id, kiosk]) => [id, { ...kiosk, devices }] as const);
  const hub = { ...place.hub, kiosks: Object.fromEntries(kiosks) };
  const hubPath = join(dataDir, 'hub-with-devices.json');
  writeFileSync(hubPath, `${JSON.stringify(hub, null, 2)}\n`);
  return { ...place, hub, hubPath };
}

/** The one that was asked for, else the first that fits on this desktop beside the dock, else the first. */
function chooseKiosk(hub: HubFile, hubPath: string, wanted: string | null): string {
  const ids = Object.keys(hub.kiosks);
  const [first] = ids;
  if (first === undefined) throw new Error(`${hubPath} has no kiosk`);
  if (wanted === null) return ids.find((id) => placesOf(hub, id, desktopSize()).fits) ?? first;
  if (!ids.includes(wanted)) throw new Error(`${hubPath} has no kiosk ${wanted}; it has ${ids.join(', ')}`);
  return wanted;
}

function placesOf(hub: HubFile, kioskId: string, desktop: Size): Places {
  const screen = hub.kiosks[kioskId]?.screen;
  if (screen === undefined) throw new Error(`no kiosk ${kioskId}`);
  return placeWindows(desktop, { width: screen.widthPx, height: screen.heightPx });
}

async function demoPlace(options: StartOptions, running: Running): Promise<Place> {
  const { dataDir, kiosk, virtualReader } = options;
  const demo = await openDemoHub(options, running);
  const { world } = demo;
  const kioskId = chooseKiosk(world.hubFile, demo.hubPath, kiosk);
  const hub = virtualReader ? world.hubFile : withRealReaders(world.hubFile);
  const hubPath = virtualReader ? demo.hubPath : join(dataDir, 'hub-with-real-readers.json');
  if (!virtualReader) writeFileSync(hubPath, `${JSON.stringify(hub, null, 2)}\n`);
  return {
    hub,
    hubPath,
    server: { file: demo.serverPath, dataDir: world.hubDir },
    kioskId,
    kioskDir: world.kioskDirs[kioskId] ?? '',
    cards: demoPeople.map(({ id }) => world.cards[id] ?? ''),
    isDemo: true,
    blanks: join(dataDir, 'cards'),
    agency: agenciesReachable(demo.serverPath) ? join(dataDir, 'agencies/pension-office/agency.json') : null,
  };
}

/** Another hub's people have their own cards: those of the virtual ones that lie in the data folder. */
async function otherPlace({ dataDir, kiosk, serverFile }: StartOptions, hubPath: string): Promise<Place> {
  const hub = hubFileSchema.parse(JSON.parse(readFileSync(hubPath, 'utf8')));
  const kioskId = chooseKiosk(hub, hubPath, kiosk);
  const server = serverFile === null ? null : { file: serverFile, dataDir: join(dataDir, 'hub') };
  const cards = globSync('cards/*.json', { cwd: dataDir }).map((file) => join(dataDir, file));
  return { hub, hubPath, server, kioskId, kioskDir: join(dataDir, kioskId), cards: cards.toSorted(), isDemo: false, blanks: null, agency: null };
}

/** At the port that the agencies' files name; elsewhere where that was taken when the hub's file was written. */
function agenciesReachable(serverPath: string): boolean {
  const { gateway } = hubServerFileSchema.parse(JSON.parse(readFileSync(serverPath, 'utf8')));
  return gateway !== undefined && new URL(gateway.listen).port === String(agenciesPort);
}

/** The demonstration's kiosks with whatever readers this machine has. */
function withRealReaders(hub: HubFile): HubFile {
  const kiosks = Object.entries(hub.kiosks).map(([id, kiosk]) => [id, { ...kiosk, readers: { resident: '*' }, standIns: false }] as const);
  return { ...hub, kiosks: Object.fromEntries(kiosks) };
}

async function ownReader(running: Running): Promise<Pcscd> {
  // Not in the data folder: the path of a socket is short, the path of a checkout need not be.
  const dir = mkdtempSync(join(tmpdir(), 'imi-pcsc-'));
  const pcscd = await startPcscd({ dir });
  running.with(async () => {
    await pcscd.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  return pcscd;
}

/** Electron where its binary and the kiosk built for it are there, and we are not root; else the distribution's Chromium. */
function kioskCommand(place: Place, scale: number, { x, y }: { x: number; y: number }, plugged: Plugged | null): { command: string; args: string[] } {
  const { hubPath, kioskId, kioskDir } = place;
  const args = ['--hub', hubPath, '--kiosk', kioskId, '--data', kioskDir, '--scale', String(scale), '--position', `${x},${y}`];
  if (runsElectron(place)) return { command: electron, args: [root, ...args] };
  const screens = (plugged?.kiosk ?? null) === null ? [] : ['--renderer', join(root, 'dist/renderer')];
  return { command: node, args: [...kioskNodeFlags, plugged?.kiosk?.program ?? kioskProgram, ...args, ...screens] };
}

function runsElectron({ hub, kioskId }: Pick<Place, 'hub' | 'kioskId'>): boolean {
  const isPossible = existsSync(electron) && existsSync(join(root, '.vite/build/main.cjs')) && process.getuid?.() !== 0;
  return isPossible && hub.kiosks[kioskId]?.shell !== 'chromium';
}
