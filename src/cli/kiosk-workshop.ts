import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { hubFileSchema } from '../contract/hub-file.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { DeviceHost } from '../drivers/device-host.ts';
import { spawnNodeHost } from '../drivers/spawn-node-host.ts';
import { createLightClient } from '../ledger/client/light-client.ts';
import { secretsOf } from '../hub/key-file.ts';
import { softwareOpener } from '../identity/hpke.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import type { Signer } from '../ledger/verify/envelope.ts';
import { systemClock } from '../main/clock.ts';
import { tpmAtHand } from '../main/tpm.ts';
import { readDeviceKey, readOrMakeDeviceKey, wipeDeviceKey, type KeyPlace } from '../main/device-key.ts';
import { openOutbox } from '../main/outbox.ts';
import { actsOn, enrolOnce, keyPathOf, onDisk, openWay, settled, type Bench, type Way } from '../main/workshop/bench.ts';
import { openJournalFile, statementOf } from '../main/workshop/journal-export.ts';
import { throwawayKey } from '../main/workshop/setup-hub.ts';
import { checkReadiness, readinessJson, signReadiness, signedOrNull, type Check, type Readiness } from '../main/workshop/readiness.ts';
import { misuse, readOptions, refused, type Misuse } from './arguments.ts';
import { CardFailed, CardsAtHand, type Binding } from './cards-at-hand.ts';
import { readinessPdf } from '../main/workshop/readiness-page.ts';
import { openTerminal } from './terminal.ts';
import { workshopUsage } from './workshop-usage.ts';

/**
 * From an empty folder to a kiosk that may serve: the folder, the device key, the enrolment that a technician signs, and a look at everything. Called
 * again it does what is still to do. 0: ready; 1: refused, or something is bad; 2: wrongly called.
 */
export async function provision(args: string[]): Promise<number> {
  const read = readOptions(args, workshopUsage, { config: { type: 'string' } }, ({ config }) => (config === undefined ? misuse(workshopUsage) : readConfig(config)));
  if (!read.ok) return saidMisuse(read.failure);
  const { bench, pdf, tpm } = read.value;
  const place = keyPlace(tpm);
  if (!place.ok) return refused(place.failure);
  const made = onDisk(() => mkdirSync(bench.dataDir, { recursive: true, mode: 0o700 }));
  if (!made.ok) return refused(made.failure);
  const key = readOrMakeDeviceKey(keyPathOf(bench), place.value);
  if (!key.ok) return refused(key.failure);
  const enrolled = await enrolOnce(bench, key.value, (act) => withTechnician(bench.kioskFile.pcscBinding, act));
  if (!enrolled.ok) return refused(enrolled.failure);
  if (enrolled.value === 'enrolled') process.stdout.write(`Enrolled: ${bench.kioskId}\n`);
  if (enrolled.value === 'already-without-proof') process.stdout.write(`Enrolled before this: ${bench.kioskId}. The proof of it is on the ledger alone.\n`);
  return report(bench, { json: false, pdf });
}

/** Looks at everything that a visit needs, and changes nothing. 0: ready; 1: something is bad; 2: wrongly called. */
export async function check(args: string[]): Promise<number> {
  const read = readOptions(args, workshopUsage, { ...benchOptions, json: { type: 'boolean', default: false }, pdf: { type: 'string' } }, ({ json, pdf, ...where }) => {
    const bench = readBench(where);
    return bench.ok ? ok({ bench: bench.value, json, pdf: pdf ?? null }) : bench;
  });
  return read.ok ? report(read.value.bench, read.value) : saidMisuse(read.failure);
}

/** Takes the kiosk off the ledger with a technician's signature, then wipes its key; the receipt says how much it attested. Nothing that waits to be sent is lost: it is refused as long as there is something. */
export async function retire(args: string[]): Promise<number> {
  const options = { ...benchOptions, out: { type: 'string' }, gone: { type: 'boolean', default: false } } as const;
  const read = readOptions(args, workshopUsage, options, ({ out, gone, ...where }): Result<Retirement, Misuse> => {
    if (out === undefined) return misuse(workshopUsage, 'Where does the proof go?');
    if (gone) return readAbsent(where, out);
    const bench = readBench(where);
    return bench.ok ? ok({ gone, bench: bench.value, out }) : bench;
  });
  if (!read.ok) return saidMisuse(read.failure);
  if (read.value.gone) return retireAbsent(read.value);
  const { bench, out } = read.value;
  const key = readDeviceKey(keyPathOf(bench));
  if (!key.ok) return refused(key.failure);
  const outbox = openOutbox({ dataDir: bench.dataDir, clock: systemClock });
  if (!outbox.ok) return refused(outbox.failure);
  const waiting = outbox.value.waiting().length;
  outbox.value.close();
  if (waiting > 0) return refused({ code: 'outbox-not-empty', detail: `${waiting} requests wait to be sent: let the kiosk run until they are` });
  if (existsSync(out)) return refused({ code: 'kiosk-storage', detail: `${out} is there already` });
  const way = openWay(bench, key.value, 'setting-up');
  try {
    // Retired before, and then the power went: what is left to do is the key.
    const known = await actsOn(way, bench.kioskId).standing();
    if (!known.ok) return refused(known.failure);
    if (known.value.standing === 'retired') {
      const wiped = wipeDeviceKey(keyPathOf(bench));
      if (!wiped.ok) return refused(wiped.failure);
      process.stdout.write(`Retired: ${bench.kioskId}, before this. Its key is gone now; its proof is on the ledger alone.\n`);
      return 0;
    }
    const receipt = await withTechnician(bench.kioskFile.pcscBinding, (technician) => actsOn(way, bench.kioskId).retire(technician));
    if (!receipt.ok) return refused(receipt.failure);
    const written = onDisk(() => writeFileSync(out, receipt.value, { flag: 'wx' }));
    if (!written.ok) return refused({ ...written.failure, detail: `${out}: the kiosk is retired, and its key is still there` });
    const wiped = wipeDeviceKey(keyPathOf(bench));
    if (!wiped.ok) return refused(wiped.failure);
    process.stdout.write(`Retired: ${bench.kioskId}. The proof: ${out}\n`);
    return 0;
  } finally {
    way.hub.close();
  }
}

