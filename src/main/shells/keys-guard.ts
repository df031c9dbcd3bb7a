/** The part of a keyboard event that decides; Electron's `Input` has the same facts under other names. */
export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
}

/**
 * Which keys of an assistive or a staff keyboard reach the kiosk's pages: characters, editing and moving the focus. Everything else belongs to a browser
 * (new window, print, history, zoom, help, developer tools) and is swallowed. Shift+Esc never reaches a page: it is closed by the input allow-list of the kiosk's system image.
 * Self-contained: the Chromium shell sends its source to the page.
 */
export function isKioskKey(press: KeyPress): boolean {
  if (press.ctrlKey || press.altKey || press.metaKey) return false;
  if (press.key.length <= 2) return !/^F[0-9]$/.test(press.key);
  return [
    'Tab',
    'Enter',
    'Backspace',
    'Delete',
    'ArrowLeft',
    'ArrowRight',
    'ArrowUp',
    'ArrowDown',
    'Home',
    'End',
    'PageUp',
    'PageDown',
    'Shift',
    'Process',
    'Unidentified',
  ].includes(press.key);
}

interface GuardedEvent extends Partial<KeyPress> {
  button?: number;
  preventDefault(): void;
  stopImmediatePropagation(): void;
}

export interface GuardedWindow {
  addEventListener(type: string, listener: (event: GuardedEvent) => void, options: { capture: boolean; passive: boolean }): void;
}

/** Keys, context menu, drag and drop, middle and side buttons, zoom by wheel. To be called before any listener of the page. Self-contained, as above. */
export function guardWindow(window: GuardedWindow, isAllowed: (press: KeyPress) => boolean): void {
  const options = { capture: true, passive: false };
  const refuse = (event: GuardedEvent): void => {
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  const onKey = (event: GuardedEvent): void => {
    const press = { key: event.key ?? '', ctrlKey: event.ctrlKey === true, altKey: event.altKey === true, metaKey: event.metaKey === true };
    if (!isAllowed(press)) refuse(event);
  };
  for (const type of ['keydown', 'keypress', 'keyup']) window.addEventListener(type, onKey, options);
  for (const type of ['contextmenu', 'dragstart', 'dragover', 'drop', 'auxclick', 'copy', 'cut', 'paste']) window.addEventListener(type, refuse, options);
  for (const type of ['mousedown', 'mouseup', 'pointerdown', 'pointerup']) {
    window.addEventListener(
      type,
      (event) => {
        if (event.button !== undefined && event.button > 0) refuse(event);
      },
      options,
    );
  }
  window.addEventListener(
    'wheel',
    (event) => {
      if (event.ctrlKey === true) refuse(event);
    },
    options,
  );
}
