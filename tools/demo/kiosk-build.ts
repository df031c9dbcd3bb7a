import { existsSync, globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { startProgram } from './program.ts';

const built = [
  { config: 'vite.config.ts', output: 'dist/renderer/index.html', parts: ['src/renderer/**/*', 'src/contract/**/*', 'src/main/shells/first-document.ts', 'vite.first-documents.ts'] },
  { config: 'vite.kiosk.config.ts', output: 'dist/kiosk/chromium.mjs', parts: ['src/main/**/*', 'src/drivers/**/*', 'src/identity/**/*', 'src/ledger/**/*', 'src/contract/**/*'] },
  { config: 'vite.pages.config.ts', output: 'dist/pages/receipt.html', parts: ['src/pages/**/*', 'src/ledger/verify/**/*', 'src/contract/**/*'] },
  { config: 'vite.desk.config.ts', output: 'dist/desk/agency.html', parts: ['src/pages/agency/**/*', 'src/contract/**/*'] },
];

/** Builds the screens, the kiosk's program and the self-contained pages, each where something of it is younger than what was built last. */
export async function buildKiosk(root: string): Promise<void> {
  await Promise.all(
    built.map(async ({ config, output, parts }) => {
      const sources = globSync([...parts, config, 'package-lock.json'], { cwd: root });
      const youngest = Math.max(...sources.map((source) => statSync(join(root, source)).mtimeMs));
      if (existsSync(join(root, output)) && statSync(join(root, output)).mtimeMs >= youngest) return;
      const vite = await startProgram({
        name: 'the build of the kiosk',
        command: process.execPath,
        args: ['node_modules/vite/bin/vite.js', 'build', '--config', config, '--logLevel', 'warn'],
        cwd: root,
      });
      if ((await vite.ended) !== 0) throw new Error('the kiosk could not be built');
    }),
  );
}
