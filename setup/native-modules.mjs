import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeRuntime } from './node-runtime.mjs';
import { runStep } from './say.mjs';

/** The packages that are compiled here, one by one: no other package runs a script of its own. */
const nativeModules = ['smartcard', 'pcsclite'];

/** @param {string} root @param {string} node */
export async function ensureNativeModules(root, node) {
  const runtime = nodeRuntime(root);
  for (const name of nativeModules) {
    const directory = join(root, 'node_modules', name);
    const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    const stamp = join(directory, 'build/built-for');
    const builtFor = `${name} ${version} for Node ${runtime.version} on ${process.arch}`;
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === builtFor) continue;

    const gyp = join(root, 'node_modules/node-gyp/bin/node-gyp.js');
    const args = [gyp, 'rebuild', `--directory=${directory}`, `--nodedir=${runtime.directory}`, '--jobs=max'];
    await runStep(`Building ${builtFor}`, node, args, { env: gypEnvironment() });
    await runStep(`Loading ${name}`, node, ['--eval', `require(${JSON.stringify(directory)})`]);
    writeFileSync(stamp, builtFor);
  }
}

/** node-gyp lets the npm_config_ variables of the environment (a person's own `nodedir` among them) outrank its command line. */
function gypEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(config|package_config_node_gyp)_/i.test(name)));
}
