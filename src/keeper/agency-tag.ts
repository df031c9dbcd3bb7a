import { createHmac } from 'node:crypto';
import type { Tag } from './store.ts';

const derive = (key: Uint8Array, ...parts: (string | Uint8Array)[]): Uint8Array => {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return new Uint8Array(mac.digest());
};

/** What stands in the store for the names of agencies and services: without the keeper's sealing key nobody tells which is whose, or that two stores speak of one. */
export interface Tags {
  agency(name: string): Tag;
  service(id: string): Tag;
  /** Of the short code that is typed at a kiosk. */
  code(code: string): Tag;
}

export function tagsUnder(sealSecret: Uint8Array): Tags {
  const key = derive(sealSecret, 'imi/keeper/tags/1');
  return {
    agency: (name) => derive(key, 'agency\0', name),
    service: (id) => derive(key, 'service\0', id),
    code: (code) => derive(key, 'code\0', code),
  };
}
