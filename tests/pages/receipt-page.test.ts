import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from '@playwright/test';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { toBase64url, utf8 } from '../../src/ledger/verify/bytes.ts';
import { checkpointOf, checkpointText } from '../../src/ledger/verify/checkpoint.ts';
import { cosignedMessage } from '../../src/ledger/verify/cosignature.ts';
import { encodePendingReceipt } from '../../src/ledger/verify/pending-receipt.ts';
import { decodeReceipt, encodeReceipt, verifyReceipt, withCosignatures, withParts } from '../../src/ledger/verify/receipt.ts';
import { receiptToSymbols } from '../../src/ledger/verify/receipt-symbols.ts';
import { trustFingerprint } from '../../src/ledger/verify/trust-fingerprint.ts';
import { fillReceiptPage, type PageHub } from '../../src/pages/receipt/page-hub.ts';
import { startDistributionBrowser } from '../fixtures/distribution-browser.ts';
import { activityOfLin } from '../ledger/activity-of-lin.ts';
import { receiptOfLin } from '../ledger/receipt-of-lin.ts';
import { chain, envelopeOf, genesis, keys, lin, requestBody, signerOf } from '../ledger/small-district.ts';
import { axeFindings } from '../renderer/gallery/axe.ts';

const trustRootOf = (of: string, key: Uint8Array): PageHub['trustRoot'] => ({
  chain: of,
  height: 1,
  validators: [{ alg: -19, key: toBase64url(key), power: 10 }],
  trustingPeriodMs: 1000,
});
const validator = genesis.validators[0]?.key ?? new Uint8Array();
const hub: PageHub = {
  name: { 'zh-Hans': '测试区便民服务中心', en: 'Test District Service Hub' },
  trustRoot: trustRootOf(chain, validator),
  // Markup in a name stays text.
  parties: { 'tax-bureau': { 'zh-Hans': '税务局', en: 'Tax Bureau' } },
  services: { 'tax/property-tax-certificate': { 'zh-Hans': '房产税完税证明</script>', en: 'Property tax payment certificate</script>' } },
};

const witness = signerOf('witness');
const outside = {
  origin: 'district.example/ledger',
  witnesses: [
    { name: 'witness.example/one', key: toBase64url(witness.key[1]) },
    { name: 'witness.example/two', key: toBase64url(signerOf('another witness').key[1]) },
  ],
};

function cosigned(receipt: Uint8Array): Uint8Array {
  const proof = verifyReceipt(receipt, { chain, height: 1, validators: genesis.validators }, nodeCrypto);
  if (!proof.ok) throw new Error(proof.failure.detail);
  const time = 1_800_001_007;
  const signature = witness.sign(cosignedMessage(checkpointText(checkpointOf(proof.value.head, outside.origin)), time));
  return withCosignatures(receipt, outside.origin, [{ witness: { name: 'witness.example/one', type: 4, key: witness.key[1] }, time, signature }]) ?? new Uint8Array();
}

