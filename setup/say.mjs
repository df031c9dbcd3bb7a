import { spawn } from 'node:child_process';

/** A reason to stop that the person at the machine can do something about: said as it is, without a stack. */
export class SetupError extends Error {
  /** @param {string} message @param {number} [exitCode] */
  constructor(message, exitCode = 2) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Progress goes to stderr: what a command prints for other programs stays clean on stdout. @param {string} line */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

const progressIntervalMs = 5000;
const tailLines = 25;

/**
 * Runs one step of the set-up: says what it is, now and then the last line of its output, and all of the last lines when it fails.
 * @param {string} step what is being done, as a sentence without its full stop
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<void>} rejects with a SetupError when the command cannot be run or ends with another code than 0
 */
export async function runStep(step, command, args, options = {}) {
  say(`· ${step}`);
  const began = Date.now();
  /** @type {string[]} */
  const lines = [];
  const seconds = () => Math.round((Date.now() - began) / 1000);

  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      lines.push(...text.split(/[\r\n]+/).filter((line) => line.trim() !== ''));
      lines.splice(0, lines.length - tailLines);
    });
  }
  const progress = setInterval(() => say(`  ${seconds()} s  ${(lines.at(-1) ?? '…').trim().slice(0, 100)}`), progressIntervalMs);

  const ended = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? null : `ended with ${signal ?? `code ${code}`}`));
  });
  clearInterval(progress);
  if (ended !== null) {
    throw new SetupError([`${step}: ${command} ${ended}.`, ...lines.map((line) => `  ${line}`)].join('\n'), 1);
  }
}
