import { bridge } from './bridge.ts';
import { createPinia } from 'pinia';
import { createApp, nextTick, watch } from 'vue';
import App from './App.vue';
import { reportActivity } from './activity.ts';
import './fonts/fonts.css';
import './tokens.css';
import './base.css';
import { i18n } from './i18n.ts';
import { useSnapshotStore } from './snapshot-store.ts';

const pinia = createPinia();
const store = useSnapshotStore(pinia);

createApp(App).use(pinia).use(i18n).mount('#kiosk');

const firstPage = watch(
  () => store.snapshot,
  async (snapshot) => {
    if (!snapshot) return;
    firstPage.stop();
    await nextTick();
    // The first callback runs before the frame that holds the page, the second after it was painted.
    requestAnimationFrame(() => requestAnimationFrame(() => bridge.ready()));
  },
);

store.connect(bridge);
reportActivity(window, () => store.send({ intent: 'activity' }));
