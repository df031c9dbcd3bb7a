import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** Process `root` and all that it started, as far as they still run. */
export function processesBelow(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = /^.*\) \S (\d+)/s.exec(read(`/proc/${name}/stat`))?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const below = (pid: number | undefined): boolean => pid !== undefined && (pid === root || below(parents.get(pid)));
  return [...parents.keys()].filter((pid) => below(pid));
}

export function processStatus(pid: number): string {
  return read(`/proc/${pid}/status`);
}

export function processArguments(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
}

/** Inodes of the sockets that a process holds. */
export function socketsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`)
    .map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      } catch {
        return undefined;
      }
    })
    .filter((inode) => inode !== undefined);
}

/** Inodes of the TCP sockets of this machine that listen. */
export function listeningSockets(): string[] {
  return ['tcp', 'tcp6']
    .flatMap((table) => read(`/proc/net/${table}`).trim().split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[3] === '0A')
    .map((columns) => columns[9] ?? '');
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
