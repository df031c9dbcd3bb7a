/**
 * A first document (vite.first-documents.ts) is on the screen before its script is there to hear a touch: the one that starts the script keeps the last until then.
 *
 * @param isSamePage whether what was touched is still what is shown.
 */
export function replayFirstTouch(isSamePage: boolean): void {
  const button = window.takeFirstTouch?.() ?? null;
  if (isSamePage && button?.isConnected === true) button.click();
}