let folder: string;
let whole: Uint8Array;
let written: string;
/** Of the same request, while it waited; and of another one. */
let pending: Uint8Array;
let otherPending: Uint8Array;
/** Of all that touched the same resident, four entries. */
let activity: Uint8Array;
/** As `whole`, cosigned by one witness. */
let witnessed: Uint8Array;
let started: Awaited<ReturnType<typeof startDistributionBrowser>>;
let page: Page;
let requests: string[];
let complaints: string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'imi-receipt-page-'));
  // The browser runs as somebody else.
  chmodSync(folder, 0o755);
  await build({ configFile: resolve('vite.pages.config.ts'), logLevel: 'error', build: { outDir: folder } });
  const built = readFileSync(join(folder, 'receipt.html'), 'utf8');
  const others: Record<string, PageHub> = {
    hub,
    'other-chain': { ...hub, trustRoot: trustRootOf('imi-other', validator) },
    'other-keys': { ...hub, trustRoot: trustRootOf(chain, signerOf('other').key[1]) },
    'one-witness': { ...hub, trustRoot: { ...hub.trustRoot, witnessing: { ...outside, threshold: 1 } } },
    'two-witnesses': { ...hub, trustRoot: { ...hub.trustRoot, witnessing: { ...outside, threshold: 2 } } },
    later: { ...hub, trustRoot: { ...hub.trustRoot, height: 1000 } },
  };
  for (const [name, of] of Object.entries(others)) writeFileSync(join(folder, `${name}.html`), fillReceiptPage(built, of) ?? '');
  ({ whole, reference: written } = await receiptOfLin());
  activity = (await activityOfLin()).receipt;
  const { envelope, keys: signers, parts } = decodeReceipt(whole) ?? { envelope: new Uint8Array(), keys: [], parts: [] };
  pending = encodePendingReceipt({ v: 1, state: 'queued', envelope, keys: signers, parts });
  witnessed = cosigned(whole);
  const other = requestBody(lin, 8);
  otherPending = encodePendingReceipt({ v: 1, state: 'queued', envelope: await envelopeOf(other.body, [lin.sig, keys.kiosk]), keys: signers, parts: other.parts });
  started = await startDistributionBrowser();
}, 60_000);
afterAll(async () => {
  await started.close();
  rmSync(folder, { recursive: true });
});

beforeEach(async () => {
  await open('hub', 'en-GB');
});
afterEach(async () => {
  await page.context().close();
});

async function open(name: string, locale: string, viewport = { width: 1000, height: 900 }): Promise<void> {
  const context = await started.browser.newContext({ locale, viewport });
  page = await context.newPage();
  [requests, complaints] = [[], []];
  page.on('request', (request) => requests.push(request.url()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => complaints.push(message.text()));
  await page.goto(pathToFileURL(join(folder, `${name}.html`)).href);
}

async function reopen(name: string, locale = 'en-GB', viewport?: { width: number; height: number }): Promise<void> {
  await page.context().close();
  await open(name, locale, viewport);
}

/** Waits for the outcome of this very check. */
async function outcome(of: () => Promise<void>): Promise<{ held: boolean; title: string; text: string }> {
  await page.evaluate("document.querySelector('[data-outcome]')?.remove()");
  await of();
  const section = page.locator('[data-outcome]');
  await section.waitFor();
  return { held: (await section.getAttribute('data-outcome')) === 'holds', title: await section.locator('h2').innerText(), text: await section.innerText() };
}
const chooseFile = (bytes: Uint8Array, name = 'a.receipt') =>
  outcome(() => page.locator('#file').setInputFiles({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(bytes) }));
const paste = (text: string) =>
  outcome(async () => {
    await page.locator('#codes').fill(text);
    await page.locator('[data-check]').click();
  });

describe('a receipt that holds', () => {
  const shown = [
    'This receipt is real',
    'Tax Bureau (tax-bureau) was allowed to see 5 facts',
    'Identity number',
    'Property tax payment certificate</script> (tax/property-tax-certificate)',
    'A request was made to Tax Bureau (tax-bureau).',
    'at most 10 times',
    'February 15, 2027',
    'January 15, 2027',
    'hall-1',
    '2 of 2',
  ];

  test('as a file: says what it proves, and the focus is on it', async () => {
    const { held, text } = await chooseFile(whole);
    expect(held).toBe(true);
    for (const words of [...shown, written]) expect(text).toContain(words);
    expect(await page.locator(':focus').getAttribute('id')).toBe('outcome');
  });

  test('as codes in another order, pasted; and as a text file with them', async () => {
    const symbols = receiptToSymbols(whole);
    expect(symbols.length).toBeGreaterThan(1);
    expect(await paste([...symbols].reverse().join('\n\n'))).toMatchObject({ held: true, text: expect.stringContaining(written) });
    expect(await chooseFile(utf8(symbols.join('\r\n')), 'codes.txt')).toMatchObject({ held: true, text: expect.stringContaining(written) });
  });

  test('without its private parts: says that they are missing, not what was in them', async () => {
    const { held, text } = await chooseFile(withParts(whole, [null, null]) ?? new Uint8Array());
    expect(held).toBe(true);
    expect(text).toContain('its private part is missing');
    expect(text).not.toContain('tax-bureau');
  });

  test('in Chinese, from the browser and by the button; the outcome stays', async () => {
    await chooseFile(whole);
    await page.getByRole('button', { name: '中文' }).click();
    await expect.poll(() => page.locator('[data-outcome] h2').innerText()).toBe('这张回执是真的');
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-Hans');
    expect(await page.locator('[data-outcome]').innerText()).toContain('税务局（tax-bureau）');
    await reopen('hub', 'zh-CN');
    expect(await page.locator('h1').innerText()).toBe('查验回执');
  });

  test('by the keyboard alone', async () => {
    await page.locator('#codes').fill(receiptToSymbols(whole).join('\n'));
    await page.locator('#codes').focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.locator('[data-outcome]').getAttribute('data-outcome')).toBe('holds');
  });
});

