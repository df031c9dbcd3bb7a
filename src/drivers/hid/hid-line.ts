import type { FailureCode } from '../../contract/failures.ts';
import { ok } from '../../contract/result.ts';
import { chooseHid } from './choose-hid.ts';
import type { WantedHid } from './choose-hid.ts';
import type { Hid } from './hid.ts';
import type { OpenLine } from '../line.ts';
import { bytesOfReport, ReportSplitter, reportsOf } from './reports.ts';
import type { ReportForm } from './reports.ts';

/** A line of whole reports to the device that the hub's file names. */
export function openHidLine(hid: Hid, wanted: WantedHid, missing: FailureCode): OpenLine {
  return async (ears) => {
    const devices = await hid.list();
    if (!devices.ok) return devices;
    const chosen = chooseHid(devices.value, wanted, missing);
    if (!chosen.ok) return chosen;
    const splitter = new ReportSplitter();
    const connection = await hid.open(chosen.value.path, {
      onData: (bytes) => {
        for (const report of splitter.push(bytes)) ears.onBytes(report);
      },
      onLost: (detail) => ears.onLost(detail),
    });
    if (!connection.ok) return connection;
    const { name } = chosen.value;
    return ok({
      product: name === '' ? `${wanted.vendor}:${wanted.product}` : name,
      send: (report) => connection.value.write(report),
      close: () => connection.value.close(),
    });
  };
}

/** The same for a device that speaks a stream of bytes in its reports. */
export function openHidStream(hid: Hid, wanted: WantedHid, missing: FailureCode, form: ReportForm): OpenLine {
  const open = openHidLine(hid, wanted, missing);
  return async (ears) => {
    const line = await open({ onBytes: (report) => ears.onBytes(bytesOfReport(report, form)), onLost: (detail) => ears.onLost(detail) });
    if (!line.ok) return line;
    const { product, send, close } = line.value;
    return ok({
      product,
      close,
      async send(bytes) {
        for (const report of reportsOf(bytes, form)) {
          const sent = await send(report);
          if (!sent.ok) return sent;
        }
        return ok(null);
      },
    });
  };
}
