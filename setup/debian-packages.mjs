import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { SetupError, runStep, say } from './say.mjs';

/** What the kiosk and its native modules need on any Debian machine. */
const base = [
  'pcscd',
  'libpcsclite-dev',
  'libusb-1.0-0',
  'libudev1',
  'vsmartcard-vpcd',
  'chromium',
  'chromium-sandbox',
  'bubblewrap',
  'g++',
  'make',
  'python3',
];
/** A screen for machines that have none. */
const display = ['xvfb', 'xauth'];
/** HID devices that the kernel need not have, for the dock and for the tests. */
const hidDevices = ['umockdev', 'gir1.2-umockdev-1.0', 'python3-gi'];
/** Hosts that we did not write, for the conformance of the virtual card; a second reader of our certificates; an agency's developer with nothing but a shell; the hand of a passer-by with a keyboard, on a screen of its own; the server that hubs share a keeper on; a print server with its commands; and a TPM 2.0 with the tools that a kiosk uses. */
const forTests = ['gpg', 'scdaemon', 'opensc', 'openssl', 'curl', 'xdotool', 'postgresql', 'cups-daemon', 'cups-client', ...hidDevices, 'swtpm', 'tpm2-tools', ...display];

/**
 * @param {string} command of setup/run.mjs
 * @param {NodeJS.ProcessEnv} env
 * @returns {string[]}
 */
export function packagesFor(command, env) {
  if (command === 'lint' || command === 'typecheck') return [];
  const hasDisplay = Boolean(env['DISPLAY'] || env['WAYLAND_DISPLAY']);
  return [...new Set([...base, ...(hasDisplay ? [] : display), ...(command === 'test' ? forTests : [])])];
}

/**
 * What a command can do without, and says so.
 * @param {string} command of setup/run.mjs
 * @returns {string[]}
 */
export const packagesWelcome = (command) => (command === 'start' ? hidDevices : []);

/** Where they are not to be had, what wants them goes on without. @param {string[]} welcome */
export async function tryDebianPackages(welcome) {
  try {
    await ensureDebianPackages(welcome);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`  ${error.message}\n  Without them there is no scanner in the dock; all else goes on.`);
  }
}

/** @param {string[]} wanted @returns {string[]} those that dpkg does not hold as installed */
function missingOf(wanted) {
  if (wanted.length === 0) return [];
  const query = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\\n', ...wanted], { encoding: 'utf8' });
  if (query.error) {
    throw new SetupError(`This set-up installs Debian packages, and dpkg is not here. What it needs, by Debian's names: ${wanted.join(' ')}.`);
  }
  const installed = new Set(
    query.stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return wanted.filter((name) => !installed.has(name));
}

/** @returns {string[] | null} what goes before a command to run it as root; null where that cannot be had */
function asRoot() {
  if (process.getuid?.() === 0) return [];
  if (spawnSync('sudo', ['-n', 'true']).status === 0) return ['sudo', '-n'];
  const canAsk = process.stdin.isTTY && spawnSync('sudo', ['-V']).status === 0;
  return canAsk ? ['sudo'] : null;
}

const aptOptions = ['-y', '-q', '-o', 'DPkg::Lock::Timeout=500'];

/** @param {string[]} wanted */
export async function ensureDebianPackages(wanted) {
  const missing = missingOf(wanted);
  if (missing.length === 0) return;

  const root = asRoot();
  if (root === null) {
    throw new SetupError(
      `Debian packages are missing, and neither root nor sudo is at hand to install them: ${missing.join(' ')}.\n` +
        `Have them installed: apt-get install --no-install-recommends ${missing.join(' ')}`,
    );
  }
  const [command = '', ...args] = [...root, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get'];
  if (root.at(0) === 'sudo' && root.length === 1) spawnSync('sudo', ['-v'], { stdio: 'inherit' });
  if (missing.includes('postgresql')) keepPostgresqlAsleep(root);
  const update = () => runStep('Fetching the list of Debian packages', command, [...args, 'update', ...aptOptions]);
  const install = () =>
    runStep(`Installing Debian packages: ${missing.join(' ')}`, command, [...args, 'install', '--no-install-recommends', ...aptOptions, ...missing]);

  if (!hasPackageLists()) {
    await update();
    await install();
    return;
  }
  try {
    await install();
  } catch {
    say('  The list of packages may be out of date: once more with a new one.');
    await update();
    await install();
  }
}

/** Debian's package makes a database cluster and starts a server: ours is started by the tests that want it, in a folder of their own. @param {string[]} root */
function keepPostgresqlAsleep(root) {
  const folder = '/etc/postgresql-common/createcluster.d';
  const [command = '', ...args] = [...root, 'sh', '-c', `mkdir -p ${folder} && echo 'create_main_cluster = false' > ${folder}/imi-tests.conf`];
  if (spawnSync(command, args, { stdio: 'inherit' }).status !== 0) throw new SetupError(`${folder}/imi-tests.conf could not be written, and without it a PostgreSQL server would be started.`);
}

function hasPackageLists() {
  try {
    return readdirSync('/var/lib/apt/lists').some((name) => name.includes('_Packages'));
  } catch {
    return false;
  }
}
