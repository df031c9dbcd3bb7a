import type { Card } from './card.ts';
import type { Command, PinPurpose } from './command.ts';
import { never } from '../../src/contract/result.ts';
import { sw } from './status-word.ts';

/** Whether a command may run now: 9000, or the status word that refuses it. Looks, and changes nothing. */
export function checkAccess({ state, session }: Card, command: Command): number {
  if (command.kind === 'select') return sw.ok;
  if (!session.selected) return sw.notFound;
  if (command.kind === 'activate') return sw.ok;
  if (state.terminated) return sw.terminated;
  const after = (purpose: PinPurpose): number => (session.verified[purpose] ? sw.ok : sw.securityStatus);
  switch (command.kind) {
    case 'select-data':
    case 'get-next-data':
    case 'verify':
    case 'ask-verified':
    case 'forget-verified':
    case 'change-pin':
    case 'read-key':
    case 'get-challenge':
      return sw.ok;
    case 'get-data':
      return state.privateObjects === null ? sw.ok : afterAny(privateReaders[command.tag]);
    case 'put-data':
      return state.privateObjects === null ? after('admin') : after(privateWriters[command.tag] ?? 'admin');
    case 'unblock-pin':
      return command.by === 'admin' ? after('admin') : sw.ok;
    case 'generate-key':
      return after('admin');
    case 'sign':
      return after('sign');
    case 'decipher':
    case 'authenticate':
      return after('user');
    case 'terminate':
      return state.pw1.triesLeft === 0 && state.pw3.triesLeft === 0 ? sw.ok : after('admin');
    default:
      return never(command);
  }

  function afterAny(purpose: PinPurpose | undefined): number {
    return purpose === undefined ? sw.ok : after(purpose);
  }
}

/** DOs 0101 to 0104, §4.4.1: who reads and who writes; everybody reads what is not named. */
const privateReaders: Readonly<Record<number, PinPurpose>> = { 0x0103: 'user', 0x0104: 'admin' };
const privateWriters: Readonly<Record<number, PinPurpose>> = { 0x0101: 'user', 0x0102: 'admin', 0x0103: 'user', 0x0104: 'admin' };
