import type { CDPSession } from '@playwright/test';

interface WatchedPage {
  [binding: string]: unknown;
  document: { documentElement: { outerHTML: string } };
  addEventListener(type: 'pagehide', run: () => void): void;
  MutationObserver: new (look: () => void) => { observe(target: unknown, what: Record<string, boolean>): void; disconnect(): void };
}

export interface FactsWatched {
  /** Resolves when none of them is in the document any more: Unix milliseconds with fractions. */
  gone: Promise<number>;
}

/**
 * When the last of these facts leaves the document, told by the page as it happens: the document itself goes right after. Throws where one of them is not there.
 */
export async function watchFacts(session: CDPSession, facts: readonly string[]): Promise<FactsWatched> {
  const binding = 'factsGone';
  await session.send('Runtime.enable');
  await session.send('Runtime.addBinding', { name: binding });
  const gone = new Promise<number>((resolve) => {
    session.on('Runtime.bindingCalled', ({ name, payload }) => {
      if (name === binding) resolve(Number(payload));
    });
  });
  const { result } = await session.send('Runtime.evaluate', { expression: `(${watch.toString()})(${JSON.stringify(facts)}, '${binding}')`, returnByValue: true });
  const missing = result.value as string[];
  if (missing.length > 0) throw new Error(`not on the page: ${missing.join(', ')}`);
  return { gone };
}

/** In the page. Gives the facts that are not there. */
function watch(facts: string[], binding: string): string[] {
  const page = globalThis as unknown as WatchedPage;
  const stands = (fact: string): boolean => page.document.documentElement.outerHTML.includes(fact);
  const tell = (): void => {
    (page[binding] as (text: string) => void)(String(performance.timeOrigin + performance.now()));
    observer.disconnect();
  };
  const observer = new page.MutationObserver(() => {
    if (!facts.some(stands)) tell();
  });
  observer.observe(page.document, { subtree: true, childList: true, characterData: true, attributes: true });
  // Or the document goes with all that is in it.
  page.addEventListener('pagehide', tell);
  return facts.filter((fact) => !stands(fact));
}
