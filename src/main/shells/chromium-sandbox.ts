import { readdirSync, readFileSync } from 'node:fs';
import { fail, ok, type Result } from '../../contract/result.ts';

/**
 * Looks at the renderers below `browserPid` as the kernel sees them: a system-call filter (`Seccomp: 2`) and a process namespace of their own (`NSpid` with more than one number).
 * Fails with `browser-sandbox` where one lacks either, or where there is none to look at.
 * Takes a few milliseconds, at once: asynchronous reads would wait behind everything else that a start has to do.
 */
export function checkRendererSandbox(browserPid: number): Result<{ renderers: number }> {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const stat = /^[0-9]+$/.test(name) ? readProc(`${name}/stat`) : '';
    const parent = /^.*\) \S ([0-9]+)/s.exec(stat)?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  let renderers = 0;
  for (const pid of parents.keys()) {
    if (!descends(pid, browserPid, parents)) continue;
    if (!readProc(`${pid}/cmdline`).includes('--type=renderer')) continue;
    const status = readProc(`${pid}/status`);
    if (status === '') continue;
    if (!/^Seccomp:\s+2$/m.test(status)) return fail('browser-sandbox', 'no system-call filter');
    if (!/^NSpid:\s+[0-9]+\s+[0-9]+/m.test(status)) return fail('browser-sandbox', 'no process namespace');
    renderers += 1;
  }
  return renderers > 0 ? ok({ renderers }) : fail('browser-sandbox', 'no renderer to look at');
}

function descends(pid: number, ancestor: number, parents: ReadonlyMap<number, number>): boolean {
  for (let at = parents.get(pid); at !== undefined && at > 1; at = parents.get(at)) if (at === ancestor) return true;
  return false;
}

/** Empty where the process ended meanwhile. */
function readProc(name: string): string {
  try {
    return readFileSync(`/proc/${name}`, 'utf8');
  } catch {
    return '';
  }
}
