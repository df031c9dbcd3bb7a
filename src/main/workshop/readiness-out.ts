import type { PackedSlip } from '../../contract/bridge.ts';
import type { Failure, Result } from '../../contract/result.ts';
import type { ReadinessLines, TestResult } from '../../contract/workshop.ts';
import type { Devices } from '../card.ts';
import { unpackSlip } from '../printing.ts';
import { writeExport, type ExportTarget, type Written } from './medium.ts';
import { checkLineOf, readinessJson, type SignedReadiness } from './readiness.ts';

/** As a page shows it. */
export const readinessLines = ({ report: { ready, checks, at, version, machine } }: SignedReadiness): ReadinessLines => ({ ready, checks: checks.map(checkLineOf), at, version, machine });

export const failedTest = ({ code, detail }: Failure): TestResult => ({ test: 'failed', code, detail: detail ?? null });

/** A slip that the page has drawn, on paper once the printer has said so. */
export async function printedSlip(devices: Devices, packed: PackedSlip): Promise<TestResult> {
  const slip = unpackSlip(packed);
  const printed = slip.ok ? await devices.call('printer.print', { slip: slip.value }) : slip;
  return printed.ok ? { test: 'printed' } : failedTest(printed.failure);
}

/** One page to be read, and the same for a program. As `writeExport`; as `makePdf`, and then nothing is written. */
export async function writeReadiness(found: SignedReadiness, makePdf: (found: SignedReadiness) => Promise<Result<Uint8Array>>, target: ExportTarget): Promise<Written> {
  const pdf = await makePdf(found);
  if (!pdf.ok) return pdf;
  const { kiosk, at } = found.report;
  const name = `readiness-${kiosk}-${at.slice(0, 19).replaceAll(':', '')}`;
  return writeExport(target, [{ name: `${name}.pdf`, bytes: pdf.value }, { name: `${name}.json`, bytes: Buffer.from(readinessJson(found)) }]);
}
