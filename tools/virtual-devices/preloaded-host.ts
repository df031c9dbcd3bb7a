import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface PreloadedHost {
  hostPath: string;
  env: Readonly<Record<string, string>>;
}

/**
 * Writes a program that runs the device host with more in its environment, and hands all messages through: the kiosk itself starts its host with next to
 * none. @returns its path.
 */
export function writePreloadedHost(dir: string, host: PreloadedHost, name = 'preloaded-host.mjs'): string {
  const path = join(dir, name);
  writeFileSync(path, `import { runPreloadedHost } from ${JSON.stringify(fileURLToPath(import.meta.url))};\nrunPreloadedHost(${JSON.stringify(host)});\n`);
  return path;
}

export function runPreloadedHost({ hostPath, env }: PreloadedHost): void {
  const child = fork(hostPath, process.argv.slice(2), { execArgv: [], env: { ...process.env, ...env }, serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  child.on('message', (message) => process.connected && process.send?.(message));
  process.on('message', (message) => child.connected && child.send(message as object));
  // Killed itself, its end of the channel closes, and the host ends by that.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  child.on('exit', (code) => process.exit(code ?? 1));
}
