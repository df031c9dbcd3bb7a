import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { beforeAll, expect, test } from 'vitest';
import { printPdf } from '../../src/main/print-pdf.ts';
import { recoverySlipPage } from '../../src/cli/recovery-slip.ts';
import { recoveryKeyText } from '../../src/identity/recovery-key.ts';

const secret = new Uint8Array(32).map((_, i) => i * 37 + 5);
let page: string;
beforeAll(() => {
  page = recoverySlipPage({
    hub: { 'zh-Hans': '测试区便民服务中心', en: 'Test <District> Hub' },
    help: { 'zh-Hans': '一楼服务台', en: 'The desk on the ground floor' },
    secret,
    madeAt: Date.UTC(2026, 10, 30),
  });
});

test('holds the key to be read and to be scanned, in both languages, and loads nothing', () => {
  const readable = recoveryKeyText(secret).replaceAll('-', ' ');
  expect(page.replaceAll(/\s+/g, ' ')).toContain(readable);
  for (const said of ['恢复凭条', 'Recovery slip', '2026年11月30日', 'November 30, 2026', 'Test &lt;District&gt; Hub', '<svg']) expect(page).toContain(said);
  expect(page.match(/url\((?!data:)/g)).toBeNull();
  expect(page).not.toMatch(/<script|<link|src=/);
});

test('is one page on paper, and leaves nothing behind on the disk', async () => {
  const before = printFolders();
  const printed = await printPdf(page);
  if (!printed.ok) throw new Error(`${printed.failure.code} ${printed.failure.detail ?? ''}`);
  const pdf = Buffer.from(printed.value).toString('latin1');
  expect(pdf.slice(0, 5)).toBe('%PDF-');
  expect(pdf.match(/\/Type\s*\/Page\b(?!s)/g)).toHaveLength(1);
  expect(printFolders()).toEqual(before);
}, 60_000);

const printFolders = (): string[] => (existsSync(tmpdir()) ? readdirSync(tmpdir()).filter((name) => name.startsWith('imi-print-')) : []);
