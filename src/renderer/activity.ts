const quietMs = 1000;

/** Calls `report` when a finger or a key moves, at most once a second. */
export function reportActivity(target: Window, report: () => void): void {
  let lastMs = Number.NEGATIVE_INFINITY;
  const onInput = (event: Event): void => {
    if (event.timeStamp - lastMs < quietMs) return;
    lastMs = event.timeStamp;
    report();
  };
  for (const type of ['pointerdown', 'keydown', 'wheel']) target.addEventListener(type, onInput, { capture: true, passive: true });
}
