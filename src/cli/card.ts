import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { hubFileSchema, type HubFile } from '../contract/hub-file.ts';
import { answerFromHome } from './card-answer.ts';
import { CardsAtHand, isBinding, type CardsWish } from './cards-at-hand.ts';
import { isHomeAddress } from './home-hub.ts';
import { openTerminal, type Terminal } from './terminal.ts';

export const usage = [
  'imi card answer URL --hub FILE [--reader NAME] [--binding smartcard|pcsclite] [--data DIR]',
  'imi card status [--reader NAME] [--binding smartcard|pcsclite]',
].join('\n');

/** Exit codes: 0 answered (or: a card is there), 1 it failed, with its code, 2 called wrongly, 3 refused by whoever holds the card, 4 the card has nothing to answer with. */
export async function run(args: string[]): Promise<number> {
  const called = parse(args);
  if (called === null) {
    process.stderr.write(`Usage:\n${usage}\n`);
    return 2;
  }
  const terminal = openTerminal();
  const cards = new CardsAtHand(terminal, called);
  try {
    const card = await cards.take('your card', null);
    if (!card.ok) return failed(terminal, card.failure);
    if (called.command === 'status') {
      const { info } = card.value;
      terminal.say(`${card.value.reader}: an ${info.application} card${info.version === null ? '' : `, version ${info.version}`}`);
      terminal.say(`PIN tries left: ${info.tries.pw1}.${info.application === 'openpgp' ? ` Signatures made: ${info.signatureCount}.` : ''}${info.pinPad ? ' The reader has a PIN pad.' : ''}`);
      await card.value.card.release();
      return 0;
    }
    const { hubFile, request, dataDir } = called;
    const outcome = await answerFromHome({ request, hubFile, dataDir, card: card.value.card, info: card.value.info, terminal, now: Date.now }).finally(() => card.value.card.release());
    if (!outcome.ok) return failed(terminal, outcome.failure);
    switch (outcome.value.outcome) {
      case 'answered':
        terminal.say(outcome.value.reference === null ? 'Answered.' : `Answered. Reference: ${outcome.value.reference}${outcome.value.recorded ? ', recorded on the ledger.' : ', on its way to the ledger.'}`);
        return 0;
      case 'refused':
        terminal.say('Refused. Nothing was shown; whoever asked is told that you refused.');
        return 3;
      case 'nothing-to-show':
        terminal.say(`Your data space has nothing of this kind: ${outcome.value.missing.join(', ')}. Nothing was sent.`);
        return 4;
    }
  } finally {
    terminal.close();
    cards.stop();
  }
}

function failed(terminal: Terminal, { code, detail }: { code: string; detail?: string }): number {
  terminal.complain(`${code}${detail === undefined ? '' : ` (${detail})`}`);
  return 1;
}

type Called = CardsWish & ({ command: 'status' } | { command: 'answer'; request: URL; hubFile: HubFile; dataDir: string });

function parse(args: string[]): Called | null {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { hub: { type: 'string' }, reader: { type: 'string' }, binding: { type: 'string', default: 'smartcard' }, data: { type: 'string' } },
    });
    const { binding } = values;
    if (!isBinding(binding)) return null;
    const common = { reader: values.reader ?? null, binding } as const;
    if (positionals[0] === 'status' && positionals.length === 1) return { ...common, command: 'status' };
    const [command, address, ...more] = positionals;
    if (command !== 'answer' || address === undefined || more.length > 0 || values.hub === undefined) return null;
    const request = requestAddress(address);
    if (request === null) return null;
    const hubFile = hubFileSchema.parse(JSON.parse(readFileSync(values.hub, 'utf8')));
    return { ...common, command, request, hubFile, dataDir: values.data ?? join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local/state'), 'imi', hubFile.trustRoot.chain) };
  } catch {
    return null;
  }
}

/** `openid4vp://?client_id=…&request_uri=…`, or the request's own address. null: neither, or one over an open line. */
export function requestAddress(text: string): URL | null {
  try {
    const given = new URL(text);
    const url = given.protocol === 'openid4vp:' ? new URL(given.searchParams.get('request_uri') ?? '') : given;
    return isHomeAddress(url) ? url : null;
  } catch {
    return null;
  }
}
