import type { Failure, Result } from '../contract/result.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { tryDeviceKey, type StoredDeviceKey } from './device-key.ts';

/** What became of its last signature; `untried`: of none yet. */
export type ChipState = 'untried' | 'signs' | Failure;

export interface WatchedDeviceKey extends StoredDeviceKey {
  /** Of the TPM that it lies in; null: it lies in a file, and signs for as long as the kiosk runs. */
  readonly chip: ChipState | null;
  /** Has the chip sign something, where it is not asked just now. What comes of it is `chip` from then on; a chip that hangs keeps nobody waiting. */
  tryChip(): void;
}

/** The same key, and how its chip is: by each signature, whoever asks for it. */
export function watchDeviceKey(key: StoredDeviceKey, verify: Crypto['verify']): WatchedDeviceKey {
  let chip: ChipState | null = key.tlsKey === null ? 'untried' : null;
  let trying = false;
  const note = (result: Result<unknown>): void => {
    if (chip !== null) chip = result.ok ? 'signs' : result.failure;
  };
  return {
    ...key,
    async sign(input) {
      const signature = await key.sign(input);
      note(signature);
      return signature;
    },
    get chip() {
      return chip;
    },
    tryChip() {
      if (chip === null || trying) return;
      trying = true;
      void tryDeviceKey(key, verify).then((tried) => {
        trying = false;
        note(tried);
      });
    },
  };
}
