import type { CardInfo, OpenPgpInfo, DeviceCommand, DeviceCommands, PinChoice, PinResult, RawCard } from '../contract/device-host.ts';
import type { Result } from '../contract/result.ts';

/** As much of the device host as main uses. */
export interface Devices {
  call<K extends DeviceCommand>(command: K, params: DeviceCommands[K]['params']): Promise<Result<DeviceCommands[K]['result']>>;
}

/** The card of one insertion: what is asked of it after it was pulled fails with `card-removed`, whatever lies in the reader by then. */
export interface Card {
  open(): Promise<Result<CardInfo>>;
  /** `pin` is overwritten with zeros in every case; null: the reader's own pad takes it. */
  verify(purpose: 'user' | 'sign', pin: Uint8Array | null): Promise<Result<PinResult>>;
  authenticate(data: Uint8Array): Promise<Result<Uint8Array>>;
  sign(data: Uint8Array): Promise<Result<Uint8Array>>;
  agree(point: Uint8Array): Promise<Result<Uint8Array>>;
  signatureCount(): Promise<Result<number>>;
  /** Resets it: no PIN state is left behind. */
  release(): Promise<void>;
}

/** @param reader its name as PC/SC has it. */
export function cardIn(devices: Devices, reader: string, insertion: number): Card {
  return {
    open: () => devices.call('card.open', { reader, insertion }),
    async verify(purpose, pin) {
      try {
        return await devices.call('card.verify', { insertion, purpose, pin });
      } finally {
        pin?.fill(0);
      }
    },
    authenticate: (data) => devices.call('card.authenticate', { insertion, data }),
    sign: (data) => devices.call('card.sign', { insertion, data }),
    agree: (point) => devices.call('card.agree', { insertion, point }),
    async signatureCount() {
      const count = await devices.call('card.count', { insertion });
      return count.ok ? { ok: true, value: count.value.signatureCount } : count;
    },
    async release() {
      await devices.call('card.release', { insertion });
    },
  };
}

/** A card that is made at the desk: from when it is nobody's until it is somebody's, and then a card like every other. */
export interface NewCard extends Card {
  openRaw(): Promise<Result<RawCard>>;
  wipe(): Promise<Result<RawCard>>;
  /** Both secrets are overwritten with zeros in every case. */
  make(adminPin: Uint8Array, resetCode: Uint8Array): Promise<Result<OpenPgpInfo>>;
  /** As `card.choose-pin`; `newPin` is overwritten with zeros in every case. */
  choosePin(newPin: Uint8Array, avoid: readonly string[]): Promise<Result<PinChoice>>;
  /** As `card.unblock`; both secrets are overwritten with zeros in every case. */
  unblock(resetCode: Uint8Array, newPin: Uint8Array, avoid: readonly string[]): Promise<Result<DeviceCommands['card.unblock']['result']>>;
}

/** As `cardIn`. */
export function newCardIn(devices: Devices, reader: string, insertion: number): NewCard {
  return {
    ...cardIn(devices, reader, insertion),
    openRaw: () => devices.call('card.open-raw', { reader, insertion }),
    wipe: () => devices.call('card.wipe', { insertion }),
    make: (adminPin, resetCode) => devices.call('card.make', { insertion, adminPin, resetCode }),
    choosePin: (newPin, avoid) => devices.call('card.choose-pin', { insertion, newPin, avoid }),
    unblock: (resetCode, newPin, avoid) => devices.call('card.unblock', { insertion, resetCode, newPin, avoid }),
  };
}
