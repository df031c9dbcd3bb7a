import { defineStore } from 'pinia';
import { shallowRef } from 'vue';
import type { Bridge, Intent, Snapshot } from '../contract/bridge.ts';

/** All that the screen knows, replaced as a whole with each snapshot, and the one way to ask for anything. */
export const useSnapshotStore = defineStore('snapshot', () => {
  const snapshot = shallowRef<Snapshot | null>(null);
  let bridge: Bridge | null = null;

  /** Takes the place of what is shown, unless it is older. */
  function accept(next: Snapshot): void {
    if (snapshot.value && next.seq <= snapshot.value.seq) return;
    snapshot.value = next;
  }

  function connect(to: Bridge): void {
    bridge = to;
    bridge.onSnapshot(accept);
  }

  function send(intent: Intent): void {
    bridge?.send(intent);
  }

  return { snapshot, accept, connect, send };
});
