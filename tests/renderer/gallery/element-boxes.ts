/** One part of a screen: its name with the text that stands in it, then left, top, width, height in pixels. */
export type ElementBox = [name: string, left: number, top: number, width: number, height: number];

/** What a text may be wider or a line lower in another version of the browser, in pixels: a millimetre. */
export const boxTolerance = 4;

interface Node {
  nodeType: number;
  textContent: string | null;
}
interface Element extends Node {
  tagName: string;
  className: unknown;
  childNodes: Iterable<Node>;
  childElementCount: number;
  closest(selector: string): Element | null;
  getAttribute(name: string): string | null;
  getBoundingClientRect(): { left: number; top: number; width: number; height: number };
}

/** Runs in the page: every button, every text and everything that has nothing inside, in the order of the page. */
export function elementBoxes(): ElementBox[] {
  const { document } = globalThis as unknown as { document: { querySelectorAll(selector: string): Iterable<Element> } };
  const boxes: ElementBox[] = [];
  for (const element of document.querySelectorAll('#kiosk *')) {
    const tag = element.tagName.toLowerCase();
    if (element.closest('svg') !== null && tag !== 'svg') continue;
    const ownText = [...element.childNodes]
      .filter((node) => node.nodeType === 3)
      .map((node) => node.textContent ?? '')
      .join('')
      .replace(/\s+/g, ' ')
      .trim();
    if (ownText === '' && tag !== 'button' && tag !== 'svg' && element.childElementCount > 0) continue;
    const { left, top, width, height } = element.getBoundingClientRect();
    if (width === 0 || height === 0) continue;
    const given = typeof element.className === 'string' ? element.className : element.getAttribute('class');
    const classes = (given ?? '').split(/\s+/).filter((name) => name !== '');
    const mark = element.getAttribute('data-value') ?? element.getAttribute('data-intent') ?? element.getAttribute('data-key');
    const name = `${[tag, ...classes].join('.')}${mark === null ? '' : `[${mark}]`}${ownText === '' ? '' : ` ${ownText.slice(0, 80)}`}`;
    boxes.push([name, Math.round(left), Math.round(top), Math.round(width), Math.round(height)]);
  }
  return boxes;
}

/** What is gone, new, moved or of another size, in words. */
export function movedBoxes(approved: readonly ElementBox[], seen: readonly ElementBox[]): string[] {
  const faults: string[] = [];
  const left = byName(seen);
  for (const [name, ...before] of approved) {
    const now = left.get(name)?.shift();
    if (now === undefined) {
      faults.push(`gone: ${name}`);
    } else if (before.some((edge, index) => Math.abs(edge - (now[index] ?? Number.NaN)) > boxTolerance)) {
      faults.push(`moved from ${before.join(' ')} to ${now.join(' ')}: ${name}`);
    }
  }
  for (const [name, boxes] of left) for (const box of boxes) faults.push(`new at ${box.join(' ')}: ${name}`);
  return faults;
}

/** Those of one name in the order of the page. */
function byName(boxes: readonly ElementBox[]): Map<string, number[][]> {
  const named = new Map<string, number[][]>();
  for (const [name, ...box] of boxes) named.set(name, [...(named.get(name) ?? []), box]);
  return named;
}
