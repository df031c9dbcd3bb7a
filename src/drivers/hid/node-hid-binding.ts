import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { fail, ok } from '../../contract/result.ts';
import type { Result } from '../../contract/result.ts';
import { errorCode, lostBy } from '../device-file.ts';
import type { Hid, HidConnection, HidInfo } from './hid.ts';

type NodeHid = typeof import('node-hid');

/** HID through `node-hid` (Node-API) and hidraw. Loaded when it is first needed: without it a device is at fault, and the host goes on. */
export class NodeHidBinding implements Hid {
  async list(): Promise<Result<HidInfo[]>> {
    const hid = await load();
    if (!hid.ok) return hid;
    try {
      const devices = await hid.value.devicesAsync();
      return ok(
        devices.flatMap(({ path, vendorId, productId, usagePage, usage, serialNumber, product }) =>
          path === undefined
            ? []
            : [{ path, vendor: vendorId, product: productId, usagePage: usagePage ?? 0, usage: usage ?? 0, serial: serialNumber ?? '', name: product ?? '' }],
        ),
      );
    } catch (error) {
      return fail('device-fault', messageOf(error));
    }
  }

  async open(path: string, { onData, onLost }: Parameters<Hid['open']>[1]): Promise<Result<HidConnection>> {
    const hid = await load();
    if (!hid.ok) return hid;
    try {
      // The binding's own words do not tell why a device cannot be opened.
      await access(path, constants.R_OK | constants.W_OK);
    } catch (error) {
      const code = errorCode(error);
      return fail(code === 'EACCES' || code === 'EPERM' ? 'device-no-permission' : 'device-lost', path);
    }
    try {
      const device = await hid.value.HIDAsync.open(path);
      let isOver = false;
      device.on('data', (bytes: Buffer) => {
        if (!isOver) onData(new Uint8Array(bytes));
      });
      device.on('error', (error) => {
        if (!isOver) onLost(messageOf(error));
        isOver = true;
      });
      return ok({
        async write(report) {
          try {
            await device.write(Buffer.from([0, ...report]));
            return ok(null);
          } catch (error) {
            return lostBy(error);
          }
        },
        async close() {
          isOver = true;
          try {
            await device.close();
          } catch {
            // Unplugged: there is nothing left to close.
          }
        },
      });
    } catch (error) {
      return fail('device-fault', messageOf(error));
    }
  }
}

async function load(): Promise<Result<NodeHid>> {
  try {
    const { default: hid } = await import('node-hid');
    hid.setDriverType('hidraw');
    return ok(hid);
  } catch (error) {
    return fail('device-fault', `binding node-hid: ${messageOf(error)}`);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
