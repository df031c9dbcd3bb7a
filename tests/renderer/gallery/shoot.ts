import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { languages } from '../../../src/contract/language.ts';
import { screens } from '../../fixtures/snapshots.ts';
import { openGallery, type Orientation } from './gallery.ts';

/** Every screen as a PNG: `node tests/renderer/gallery/shoot.ts [part of a name] [folder]`. */
const [wanted = '', folder = 'out/gallery'] = process.argv.slice(2);
const gallery = await openGallery();
mkdirSync(folder, { recursive: true });
const orientations: readonly Orientation[] = ['portrait', 'landscape'];
for (const orientation of orientations) {
  await gallery.turn(orientation);
  for (const language of languages) {
    for (const screen of screens.filter((one) => one.name.includes(wanted))) {
      await gallery.show(screen, language);
      writeFileSync(path.join(folder, `${screen.name}.${language}.${orientation}.png`), await gallery.page.screenshot());
    }
  }
}
process.stdout.write(`${[...new Set(gallery.complaints)].join('\n')}\n`);
await gallery.close();
