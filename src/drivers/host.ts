import { flushCompileCache } from 'node:module';
import type { HostMessage, HostRequest } from '../contract/device-host.ts';
import type { DevicesFile } from '../contract/hub-file.ts';
import { DeviceService } from './device-service.ts';
import { Devices } from './devices.ts';
import type { DevicesEars } from './devices.ts';
import { NodeHidBinding } from './hid/node-hid-binding.ts';
import type { Pcsc } from './pcsc/pcsc.ts';
import { PcscliteBinding } from './pcsc/pcsclite-binding.ts';
import { SmartcardBinding } from './pcsc/smartcard-binding.ts';

/** Electron's `process.parentPort` in a utility process; in a process forked by Node there is none. */
interface ParentPort {
  on(event: 'message', listener: (event: { data: HostRequest }) => void): void;
  postMessage(message: HostMessage): void;
}

/** Started with the arguments of `hostArguments` by a parent that speaks `HostRequest` and `HostMessage`. */
function runHost(): void {
  const pcsc = pcscOf(argument('binding') ?? 'smartcard');
  const named = JSON.parse(argument('devices') ?? '{}') as DevicesFile;
  const devices = (ears: DevicesEars): Devices => new Devices(named, new NodeHidBinding(), ears);
  const parentPort = (process as { parentPort?: ParentPort }).parentPort;
  if (parentPort !== undefined) {
    const service = new DeviceService(pcsc, devices, (message) => parentPort.postMessage(message));
    parentPort.on('message', ({ data }) => service.handle(data));
    return;
  }
  if (process.send === undefined) throw new Error('the device host is started by the kiosk, not by hand');
  const service = new DeviceService(pcsc, devices, (message) => {
    if (process.connected) process.send?.(message);
  });
  process.on('message', (message) => service.handle(message as HostRequest));
  // Not `exit`: that waits for a card which never answers (hardware.md A4).
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
}

function argument(name: string): string | undefined {
  return process.argv.find((one) => one.startsWith(`--${name}=`))?.slice(name.length + 3);
}

function pcscOf(binding: string): Pcsc {
  if (binding === 'smartcard') return new SmartcardBinding();
  if (binding === 'pcsclite') return new PcscliteBinding();
  throw new Error(`no such PC/SC binding: ${binding}`);
}

runHost();
// The host is ended by SIGKILL, which leaves no time for it.
flushCompileCache();
