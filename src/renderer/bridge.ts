import type { Bridge } from '../contract/bridge.ts';

function takeBridge(): Bridge {
  const bridge = window.imi;
  if (!bridge) throw new Error('no shell: window.imi is missing');
  delete window.imi;
  return bridge;
}

/** The only door to the kiosk's main. This module is the first that runs, so that nothing else ever finds `window.imi`. */
export const bridge: Bridge = takeBridge();