type Absent = Omit<Bench, 'kioskFile'> & { gone: true; out: string };
type Retirement = Absent | { gone: false; bench: Bench; out: string };

function readAbsent({ hub, kiosk, data }: { hub?: string | undefined; kiosk?: string | undefined; data?: string | undefined }, out: string): Result<Absent, Misuse> {
  if (hub === undefined || kiosk === undefined || data === undefined) return misuse(workshopUsage);
  return ok({ gone: true, hubFile: hubFileSchema.parse(JSON.parse(readFileSync(hub, 'utf8'))), kioskId: kiosk, dataDir: resolve(data), out });
}

/** Only who is on the hub's own machine may say it for another kiosk. Its key is wherever it is, and opens nothing any more. */
async function retireAbsent({ out, ...bench }: Absent): Promise<number> {
  if (existsSync(out)) return refused({ code: 'kiosk-storage', detail: `${out} is there already` });
  const way = openWay(bench, throwawayKey(), 'setting-up');
  try {
    const receipt = await withTechnician('smartcard', (technician) => actsOn(way, bench.kioskId).retire(technician));
    if (!receipt.ok) return refused(receipt.failure);
    const written = onDisk(() => writeFileSync(out, receipt.value, { flag: 'wx' }));
    if (!written.ok) return refused({ ...written.failure, detail: `${out}: the kiosk is retired` });
    process.stdout.write(`Retired: ${bench.kioskId}. The proof: ${out}\n`);
    return 0;
  } finally {
    way.hub.close();
  }
}

/** Prints the lines of an exported journal, where the ledger's key of that kiosk has signed it. 0: they are its own; 1: refused; 2: wrongly called. */
export async function journal(args: string[]): Promise<number> {
  const options = { from: { type: 'string' }, hub: { type: 'string' }, key: { type: 'string' }, data: { type: 'string', default: '.' } } as const;
  const read = readOptions(args, workshopUsage, options, ({ from, hub, key, data }) => (from === undefined || hub === undefined || key === undefined ? misuse(workshopUsage) : ok({ from, hub, key, data })));
  if (!read.ok) return saidMisuse(read.failure);
  const { from, hub: hubPath, key, data } = read.value;
  const secrets = secretsOf(key, ['seal']);
  if (!secrets.ok) return refused(secrets.failure);
  const file = new Uint8Array(readFileSync(from));
  const statement = statementOf(file);
  if (statement === null) return refused({ code: 'export-form', detail: from });
  const hubFile = hubFileSchema.parse(JSON.parse(readFileSync(hubPath, 'utf8')));
  const way = openWay({ hubFile, kioskId: statement.kiosk, dataDir: resolve(data) }, throwawayKey(), 'setting-up');
  try {
    const standing = await actsOn(way, statement.kiosk).standing();
    if (!standing.ok) return refused(standing.failure);
    if (standing.value.standing === 'unknown') return refused({ code: 'kiosk-not-enrolled', detail: statement.kiosk });
    const lines = await openJournalFile(file, standing.value.key, softwareOpener(secrets.value.seal), (verifyKey, input, signature) => nodeCrypto.verify(verifyKey, input, signature));
    if (!lines.ok) return refused(lines.failure);
    process.stderr.write(`${statement.kiosk}, ${statement.at}\n`);
    process.stdout.write(lines.value);
    return 0;
  } finally {
    way.hub.close();
  }
}

/** A technician's card in any reader of this machine. */
async function withTechnician(binding: Binding, act: (technician: Signer) => Promise<Result<Uint8Array>>): Promise<Result<Uint8Array, Failure<string>>> {
  const terminal = openTerminal(process.stdin, process.stderr);
  const cards = new CardsAtHand(terminal, { binding, reader: null });
  try {
    const card = await cards.signer('the technician’s card', null);
    if (!card.ok) return card;
    const done = await act(card.value);
    await card.value.release();
    return done;
  } catch (error) {
    if (error instanceof CardFailed) return { ok: false, failure: error.failure };
    throw error;
  } finally {
    cards.stop();
    terminal.close();
  }
}

