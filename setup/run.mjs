import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { ensureCometbft } from './cometbft.mjs';
import { ensureDebianPackages, packagesFor, packagesWelcome, tryDebianPackages } from './debian-packages.mjs';
import { ensureNativeModules } from './native-modules.mjs';
import { ensureNodeRuntime } from './node-runtime.mjs';
import { ensureNpmPackages } from './npm-packages.mjs';
import { SetupError, say } from './say.mjs';
import { ensureVpcdShim } from './vpcd-shim.mjs';

const root = dirname(import.meta.dirname);

/**
 * What each command hands over to, below the root, once all that it needs is there.
 * @type {Record<string, (args: string[]) => { program: string, args: string[] }>}
 */
const commands = {
  start: (args) => ({ program: 'tools/demo/start.ts', args }),
  test: (args) => ({ program: 'tests/run.ts', args }),
  lint: () => ({ program: 'tests/run.ts', args: ['--only', 'lint'] }),
  typecheck: () => ({ program: 'tests/run.ts', args: ['--only', 'types'] }),
  package: (args) => ({ program: 'node_modules/@electron-forge/cli/dist/electron-forge.js', args: ['package', ...args] }),
  bench: ([name = '', ...args]) => {
    if (!/^[a-z][a-z-]*$/.test(name) || !existsSync(join(root, 'bench', `${name}.ts`))) {
      throw new SetupError(`There is no measurement named “${name}” in bench/.`);
    }
    return { program: `bench/${name}.ts`, args };
  },
};

/** @param {string} command @param {string | undefined} measured what `bench` is to measure @returns {Promise<string>} path of the node program */
async function ensureAll(command, measured) {
  const compiles = command !== 'lint' && command !== 'typecheck';
  await ensureDebianPackages(packagesFor(command, process.env));
  await tryDebianPackages(packagesWelcome(command));
  const node = await ensureNodeRuntime(root);
  await ensureNpmPackages(root, node);
  if (compiles) {
    await ensureNativeModules(root, node);
    await ensureVpcdShim(root);
  }
  if (command === 'test' || measured === 'ledger') await ensureCometbft(root);
  return node;
}

/** @param {string} node @param {string} program @param {string[]} args @returns {Promise<number>} the exit code */
function handOver(node, program, args) {
  // What is compiled once is kept: the next start need not strip types nor compile again.
  const env = { NODE_COMPILE_CACHE: join(root, '.runtime/compile-cache'), ...process.env, PATH: [dirname(node), process.env['PATH']].join(delimiter) };
  const child = spawn(node, [join(root, program), ...args], { cwd: root, env, stdio: 'inherit' });
  // Ctrl+C reaches the child by itself: it ends first, then we do.
  process.on('SIGINT', () => {});
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

const [command = '', ...rest] = process.argv.slice(2);
const choose = commands[command];
try {
  if (choose === undefined) throw new SetupError(`Which of these? ${Object.keys(commands).join(', ')}`);
  const { program, args } = choose(rest);
  process.exitCode = await handOver(await ensureAll(command, command === 'bench' ? rest[0] : undefined), program, args);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = error.exitCode;
}
