import { bridge } from './bridge.ts';
import { createPinia } from 'pinia';
import { createSSRApp, nextTick, watch } from 'vue';
import App from './App.vue';
import { reportActivity } from './activity.ts';
import './fonts/kiosk-font.css';
import './tokens.css';
import './base.css';
import { replayFirstTouch } from './first-touch.ts';
import { i18n } from './i18n.ts';
import { loadLaterPages } from './later-pages.ts';
import { useSnapshotStore } from './snapshot-store.ts';

const nextFrame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));

const pinia = createPinia();
const store = useSnapshotStore(pinia);
const first = await store.connect(bridge);
// The first document shows snapshot 0 already, and Vue takes it over as it stands. Any other is drawn from nothing: Vue would leave wrong classes where elements are alike.
if (first.seq !== 0) document.querySelector('#kiosk')?.replaceChildren();
createSSRApp(App).use(pinia).use(i18n).mount('#kiosk');
replayFirstTouch(first.seq === 0);
reportActivity(window, () => store.send({ intent: 'activity' }));

await nextTick();
// The first frame holds the page; when the second comes, it has been painted.
await nextFrame();
await nextFrame();
bridge.ready();

const [{ isCovered, laySlices }] = await Promise.all([import('./font-slices.ts'), loadLaterPages()]);
/** The page on which nobody has begun is the kiosk's own words, and a hub's name. It stands all day, and does without. */
const layWhenNeeded = (): void => {
  if (store.snapshot?.page.page === 'attract' && isCovered(document.body.textContent)) return;
  stop();
  laySlices();
};
const stop = watch(() => store.snapshot, layWhenNeeded, { flush: 'post' });
layWhenNeeded();