describe('a receipt of a resident’s whole list', () => {
  const shown = async (bytes: Uint8Array): Promise<{ is: string | null; title: string; text: string }> => {
    const { title, text } = await chooseFile(bytes);
    return { is: await page.locator('[data-outcome]').getAttribute('data-outcome'), title, text };
  };

  test('says that these are all, the newest first, and who looked', async () => {
    const { is, title, text } = await shown(activity);
    expect({ is, title }).toEqual({ is: 'complete', title: 'These 4 entries, and no others' });
    for (const said of ['Tax Bureau (tax-bureau) looked at 2 facts.', 'none was left out', 'Complete up to', 'passing them on leaves no entry']) expect(text).toContain(said);
    const entries = (await page.locator('[data-entry]').allInnerTexts()).map((entry) => entry.split('\n')[0]);
    expect(entries).toEqual([
      'A resident’s card was blocked.',
      'Tax Bureau (tax-bureau) looked at 2 facts.',
      'A request was made to Tax Bureau (tax-bureau).',
      'Tax Bureau (tax-bureau) was allowed to see 5 facts.',
    ]);
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole('button', { name: '中文' }).click();
    expect(await page.locator('[data-outcome] h2').innerText()).toBe('就是这 4 条，不多也不少');
    expect(complaints).toEqual([]);
  });

  test('comes as codes too', async () => {
    await paste(receiptToSymbols(activity).join('\n'));
    expect(await page.locator('[data-outcome]').getAttribute('data-outcome')).toBe('complete');
  });

  test('with one bit changed, wherever, is refused', async () => {
    const believed: number[] = [];
    for (let at = 0; at < activity.length; at += 41) {
      const { is } = await shown(activity.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte)));
      if (is !== 'refused') believed.push(at);
    }
    expect(believed).toEqual([]);
  }, 60_000);

  test('by other keys is not believed', async () => {
    await reopen('other-keys');
    expect(await shown(activity)).toMatchObject({ is: 'refused', title: 'The keys behind this receipt are not trusted here' });
  });
});

