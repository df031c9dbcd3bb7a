import { existsSync, globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { startProgram } from './program.ts';

/** Builds the screens where something of them is younger than what was built last. */
export async function buildScreens(root: string): Promise<void> {
  const built = join(root, 'dist/renderer/index.html');
  const parts = globSync(['src/renderer/**/*', 'src/contract/**/*', 'vite.config.ts', 'package-lock.json'], { cwd: root });
  const youngest = Math.max(...parts.map((part) => statSync(join(root, part)).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs >= youngest) return;
  const vite = await startProgram({
    name: 'the build of the screens',
    command: process.execPath,
    args: ['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn'],
    cwd: root,
  });
  if ((await vite.ended) !== 0) throw new Error('the screens could not be built');
}
