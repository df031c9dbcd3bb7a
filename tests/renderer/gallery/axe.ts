import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from '@playwright/test';

interface AxeWindow {
  axe?: { run(options: { resultTypes: string[]; preload: { assets: string[] } }): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
}

const axeSource = readFileSync(createRequire(createRequire(import.meta.url).resolve('@axe-core/playwright')).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds on the page as it is, one line a rule. The engine stays in the page: a hundred screens take it once. Style sheets are read beforehand for one experimental rule alone, which is off (axe-core, `css-orientation-lock`). */
export async function axeFindings(page: Page): Promise<string[]> {
  if (await page.evaluate(() => (globalThis as unknown as AxeWindow).axe === undefined)) await page.evaluate(axeSource);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as Required<AxeWindow>;
    return (await axe.run({ resultTypes: ['violations'], preload: { assets: ['media'] } })).violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => html.slice(0, 160)) }));
  });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.join(' | ')}`);
}