describe('a receipt of a request that waits', () => {
  const queued = async (bytes: Uint8Array): Promise<{ is: string | null; text: string }> => {
    const { text } = await chooseFile(bytes);
    return { is: await page.locator('[data-outcome]').getAttribute('data-outcome'), text };
  };

  test('says that it is not recorded, what was signed, how it is completed, and never more', async () => {
    const { is, text } = await queued(pending);
    expect(is).toBe('queued');
    expect(await page.locator('[data-outcome] h2').innerText()).toBe('Signed, but not recorded yet');
    expect(await page.locator('[data-reached]').getAttribute('data-reached')).toBe('1');
    for (const said of [written, 'Tax Bureau (tax-bureau) was allowed to see 5 facts', 'any kiosk of the hub', 'the signature lapses', 'hall-1']) expect(text).toContain(said);
    for (const claimed of ['is real', 'In the ledger', 'Signatures that hold', 'Block']) expect(text).not.toContain(claimed);
    expect(await page.locator('.good').count()).toBe(0);
    await page.getByRole('button', { name: '中文' }).click();
    expect(await page.locator('[data-outcome] h2').innerText()).toBe('已签名，还没有登记');
  });

  test('comes as codes too, which are not mixed with others', async () => {
    await paste(receiptToSymbols(pending).toReversed().join('\n'));
    expect(await page.locator('[data-outcome]').getAttribute('data-outcome')).toBe('queued');
    expect((await paste([...receiptToSymbols(pending), ...receiptToSymbols(whole)].join('\n'))).title).toBe('These codes are not of one receipt');
  });

  test('is completed by the recorded one of the same request, which takes its private parts', async () => {
    await chooseFile(pending);
    const { held, text } = await chooseFile(withParts(whole, [null, null]) ?? new Uint8Array());
    expect(held).toBe(true);
    expect(text).toContain('It completes the receipt that you opened before');
    expect(text).toContain('Tax Bureau (tax-bureau) was allowed to see 5 facts');
  });

  test('is not completed by another request’s, nor after other keys are trusted', async () => {
    await chooseFile(otherPending);
    expect(await page.locator('[data-outcome]').getAttribute('data-outcome')).toBe('queued');
    expect((await chooseFile(whole)).held).toBe(true);
    expect(await page.locator('[data-completes]').count()).toBe(0);
    await chooseFile(pending);
    await page.locator('.trust summary').click();
    await page.locator('#trust').fill(JSON.stringify(hub.trustRoot));
    await page.locator('[data-take]').click();
    expect((await chooseFile(whole)).held).toBe(true);
    expect(await page.locator('[data-completes]').count()).toBe(0);
  });

  test('with one bit changed, wherever, is refused', async () => {
    const believed: number[] = [];
    for (let at = 0; at < pending.length; at += 29) {
      const { is } = await queued(pending.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte)));
      if (is !== 'refused') believed.push(at);
    }
    expect(believed).toEqual([]);
  }, 60_000);

  test('of another ledger is named so', async () => {
    await reopen('other-chain');
    expect((await chooseFile(pending)).title).toBe('This receipt is from another ledger');
  });
});

describe('who outside has seen it', () => {
  test('nobody, for a page that believes nobody outside, and recorded is all it says', async () => {
    expect((await chooseFile(witnessed)).text).not.toContain('witness.example');
    expect(await page.locator('[data-reached]').getAttribute('data-reached')).toBe('2');
  });

  test.each([
    { page: 'one-witness', reached: '3', says: 'Who outside has seen it there' },
    { page: 'two-witnesses', reached: '2', says: 'fewer than it takes' },
  ])('is named by a page that asks for $page', async ({ page: name, reached, says }) => {
    await reopen(name);
    const { held, text } = await chooseFile(witnessed);
    expect(held).toBe(true);
    expect(text).toContain(says);
    expect(text).toContain('witness.example/one');
    expect(text).not.toContain('witness.example/two');
    expect(await page.locator('[data-reached]').getAttribute('data-reached')).toBe(reached);
    expect((await chooseFile(whole)).text).not.toContain('witness.example');
  });

  test('with one bit of a cosignature changed, the receipt is refused', async () => {
    await reopen('one-witness');
    // It stands at the end.
    expect((await chooseFile(witnessed.map((byte, i) => (i === witnessed.length - 10 ? byte ^ 1 : byte)))).held).toBe(false);
  });
});