async function report(bench: Bench, { json, pdf }: { json: boolean; pdf: string | null }): Promise<number> {
  const { hubFile, kioskId, kioskFile, dataDir } = bench;
  const deviceKey = readDeviceKey(keyPathOf(bench));
  // Without a key of its own it has no way over TLS; what is wrong with it is said.
  const way = deviceKey.ok ? openWay(bench, deviceKey.value, 'kiosk') : null;
  const host = new DeviceHost(spawnNodeHost({ hostPath: join(import.meta.dirname, '../drivers/host.ts'), binding: kioskFile.pcscBinding }));
  try {
    const devices = await settled(host);
    const noWay: Way['hub']['call'] = () => Promise.resolve(deviceKey.ok ? fail('hub-unreachable') : deviceKey);
    const light = way?.light ?? createLightClient({ hub: { call: noWay }, trustRoot: hubFile.trustRoot, crypto: nodeCrypto, clock: Date.now, maxHeadAgeMs: hubFile.maxHeadAgeMs });
    const found = await checkReadiness({
      hubFile,
      kioskId,
      dataDir,
      version: productVersion(),
      program: existsSync(join(import.meta.dirname, '../../dist/kiosk/chromium.mjs')) ? ok(null) : fail('not-built', 'docs/technicians.md says how'),
      deviceKey,
      devices,
      hub: way?.hub ?? { call: noWay },
      light,
      district: way?.district ?? { checkKiosk: () => Promise.resolve(fail('kiosk-config')) },
      now: Date.now,
    });
    const signed = deviceKey.ok ? signedOrNull(await signReadiness(found, deviceKey.value)) : null;
    process.stdout.write(json ? readinessJson({ report: found, signed }) : linesOf(found));
    if (pdf !== null) {
      const printed = await readinessPdf({ report: found, signed }, hubFile);
      if (!printed.ok) return refused(printed.failure);
      const written = onDisk(() => writeFileSync(pdf, printed.value));
      if (!written.ok) return refused(written.failure);
    }
    return found.ready ? 0 : 1;
  } finally {
    host.stop();
    way?.hub.close();
  }
}

/** As it stands in the package that this program lies in. */
const productVersion = (): string => z.object({ version: z.string() }).parse(JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))).version;

const marks: Record<Check['state'], string> = { good: 'ok     ', warning: 'look   ', bad: 'WRONG  ' };
const linesOf = ({ checks, ready, kiosk }: Readiness): string =>
  [...checks.map(({ check: name, state, code, detail }) => `${marks[state]}${[name, code, detail].filter((word) => word !== undefined).join('  ')}`), ready ? `${kiosk} is ready.` : `${kiosk} is not ready.`, ''].join('\n');

/** `tpm`: true, this machine's; or the way to another, as TPM2-Tools name it. Left out: a file. */
const configSchema = z.strictObject({ hub: z.string(), kiosk: z.string(), data: z.string(), pdf: z.string().optional(), tpm: z.union([z.boolean(), z.string()]).default(false) });

function keyPlace(tpm: boolean | string): Result<KeyPlace> {
  if (tpm === false) return ok('file');
  const tcti = tpm === true ? tpmAtHand() : tpm;
  return tcti === null ? fail('kiosk-config', 'no TPM 2.0, or no tpm2-tools') : ok({ tpm: tcti });
}

function readConfig(path: string): Result<{ bench: Bench; pdf: string | null; tpm: boolean | string }, Misuse> {
  const { hub, kiosk, data, pdf, tpm } = configSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  const at = (file: string): string => resolve(dirname(path), file);
  const bench = readBench({ hub: at(hub), kiosk, data: at(data) });
  return bench.ok ? ok({ bench: bench.value, pdf: pdf === undefined ? null : at(pdf), tpm }) : bench;
}

const benchOptions = { hub: { type: 'string' }, kiosk: { type: 'string' }, data: { type: 'string' } } as const;

function readBench({ hub, kiosk, data }: { hub?: string | undefined; kiosk?: string | undefined; data?: string | undefined }): Result<Bench, Misuse> {
  if (hub === undefined || kiosk === undefined || data === undefined) return misuse(workshopUsage);
  const hubFile = hubFileSchema.parse(JSON.parse(readFileSync(hub, 'utf8')));
  const kioskFile = hubFile.kiosks[kiosk];
  if (kioskFile === undefined) return misuse(workshopUsage, `${hub} names no kiosk “${kiosk}”.`);
  return ok({ hubFile, kioskFile, kioskId: kiosk, dataDir: resolve(data) });
}

function saidMisuse({ detail }: Misuse): number {
  process.stderr.write(`${detail ?? workshopUsage}\n`);
  return 2;
}
