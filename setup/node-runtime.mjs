import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { SetupError, runStep } from './say.mjs';

const pins = join(import.meta.dirname, 'runtime');

/**
 * The Node that everything runs under: an npm package below .runtime/, pinned with its integrity in setup/runtime/.
 * @param {string} root of the repository
 */
export function nodeRuntime(root) {
  const name = `node-linux-${process.arch}`;
  const { optionalDependencies } = JSON.parse(readFileSync(join(pins, 'package.json'), 'utf8'));
  const version = /** @type {string | undefined} */ (optionalDependencies[name]);
  if (process.platform !== 'linux' || version === undefined) {
    throw new SetupError(`The kiosk runs on Linux on x64 and arm64; this machine is ${process.platform} on ${process.arch}.`);
  }
  const directory = join(root, '.runtime/node_modules', name);
  return { version, directory, node: join(directory, 'bin/node') };
}

/** @param {string} root */
export function hasNodeRuntime(root) {
  const { version, directory, node } = nodeRuntime(root);
  // npm writes its hidden lock file last: an installation that was broken off has none.
  if (!existsSync(node) || !existsSync(join(root, '.runtime/node_modules/.package-lock.json'))) return false;
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')).version === version;
}

/** @param {string} root @returns {Promise<string>} path of the node program */
export async function ensureNodeRuntime(root) {
  const { version, node } = nodeRuntime(root);
  if (!hasNodeRuntime(root)) {
    const target = join(root, '.runtime');
    mkdirSync(target, { recursive: true });
    for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(pins, file), join(target, file));
    await runStep(`Installing Node ${version}`, process.execPath, [npmCli(), 'ci', ...npmOptions], { cwd: target, env: npmEnvironment() });
    if (!hasNodeRuntime(root)) throw new SetupError(`npm ended well, but Node ${version} is not at ${node}.`, 1);
  }
  return node;
}

/** Said outright, since a person's own npm configuration may hold otherwise. */
export const npmOptions = ['--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];

/** Path of npm's own program: of the npm that runs us, else of the one in PATH. */
export function npmCli() {
  const running = process.env['npm_execpath'];
  if (running?.endsWith('npm-cli.js') && existsSync(running)) return running;
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = join(directory, 'npm');
    if (!existsSync(candidate)) continue;
    const program = realpathSync(candidate);
    const beside = [program, join(dirname(program), 'npm-cli.js'), join(dirname(program), '../lib/node_modules/npm/bin/npm-cli.js')];
    const found = beside.find((path) => path.endsWith('npm-cli.js') && existsSync(path));
    if (found !== undefined) return found;
  }
  throw new SetupError('npm was not found: it comes with Node 20 or newer.');
}

/** Where an npm that runs us says it works, which is not where the inner one is to work. */
const placement = new Set(['npm_config_local_prefix', 'npm_config_prefix', 'npm_config_global', 'npm_config_location']);

export function npmEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !placement.has(name.toLowerCase())));
}
