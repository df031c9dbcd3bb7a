import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assetResponse, isKioskUrl, readAssets, securityHeaders, type Assets } from '../../../src/main/shells/assets.ts';

describe('assets', () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'imi-assets-'));
  let assets: Assets;
  beforeAll(async () => {
    writeFileSync(path.join(dir, 'index.html'), '<!doctype html>');
    writeFileSync(path.join(dir, 'gone.js'), '1');
    writeFileSync(path.join(dir, 'note.exe'), 'MZ');
    const read = await readAssets(dir);
    if (!read.ok) throw new Error(read.failure.detail);
    assets = read.value;
    rmSync(path.join(dir, 'gone.js'));
    writeFileSync(path.join(dir, 'late.js'), '1');
  });
  afterAll(() => {
    rmSync(dir, { recursive: true });
  });

  it.each([
    { name: 'the root', method: 'GET', url: '/', status: 200 },
    { name: 'a file by its name', method: 'GET', url: '/index.html', status: 200 },
    { name: 'a query changes nothing', method: 'GET', url: '/index.html?x=1', status: 200 },
    { name: 'another method', method: 'POST', url: '/', status: 404 },
    { name: 'a kind of file that no page needs', method: 'GET', url: '/note.exe', status: 404 },
    { name: 'a file that came later', method: 'GET', url: '/late.js', status: 404 },
    { name: 'a file that has gone', method: 'GET', url: '/gone.js', status: 404 },
    { name: 'a way up', method: 'GET', url: '/../../etc/passwd', status: 404 },
    { name: 'an encoded way up', method: 'GET', url: '/%2e%2e%2fetc/passwd', status: 404 },
    { name: 'the name of a member of every object', method: 'GET', url: '/__proto__', status: 404 },
  ])('$name: $status', ({ method, url, status }) => {
    const response = assetResponse(assets, method, new URL(url, 'https://imi.internal'));
    expect(response.status).toBe(status);
    expect(response.headers).toMatchObject(securityHeaders);
  });
});

describe('isKioskUrl', () => {
  it.each([
    { url: 'https://imi.internal/', ours: true },
    { url: 'https://imi.internal/assets/index.js', ours: true },
    { url: 'http://imi.internal/', ours: false },
    { url: 'https://imi.internal:8443/', ours: false },
    { url: 'https://imi.internal.example.org/', ours: false },
    { url: 'https://imi.internal@example.org/', ours: false },
    { url: 'https://someone@imi.internal/', ours: false },
    { url: 'blob:https://imi.internal/0a', ours: false },
    { url: 'about:blank', ours: false },
    { url: 'data:text/html,x', ours: false },
    { url: 'chrome-error://chromewebdata/', ours: false },
    { url: '', ours: false },
  ])('$url: $ours', ({ url, ours }) => {
    expect(isKioskUrl(url)).toBe(ours);
  });
});
