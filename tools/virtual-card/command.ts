import type { Apdu } from './apdu.ts';
import type { KeyRole } from './card-state.ts';
import { sw } from './status-word.ts';
import { valueOf } from './tlv.ts';

/** What VERIFY names by P2: PW1 for one signature (81), PW1 for the other keys (82), PW3 (83). */
export type PinPurpose = 'sign' | 'user' | 'admin';

/** The card's commands, OpenPGP card 3.4 §7.2, with chaining already undone. */
export type Command =
  | { kind: 'select'; aid: Uint8Array; wantsFci: boolean }
  | { kind: 'select-data'; occurrence: number }
  | { kind: 'get-data'; tag: number }
  | { kind: 'get-next-data' }
  | { kind: 'put-data'; tag: number; value: Uint8Array }
  | { kind: 'verify'; purpose: PinPurpose; pin: Uint8Array }
  | { kind: 'ask-verified'; purpose: PinPurpose }
  | { kind: 'forget-verified'; purpose: PinPurpose }
  | { kind: 'change-pin'; which: 'pw1' | 'pw3'; oldAndNew: Uint8Array }
  | { kind: 'unblock-pin'; by: 'reset-code' | 'admin'; data: Uint8Array }
  | { kind: 'generate-key'; role: KeyRole }
  | { kind: 'read-key'; role: KeyRole }
  | { kind: 'sign'; data: Uint8Array }
  | { kind: 'decipher'; data: Uint8Array }
  | { kind: 'authenticate'; data: Uint8Array }
  | { kind: 'get-challenge'; length: number }
  | { kind: 'terminate' }
  | { kind: 'activate' };

/** A status word where the APDU is none of them. */
export function parseCommand({ cla, ins, p1, p2, data, le }: Apdu): Command | number {
  if (cla !== 0x00) return sw.claUnknown;
  const parameters = (p1 << 8) | p2;
  switch (ins) {
    case 0xa4:
      return p1 === 0x04 ? { kind: 'select', aid: data, wantsFci: le !== null && (p2 & 0x0c) === 0 } : sw.notFound;
    case 0xa5:
      return p2 === 0x04 && p1 <= 2 && isCertificateList(data) ? { kind: 'select-data', occurrence: p1 } : sw.referenceNotFound;
    case 0xca:
      return { kind: 'get-data', tag: parameters };
    case 0xcc:
      return parameters === 0x7f21 ? { kind: 'get-next-data' } : sw.referenceNotFound;
    case 0xda:
      return { kind: 'put-data', tag: parameters, value: data };
    case 0x20:
      return parseVerify(p1, p2, data);
    case 0x24:
      if (p1 !== 0 || (p2 !== 0x81 && p2 !== 0x83)) return sw.wrongParameters;
      return { kind: 'change-pin', which: p2 === 0x81 ? 'pw1' : 'pw3', oldAndNew: data };
    case 0x2c:
      if (p2 !== 0x81 || (p1 !== 0x00 && p1 !== 0x02)) return sw.wrongParameters;
      return { kind: 'unblock-pin', by: p1 === 0x00 ? 'reset-code' : 'admin', data };
    case 0x47: {
      if ((p1 !== 0x80 && p1 !== 0x81) || p2 !== 0) return sw.wrongParameters;
      const role = roleOfTemplate(data);
      if (role === null) return sw.wrongData;
      return { kind: p1 === 0x80 ? 'generate-key' : 'read-key', role };
    }
    case 0x2a:
      if (data.length === 0) return sw.wrongLength;
      if (parameters === 0x9e9a) return { kind: 'sign', data };
      if (parameters === 0x8086) return { kind: 'decipher', data };
      return sw.wrongParameters;
    case 0x88:
      if (parameters !== 0) return sw.wrongParameters;
      return data.length === 0 ? sw.wrongLength : { kind: 'authenticate', data };
    case 0x84:
      if (parameters !== 0) return sw.wrongParameters;
      return le === null ? sw.wrongLength : { kind: 'get-challenge', length: le };
    case 0xe6:
      return { kind: 'terminate' };
    case 0x44:
      return { kind: 'activate' };
    default:
      return sw.insUnknown;
  }
}

function parseVerify(p1: number, p2: number, data: Uint8Array): Command | number {
  const purpose = ({ 0x81: 'sign', 0x82: 'user', 0x83: 'admin' } as const)[p2];
  if (purpose === undefined) return sw.referenceNotFound;
  if (p1 === 0xff) return data.length === 0 ? { kind: 'forget-verified', purpose } : sw.wrongData;
  if (p1 !== 0x00) return sw.wrongParameters;
  return data.length === 0 ? { kind: 'ask-verified', purpose } : { kind: 'verify', purpose, pin: data };
}

/** Control reference template of §7.2.14: B6 signature, B8 confidentiality, A4 authentication, empty or with a key reference inside. */
function roleOfTemplate(data: Uint8Array): KeyRole | null {
  return ({ 0xb6: 'sig', 0xb8: 'dec', 0xa4: 'aut' } as const)[data[0] ?? 0] ?? null;
}

/** `60 04 5C 02 7F 21`: only cardholder certificates come more than once (§7.2.5). */
function isCertificateList(data: Uint8Array): boolean {
  const list = valueOf(valueOf(data, 0x60) ?? data, 0x5c);
  return list !== null && Buffer.from(list).equals(Buffer.from([0x7f, 0x21]));
}