describe('is refused', () => {
  test('with one bit changed, wherever', async () => {
    const believed: number[] = [];
    let flips = 0;
    for (let at = 0; at < whole.length; at += 31) {
      const { held } = await chooseFile(whole.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte)));
      if (held) believed.push(at);
      flips++;
    }
    expect(flips).toBeGreaterThan(50);
    expect(believed).toEqual([]);
  }, 60_000);

  const cases: { name: string; on?: string; bytes: () => Uint8Array; title: string; says: string }[] = [
    { name: 'by the page of another ledger', on: 'other-chain', bytes: () => whole, title: 'This receipt is from another ledger', says: 'it stands in “imi-test”; this page trusts “imi-other” only' },
    { name: 'by a page with other keys', on: 'other-keys', bytes: () => whole, title: 'The keys behind this receipt are not trusted here', says: 'too few of the keys' },
    { name: 'by a page that begins later', on: 'later', bytes: () => whole, title: 'This receipt is older than this page can judge', says: 'from before the keys' },
    { name: 'with another place in the log', bytes: () => changed((receipt) => ({ ...receipt, index: 0 })), title: 'Do not rely on this receipt', says: 'Something in it was changed' },
    { name: 'with private parts that are not its own', bytes: () => changed((receipt) => ({ ...receipt, parts: [...receipt.parts].reverse() })), title: 'Do not rely on this receipt', says: 'Its private part' },
    { name: 'cut short', bytes: () => whole.subarray(0, 900), title: 'This is not a whole receipt', says: 'something else' },
    { name: 'being a picture', bytes: () => Uint8Array.of(0x89, 0x50, 0x4e, 0x47), title: 'This is not a whole receipt', says: 'something else' },
    { name: 'being far too large', bytes: () => new Uint8Array(1_000_001), title: 'This is not a whole receipt', says: 'something else' },
    { name: 'on the page as it was built, which trusts nobody', on: 'receipt', bytes: () => whole, title: 'This page trusts nobody yet', says: 'Without a trust root' },
  ];
  test.each(cases)('$name', async ({ on = 'hub', bytes, title, says }) => {
    await reopen(on);
    const refused = await chooseFile(bytes());
    expect(refused).toMatchObject({ held: false, title, text: expect.stringContaining(says) });
    expect(complaints).toEqual([]);
  });

  test('as codes that are too few, wrong, mixed or none', async () => {
    const [first = '', second = ''] = receiptToSymbols(whole);
    expect((await paste(second)).title).toBe('Code 1 of 2 is still missing');
    expect((await paste('IMI1:2:4:AAA')).title).toBe('Codes 1, 3, and 4 of 4 are still missing');
    expect((await paste(`${first}_\n${second}`)).title).toBe('Code 1 is not right');
    expect((await paste(`${first}\nIMI1:2:3:AAA`)).title).toBe('These codes are not of one receipt');
    expect((await paste('')).title).toBe('There is no code here yet');
  });
});

describe('whom the page trusts', () => {
  const fingerprintOf = (of: string, key: Uint8Array) => trustFingerprint({ chain: of, height: 1, validators: [{ key, power: 10 }] }, nodeCrypto);

  test('stands on it, with a fingerprint', async () => {
    expect(await page.locator('[data-whom]').innerText()).toContain('“imi-test” of Test District Service Hub');
    expect(await page.locator('[data-fingerprint]').innerText()).toBe(fingerprintOf(chain, validator));
  });

  test('can be brought along; the page says so, forgets what it found, and goes back', async () => {
    await reopen('other-keys');
    expect((await chooseFile(whole)).held).toBe(false);
    await page.locator('summary').click();
    await page.locator('#trust').fill(JSON.stringify(hub.trustRoot));
    await page.locator('[data-take]').click();
    expect(await page.locator('[data-whom]').innerText()).toContain('by keys that you brought yourself');
    expect(await page.locator('[data-fingerprint]').innerText()).toBe(fingerprintOf(chain, validator));
    expect(await page.locator('[data-outcome]').count()).toBe(0);
    expect((await chooseFile(whole)).held).toBe(true);
    await page.locator('[data-back]').click();
    expect(await page.locator('[data-outcome]').count()).toBe(0);
    expect((await chooseFile(whole)).held).toBe(false);
  });

  const wrongRoots: { name: string; root: unknown }[] = [
    { name: 'no object', root: 'imi-test' },
    { name: 'a key of 31 bytes', root: { ...hub.trustRoot, validators: [{ alg: -19, key: toBase64url(new Uint8Array(31)), power: 1 }] } },
    { name: 'no validator', root: { ...hub.trustRoot, validators: [] } },
    { name: 'a power of 0', root: { ...hub.trustRoot, validators: [{ alg: -19, key: toBase64url(validator), power: 0 }] } },
    { name: 'a member too many', root: { ...hub.trustRoot, more: 1 } },
  ];
  test.each(wrongRoots)('$name is no trust root', async ({ root }) => {
    await page.locator('summary').click();
    await page.locator('#trust').fill(JSON.stringify(root));
    await page.locator('[data-take]').click();
    expect(await page.getByRole('alert').innerText()).toBe('That is not a trust root.');
    expect(await page.locator('[data-whom]').innerText()).toContain('Test District Service Hub');
  });
});

