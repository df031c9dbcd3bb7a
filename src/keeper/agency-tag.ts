import { hmacSha256 } from '../identity/symmetric.ts';
import type { Tag } from './store.ts';

/** What stands in the store for the names of agencies and services: without the keeper's sealing key nobody tells which is whose, or that two stores speak of one. */
export interface Tags {
  agency(name: string): Tag;
  service(id: string): Tag;
  /** Of the short code that is typed at a kiosk. */
  code(code: string): Tag;
}

export function tagsUnder(sealSecret: Uint8Array): Tags {
  const key = hmacSha256(sealSecret, 'imi/keeper/tags/1');
  return {
    agency: (name) => hmacSha256(key, 'agency\0', name),
    service: (id) => hmacSha256(key, 'service\0', id),
    code: (code) => hmacSha256(key, 'code\0', code),
  };
}
