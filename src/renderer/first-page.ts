import { createPinia } from 'pinia';
import { createSSRApp } from 'vue';
import { renderToString } from 'vue/server-renderer';
import App from './App.vue';
import type { Snapshot } from '../contract/bridge.ts';
import { i18n } from './i18n.ts';
import { useSnapshotStore } from './snapshot-store.ts';

/** The markup of the whole screen for a snapshot. For the build alone: the first document holds the attract page already drawn. */
export async function drawScreen(snapshot: Snapshot): Promise<string> {
  const pinia = createPinia();
  await useSnapshotStore(pinia).connect({
    onSnapshot: (take) => {
      take(snapshot);
    },
    send: () => undefined,
    ready: () => undefined,
  });
  const markup = await renderToString(createSSRApp(App).use(pinia).use(i18n));
  // The page's policy takes no style from markup, and a window's light falls back to this one.
  return markup.replaceAll(' style="--moment:0;"', '');
}
