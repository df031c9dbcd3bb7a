import type { FailureCode } from '../../contract/failures.ts';
import { fail, ok } from '../../contract/result.ts';
import type { Result } from '../../contract/result.ts';
import type { HidInfo } from './hid.ts';

/** A device as the hub's file names it. */
export interface WantedHid {
  vendor: string;
  product: string;
  usagePage?: number | undefined;
  usage?: number | undefined;
  serial?: string | undefined;
}

const isKeyboard = ({ usagePage, usage }: HidInfo): boolean => usagePage === 0x01 && (usage === 0x06 || usage === 0x07);

/**
 * The first that fits. A device that is there as a keyboard alone would type into whatever has the focus: `device-keyboard`, and not used (lesson 19).
 * @param missing the code of a device that is not there.
 */
export function chooseHid(devices: readonly HidInfo[], wanted: WantedHid, missing: FailureCode): Result<HidInfo> {
  const same = devices.filter(
    ({ vendor, product, serial }) => vendor === Number.parseInt(wanted.vendor, 16) && product === Number.parseInt(wanted.product, 16) && (wanted.serial === undefined || serial === wanted.serial),
  );
  if (same.length === 0) return fail(missing);
  const usable = same.filter((device) => !isKeyboard(device));
  if (usable.length === 0) return fail('device-keyboard');
  const fitting = usable.find(({ usagePage, usage }) => (wanted.usagePage ?? usagePage) === usagePage && (wanted.usage ?? usage) === usage);
  if (fitting !== undefined) return ok(fitting);
  if (same.length > usable.length) return fail('device-keyboard');
  return fail('device-fault', `usage ${usable.map(({ usagePage, usage }) => `${usagePage.toString(16)}/${usage.toString(16)}`).join(' ')}`);
}
