import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runStep, say } from './say.mjs';

/** Never below 0.38.21: block time could be skewed before it (GHSA-c32p-wcqj-j677). docs/decisions/which-cometbft.md says why this line. */
export const cometbftVersion = '0.38.25';
/** What its go.mod asks for. */
const leastGo = [1, 22];

/**
 * The distributed engine's consensus, built from the Go module proxy, whose checksums Go's own database vouches for. The kiosk and the embedded
 * ledger need none of it: where there is no Go, or no way to the proxy, it is left out with a word, and its tests are skipped.
 * @param {string} root
 */
export async function ensureCometbft(root) {
  const directory = join(root, '.runtime/cometbft');
  const program = join(directory, 'cometbft');
  const stamp = join(directory, 'built-for');
  const builtFor = `CometBFT ${cometbftVersion} on ${process.arch}`;
  if (existsSync(program) && existsSync(stamp) && readFileSync(stamp, 'utf8') === builtFor) return;
  const go = goProgram();
  if (go === null) {
    say(`· CometBFT is left out: it takes Go ${leastGo.join('.')} or newer`);
    return;
  }
  mkdirSync(directory, { recursive: true });
  const env = { ...process.env, GOBIN: directory, GOTOOLCHAIN: 'local', GOFLAGS: '-trimpath', CGO_ENABLED: '0' };
  try {
    await runStep(`Building ${builtFor}`, go, ['install', `github.com/cometbft/cometbft/cmd/cometbft@v${cometbftVersion}`], { env });
    writeFileSync(stamp, builtFor);
  } catch (error) {
    // Everything but its own tests does without.
    say(`· CometBFT is left out. ${error instanceof Error ? error.message : ''}`);
  }
}

/** The first that is new enough: Debian 12 has an older one in PATH. */
function goProgram() {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/go/bin', '/usr/lib/go/bin'];
  return directories.map((directory) => join(directory, 'go')).find((path) => existsSync(path) && isNewEnough(path)) ?? null;
}

/** @param {string} go */
function isNewEnough(go) {
  const { stdout } = spawnSync(go, ['version'], { encoding: 'utf8', env: { ...process.env, GOTOOLCHAIN: 'local' }, timeout: 20_000 });
  return isGoEnough(stdout ?? '');
}

/** @param {string} said by `go version` */
export function isGoEnough(said) {
  const [, major, minor] = /\bgo(\d+)\.(\d+)/.exec(said) ?? [];
  const [leastMajor = 0, leastMinor = 0] = leastGo;
  return Number(major) > leastMajor || (Number(major) === leastMajor && Number(minor) >= leastMinor);
}
