import { ref, type Ref } from 'vue';
import type PinPad from './parts/PinPad.vue';
import { useSnapshotStore } from './snapshot-store.ts';

/** The pad on a page that asks for the PIN. `submit` takes the digits out of it and sends them as one message; nothing here keeps them. */
export function usePin(): { pad: Ref<InstanceType<typeof PinPad> | null>; ready: Ref<boolean>; submit(): void } {
  const store = useSnapshotStore();
  const pad = ref<InstanceType<typeof PinPad> | null>(null);
  const ready = ref(false);
  return {
    pad,
    ready,
    submit() {
      const pin = pad.value?.take();
      if (pin) store.send({ intent: 'pin.submit', pin });
    },
  };
}
