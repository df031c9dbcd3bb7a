/// <reference types="vite/client" />
import type { Bridge } from '../contract/bridge.ts';

declare global {
  interface Window {
    /** Put there by the shell's boot script; gone after `bridge.ts` has run. */
    imi?: Bridge;
    /** Only in a first document: the button that was touched last so far, and from now on nothing is kept. */
    takeFirstTouch?: () => HTMLButtonElement | null;
  }
}
