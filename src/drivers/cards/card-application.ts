import type { CardInfo, PinResult } from '../../contract/device-host.ts';
import { fail, ok } from '../../contract/result.ts';
import type { Failure, Result } from '../../contract/result.ts';
import type { PinPad } from '../pcsc/pin-pad.ts';
import type { ApduTransport } from './apdu.ts';
import { OpenPgpCard } from './openpgp.ts';
import { PivCard } from './piv.ts';

export interface CardOptions {
  /** The reader's pad, if it has one. */
  pinPad: PinPad | null;
  /** Called before a command that the card answers only after a touch on its own button. */
  onTouchWanted: () => void;
}

/** What a card that has keys of ours does, whichever application they lie in. What an application has not is `card-unsupported`. */
export interface CardApplication {
  readonly info: CardInfo;
  /** `pin` null: at the reader's pad. The bytes of `pin` are zero afterwards, whatever came of it. */
  verify(purpose: 'user' | 'sign', pin: Uint8Array | null): Promise<Result<PinResult>>;
  /** Both PINs are zero afterwards. A wrong old PIN costs a try, and the last one is not spent here either. */
  changePin(oldPin: Uint8Array, newPin: Uint8Array): Promise<Result<PinResult>>;
  /** By SIG over `data` as given, after `verify('sign')`: 64 bytes. */
  sign(data: Uint8Array): Promise<Result<Uint8Array>>;
  /** By AUT over `data` as given, after `verify('user')`: 64 bytes. */
  authenticate(data: Uint8Array): Promise<Result<Uint8Array>>;
  /** X25519 of DEC and `point`, after `verify('user')`: 32 bytes. */
  agree(point: Uint8Array): Promise<Result<Uint8Array>>;
  count(): Promise<Result<{ signatureCount: number; triesLeft: number }>>;
}

/** A card without an application, or without keys of ours in it: the next one may have them. */
const leavesItOpen = ({ code }: Failure): boolean => code === 'card-unknown' || code === 'card-unsupported';

/**
 * OpenPGP first, then PIV; no PIN try is spent on finding out. `card-unknown`: neither is there; `card-unsupported`: keys of another kind, or none,
 * said of PIV only where it is the only one of the two.
 */
export async function openCardApplication(transport: ApduTransport, options: CardOptions): Promise<Result<CardApplication>> {
  const openpgp = await OpenPgpCard.open(transport, options);
  if (openpgp.ok || !leavesItOpen(openpgp.failure)) return openpgp;
  const piv = await PivCard.open(transport, options);
  if (piv.ok) return ok(piv.value);
  if (!leavesItOpen(piv.failure)) return piv;
  return openpgp.failure.code === 'card-unsupported' ? fail(openpgp.failure.code, openpgp.failure.detail) : piv;
}
