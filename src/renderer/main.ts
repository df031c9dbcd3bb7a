import { bridge } from './bridge.ts';
import { createPinia } from 'pinia';
import { createApp, nextTick } from 'vue';
import App from './App.vue';
import { reportActivity } from './activity.ts';
import './fonts/kiosk-font.css';
import './tokens.css';
import './base.css';
import { i18n } from './i18n.ts';
import { loadMyDataView } from './my-data-view.ts';
import { useSnapshotStore } from './snapshot-store.ts';

const nextFrame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));

const pinia = createPinia();
const store = useSnapshotStore(pinia);
await store.connect(bridge);
createApp(App).use(pinia).use(i18n).mount('#kiosk');
reportActivity(window, () => store.send({ intent: 'activity' }));

await nextTick();
// The first frame holds the page; when the second comes, it has been painted.
await nextFrame();
await nextFrame();
bridge.ready();
await Promise.all([import('./fonts/slices.css'), loadMyDataView()]);
