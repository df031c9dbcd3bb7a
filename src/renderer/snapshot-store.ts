import { defineStore } from 'pinia';
import { shallowRef } from 'vue';
import type { Bridge, Intent, Snapshot } from '../contract/bridge.ts';

/** All that the screen knows, replaced as a whole with each snapshot, and the one way to ask for anything. */
export const useSnapshotStore = defineStore('snapshot', () => {
  const snapshot = shallowRef<Snapshot | null>(null);
  let bridge: Bridge | null = null;

  /** Listens from now on. Resolves with the first snapshot; one that is older than what is shown is dropped. */
  function connect(to: Bridge): Promise<Snapshot> {
    bridge = to;
    return new Promise((resolve) => {
      to.onSnapshot((next) => {
        if (snapshot.value && next.seq <= snapshot.value.seq) return;
        snapshot.value = next;
        resolve(next);
      });
    });
  }

  function send(intent: Intent): void {
    bridge?.send(intent);
  }

  return { snapshot, connect, send };
});
