import { onBeforeUnmount, onMounted } from 'vue';

/** Keys of a page, by `KeyboardEvent.key` in lower case; what a focused button does with Enter or the space bar stays its own. */
export function useKeys(keys: Readonly<Record<string, () => void>>): void {
  function onKeydown(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const run = keys[event.key.toLowerCase()];
    const onButton = event.target instanceof HTMLButtonElement && event.key === 'Enter';
    if (run === undefined || onButton) return;
    event.preventDefault();
    run();
  }
  onMounted(() => window.addEventListener('keydown', onKeydown));
  onBeforeUnmount(() => window.removeEventListener('keydown', onKeydown));
}