test('nothing leaves the page or stays behind, and nothing could leave', async () => {
  await chooseFile(whole);
  await paste(receiptToSymbols(whole).join('\n'));
  expect(requests).toEqual([page.url()]);
  expect(complaints).toEqual([]);
  expect(await page.evaluate('[localStorage.length, sessionStorage.length, document.cookie]')).toEqual([0, 0, '']);

  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(request.url ?? '');
    response.end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const tried = await page.evaluate<{ violated: string[]; ran: boolean }>(attemptsToReach(address));
  server.close();
  expect(tried.violated).toEqual(expect.arrayContaining(['img-src', 'connect-src']));
  expect(tried.ran).toBe(false);
  expect(heard).toEqual([]);
});

describe.each(['zh-CN', 'en-GB'])('the page in %s', (locale) => {
  test.each([
    { name: 'a desk', viewport: { width: 1000, height: 900 } },
    { name: 'a phone', viewport: { width: 360, height: 740 } },
  ])('on $name: accessible and within its width, before and after', async ({ viewport }) => {
    await reopen('hub', locale, viewport);
    const overflow = () => page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    expect(await axeFindings(page)).toEqual([]);
    expect(await overflow()).toBe(0);
    await chooseFile(whole);
    for (const summary of await page.locator('summary').all()) await summary.click();
    expect(await axeFindings(page)).toEqual([]);
    expect(await overflow()).toBe(0);
    await paste(receiptToSymbols(whole)[0] ?? '');
    expect(await axeFindings(page)).toEqual([]);
    expect(await overflow()).toBe(0);
  });

  test('on paper: what was found and whom it trusts, without what can be touched', async () => {
    await reopen('hub', locale);
    await chooseFile(whole);
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('button:visible, input:visible, textarea:visible').count()).toBe(0);
    expect(await page.locator('[data-reference]').isVisible()).toBe(true);
    expect(await page.locator('[data-fingerprint]').isVisible()).toBe(true);
  });
});

/** In the page: a picture, a request and a script, none of which its policy lets through. */
const attemptsToReach = (address: string): string => `(async () => {
  const violated = [];
  document.addEventListener('securitypolicyviolation', (event) => violated.push(event.effectiveDirective));
  const image = document.createElement('img');
  const failed = new Promise((done) => image.addEventListener('error', done));
  image.src = '${address}/image';
  document.body.append(image);
  await Promise.all([failed, fetch('${address}/fetch').catch(() => undefined)]);
  try {
    const script = document.createElement('script');
    script.text = 'globalThis.ran = true';
    document.body.append(script);
  } catch {}
  return { violated, ran: globalThis.ran === true };
})()`;

function changed(edit: (receipt: NonNullable<ReturnType<typeof decodeReceipt>>) => Parameters<typeof encodeReceipt>[0]): Uint8Array {
  const receipt = decodeReceipt(whole);
  if (receipt === undefined) throw new Error('not a receipt');
  return encodeReceipt(edit(receipt));
}
