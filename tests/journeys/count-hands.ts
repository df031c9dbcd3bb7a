interface CountedPage {
  hands: { touches: number; keys: number };
  addEventListener(type: 'pointerdown' | 'keydown', listen: (event: { target: { closest(selector: string): unknown } }) => void, options: { capture: true }): void;
}

/** In the page: from now on `hands` holds the fingers that came down, those on keys of a pad (or of a keyboard) apart from the others. */
export function countHands(): void {
  const page = globalThis as unknown as CountedPage;
  page.hands = { touches: 0, keys: 0 };
  page.addEventListener(
    'pointerdown',
    ({ target }) => {
      page.hands[target.closest('[data-key]') === null ? 'touches' : 'keys'] += 1;
    },
    { capture: true },
  );
  page.addEventListener(
    'keydown',
    () => {
      page.hands.keys += 1;
    },
    { capture: true },
  );
}
