/** What a command of `imi` is: it takes the arguments after its name and gives the exit code. 0 done, 1 refused, 2 wrongly called. */
export interface Command {
  run: (args: string[]) => Promise<number>;
  /** How it is called, with all of its options. */
  usage: string;
}

interface Listed {
  load: () => Promise<Command>;
  uses: { usage: string; summary: string }[];
}

/** Loaded only when called: checking a receipt starts no database. */
const commands: Record<string, Listed> = {
  agency: {
    load: () => import('./agency.ts'),
    uses: [
      { usage: 'imi agency init --dir DIR --name NAME --gateway URL --hub FILE', summary: 'make an agency’s keys, and print what the authority enrols' },
      { usage: 'imi agency requests|show|read|step|decide|… --config FILE', summary: 'an agency’s work through the gateway; `imi agency` says all of it' },
    ],
  },
  card: {
    load: () => import('./card.ts'),
    uses: [
      { usage: 'imi card answer URL --hub FILE', summary: 'answer what an agency asks, with your card in any reader' },
      { usage: 'imi card status', summary: 'say which card is in the reader' },
    ],
  },
  case: {
    load: () => import('./case.ts'),
    uses: [
      { usage: 'imi case open|list|show|sign|read|close …', summary: 'an auditor’s office: open a case with a second officer, read what it covers, close it' },
      { usage: 'imi case share|body|unseal …', summary: 'the authority: open a case’s body together, and unseal it when it is due' },
    ],
  },
  enrol: {
    load: () => import('./enrol.ts'),
    uses: [
      { usage: 'imi enrol party FILE --key AUTHORITY-KEY --hub FILE --data DIR', summary: 'the authority: take an agency or another party into the district' },
      { usage: 'imi enrol rotate-party|suspend-party|resume-party|retire-party|validator …', summary: 'the authority: give a party other keys, suspend it, end it; set a validator’s power' },
      { usage: 'imi enrol staff|retire-staff … --key KEY --hub FILE --data DIR', summary: 'a party: enrol the card of somebody who works for it, or end it' },
      { usage: 'imi enrol bring FILE --hub FILE --data DIR', summary: 'hand in what was signed elsewhere' },
    ],
  },
  hub: {
    load: () => import('./hub.ts'),
    uses: [
      { usage: 'imi hub --hub FILE --server FILE --data DIR', summary: 'run a hub: ledger node, keeper, registrar' },
      { usage: 'imi hub init --chain ID --server FILE --data DIR', summary: 'found a hub: its keys, its ledger, the trust root' },
      { usage: 'imi hub pin --server FILE --data DIR', summary: 'say by which key kiosks know this hub over TLS, and make it where there is none' },
      { usage: 'imi hub checkpoint-key --server FILE --data DIR', summary: 'print the key of this hub’s checkpoints, for witnesses and monitors' },
    ],
  },
  keeper: {
    load: () => import('./keeper.ts'),
    uses: [
      { usage: 'imi keeper backup --server FILE --data DIR --out FOLDER', summary: 'copy a running hub’s data spaces, asks and status lists, opened and looked through' },
      { usage: 'imi keeper restore --server FILE --data DIR --from FOLDER', summary: 'put a backup where the keeper’s files were' },
      { usage: 'imi keeper check --server FILE --data DIR', summary: 'look a keeper’s store through, here or on a server' },
    ],
  },
  kiosk: {
    load: () => import('./kiosk.ts'),
    uses: [
      { usage: 'imi kiosk --hub FILE --kiosk ID --data DIR', summary: 'run a kiosk in the distribution’s Chromium' },
      { usage: 'imi kiosk provision --config FILE', summary: 'make a kiosk of this machine: its key, its enrolment by a technician’s card, a look at everything' },
      { usage: 'imi kiosk check --hub FILE --kiosk ID --data DIR [--json] [--pdf FILE]', summary: 'whether a kiosk is ready, and what is wrong where it is not' },
      { usage: 'imi kiosk retire --hub FILE --kiosk ID --data DIR --out FILE', summary: 'take a kiosk off the ledger, and wipe its key' },
    ],
  },
  ledger: {
    load: () => import('./ledger.ts'),
    uses: [
      { usage: 'imi ledger backup --server FILE --data DIR --out FOLDER', summary: 'copy a running hub’s ledger, checked against its signed head' },
      { usage: 'imi ledger restore --server FILE --data DIR --from FOLDER', summary: 'put a backup where the ledger was, never behind what was signed' },
      { usage: 'imi ledger export --server FILE --data DIR --out FOLDER', summary: 'write a running hub’s ledger in a form of which every byte is documented' },
      { usage: 'imi ledger import --server FILE --data DIR --from FOLDER', summary: 'build a ledger anew from an export, checking all of it' },
      { usage: 'imi ledger handover --server FILE --data DIR --validators FILE --out FOLDER', summary: 'end a hub’s own ledger, and write what several validators go on with' },
      { usage: 'imi ledger adopt --from FOLDER --data DIR', summary: 'at a new validator: take on what was handed over' },
      { usage: 'imi ledger seed --residents N --requests M --out DIR', summary: 'fill a ledger of a district’s size, unsigned: to be measured and for nothing else' },
    ],
  },
  node: {
    load: () => import('./node.ts'),
    uses: [{ usage: 'imi node --genesis FILE --data DIR [--origin NAME]', summary: 'run a validator’s application, beside its CometBFT process' }],
  },
  'receipt-page': {
    load: () => import('./receipt-page.ts'),
    uses: [{ usage: 'imi receipt-page --hub FILE --out FILE', summary: 'write the page on which any browser checks this hub’s receipts, offline' }],
  },
  services: {
    load: () => import('./services.ts'),
    uses: [{ usage: 'imi services coverage [--services FOLDER] [--claims FILE] [--json]', summary: 'how much of the catalogue a resident need not type after one visit to each window' }],
  },
  queue: {
    load: () => import('./queue.ts'),
    uses: [
      { usage: 'imi queue init --dir DIR --name NAME --gateway URL', summary: 'make the key of a hub’s queue system, and print what the hub’s file takes in' },
      { usage: 'imi queue tickets|call|requests|watch … --config FILE', summary: 'the numbers that wait for a counter, calling one, and how far this hub’s requests stand' },
    ],
  },
  registrar: {
    load: () => import('./registrar.ts'),
    uses: [
      { usage: 'imi registrar expect FILE --server FILE --data DIR [--dry-run] [--report FILE]', summary: 'take in the population register’s export: who is in it is known at the desk before they come' },
      { usage: 'imi registrar replace RESIDENT --clerk STAFF --staff STAFF …', summary: 'give a resident a new card in place of the old one, with or without the slip' },
    ],
  },
  testnet: {
    load: () => import('./testnet.ts'),
    uses: [{ usage: 'imi testnet --validators N --dir DIR', summary: 'a ledger of several validators on this machine, to try it' }],
  },
  'verify-receipt': {
    load: () => import('./verify-receipt.ts'),
    uses: [{ usage: 'imi verify-receipt FILE --trust FILE', summary: 'check a receipt, offline, and say what it proves' }],
  },
  witness: {
    load: () => import('./witness.ts'),
    uses: [
      { usage: 'imi witness --config FILE --data DIR', summary: 'watch ledgers from outside and cosign what continues their history' },
      { usage: 'imi witness init --config FILE --data DIR', summary: 'make a witness’s key and memory, and print its key' },
    ],
  },
};

function help(): string {
  const uses = Object.values(commands).flatMap((command) => command.uses);
  const width = Math.max(...uses.map(({ usage }) => usage.length));
  const rows = uses.map(({ usage, summary }) => `  ${usage.padEnd(width)}  ${summary}`);
  return ['Usage:', ...rows, '  imi help', 'A command says all of its options with --help.'].join('\n');
}

async function main(args: string[]): Promise<number> {
  const [name = 'help', ...rest] = args;
  if (name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(`${help()}\n`);
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    process.stderr.write(`imi has no command “${name}”.\n${help()}\n`);
    return 2;
  }
  const { run, usage } = await command.load();
  if (rest.includes('--help')) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  return run(rest);
}

process.exitCode = await main(process.argv.slice(2));
