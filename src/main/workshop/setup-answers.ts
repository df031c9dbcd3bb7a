import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { devicesSchema, hubFileSchema, hubPlaceSchema, kioskSchema, type HubFile, type KioskFile } from '../../contract/hub-file.ts';
import { languageSchema } from '../../contract/language.ts';
import type { Result } from '../../contract/result.ts';
import { setupSteps } from '../../contract/workshop.ts';
import { keptFile } from '../kept-file.ts';
import { onDisk, type Bench } from './bench.ts';

/** What has been answered so far, and where it goes on. */
const answersSchema = z.strictObject({
  v: z.literal(1),
  step: z.enum(setupSteps),
  language: languageSchema,
  /** Typed by hand; the file below came from there. */
  place: hubPlaceSchema.optional(),
  hubFile: hubFileSchema.optional(),
  kioskId: z.string().optional(),
  screen: kioskSchema.shape.screen.optional(),
  residentReader: z.string().optional(),
  /** null: the residents' takes both. */
  staffReader: z.string().nullable().optional(),
  devices: devicesSchema.default({}),
  /** Devices that were asked about, so that none of them is an answer too. */
  asked: z.array(z.enum(setupSteps)).default([]),
});
export type SetupAnswers = z.infer<typeof answersSchema>;

const answersFile = 'setup.json';
/** What the kiosk is from then on: its own hub file, and which kiosk of it this is (shells/kiosk-arguments.ts). */
const hubFileName = 'hub.json';
const homeFile = 'kiosk.json';

/** As they were left when the power went; undefined: nobody has begun, or what lies there is none. */
export function keptAnswers(dataDir: string): SetupAnswers | undefined {
  const path = join(dataDir, answersFile);
  if (!existsSync(path)) return undefined;
  try {
    return answersSchema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
}

/** On the disk when this returns. `kiosk-storage`. */
export function keepAnswers(dataDir: string, answers: SetupAnswers): Result<null> {
  return onDisk(() => {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    writeSafely(dataDir, answersFile, answers);
  });
}

/** From the next start on this folder is a kiosk's. The last thing that is written, so that a power cut leaves either a kiosk or a wizard. */
export function becomeKiosk({ dataDir, hubFile, kioskId }: Bench): Result<null> {
  return onDisk(() => {
    writeSafely(dataDir, hubFileName, hubFile);
    writeSafely(dataDir, homeFile, { hub: hubFileName, kiosk: kioskId });
    rmSync(join(dataDir, answersFile), { force: true });
  });
}

/** The kiosk that the answers describe; null while something is still open. */
export function benchOf(dataDir: string, { hubFile, kioskId, screen, residentReader, staffReader, devices }: SetupAnswers): Bench | null {
  if (hubFile === undefined || kioskId === undefined || screen === undefined || residentReader === undefined || staffReader === undefined) return null;
  // What the hub's file says of this kiosk and nobody measures on the spot stays as it says.
  const { pcscBinding = 'smartcard', shell = 'any', standIns = false, deviceKey = 'device.key.json' }: Partial<KioskFile> = hubFile.kiosks[kioskId] ?? {};
  const kioskFile: KioskFile = { readers: { resident: residentReader, ...(staffReader === null ? {} : { staff: staffReader }) }, devices, pcscBinding, screen, shell, standIns, deviceKey };
  const own: HubFile = { ...hubFile, kiosks: { [kioskId]: kioskFile } };
  return { hubFile: own, kioskFile, kioskId, dataDir };
}

/** Whole or not at all. */
const writeSafely = (dataDir: string, name: string, value: unknown): void => keptFile(join(dataDir, name)).write(new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`));
