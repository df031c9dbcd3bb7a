import { ref, type Ref } from 'vue';
import { useSnapshotStore } from './snapshot-store.ts';

/** As `PinPad.vue` lets others have it: the PIN, once; null while it is too short. */
interface Pad {
  take(): string | null;
}

/** The pad on a page that asks for the PIN. `submit` takes the digits out of it and sends them as one message; nothing here keeps them. */
export function usePin(): { pad: Ref<Pad | null>; ready: Ref<boolean>; submit(): void } {
  const store = useSnapshotStore();
  const pad = ref<Pad | null>(null);
  const ready = ref(false);
  return {
    pad,
    ready,
    submit() {
      const pin = pad.value?.take() ?? null;
      if (pin !== null) store.send({ intent: 'pin.submit', pin });
    },
  };
}
