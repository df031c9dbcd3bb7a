import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** The device's end of a serial line. */
export interface SerialWire {
  send(bytes: Uint8Array): void;
  /** Resolves when the path is gone. */
  unplug(): Promise<void>;
}

/** Plugs a serial line in at this path. @param onWritten what a program wrote to it, in whatever pieces. */
export async function plugSerialWire(path: string, onWritten: (bytes: Uint8Array) => void): Promise<SerialWire> {
  const child = spawn('/usr/bin/python3', [join(import.meta.dirname, 'pty.py'), path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  // It says with its first byte that the path is there.
  await once(child.stdout, 'data');
  child.stdout.on('data', (bytes: Buffer) => onWritten(new Uint8Array(bytes)));
  return {
    send: (bytes) => {
      if (!child.stdin.writableEnded) child.stdin.write(bytes);
    },
    async unplug() {
      child.stdin.end();
      await exit;
    },
  };
}
