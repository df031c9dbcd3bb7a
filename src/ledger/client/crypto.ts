/** The kiosk's door to the strict checks over node:crypto. */
export { nodeCrypto } from '../node-crypto.ts';
