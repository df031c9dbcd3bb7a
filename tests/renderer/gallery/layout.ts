interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
  width: number;
  height: number;
}
interface Node {
  nodeType: number;
  textContent: string | null;
  childNodes: Iterable<Node>;
}
interface Element extends Node {
  tagName: string;
  className: unknown;
  scrollWidth: number;
  clientWidth: number;
  scrollHeight: number;
  clientHeight: number;
  disabled?: boolean;
  parentElement: Element | null;
  getBoundingClientRect(): Box;
  matches(selector: string): boolean;
  closest(selector: string): Element | null;
}
interface View {
  document: {
    querySelectorAll(selector: string): Iterable<Element>;
    createRange(): { selectNodeContents(node: Node): void; getClientRects(): Iterable<Box> };
  };
  innerWidth: number;
  innerHeight: number;
  getComputedStyle(element: Element): { fontSize: string; overflowY: string; overflowX: string; visibility: string };
}

/**
 * Runs in the page: what is cut off, off the screen, too small to hit (20 mm) or too small to read (capitals of 4.8 mm), in words.
 * What lies in a list that scrolls may lie outside of its view, never beside it.
 */
export function faultsOfLayout({ pxPerMm }: { pxPerMm: number }): string[] {
  const view = globalThis as unknown as View;
  const { document, innerWidth, innerHeight } = view;
  const capitalHeight = 0.733;
  const slack = 1;
  // A last line's letters reach so far below tight lines.
  const descenders = 8;
  const faults: string[] = [];
  const nameOf = (element: Element): string => `${element.tagName.toLowerCase()}.${String(element.className)} "${(element.textContent ?? '').trim().slice(0, 40)}"`;

  for (const element of document.querySelectorAll('#kiosk *')) {
    if (element.closest('svg') !== null && element.tagName.toLowerCase() !== 'svg') continue;
    if (element.closest('.unseen') !== null) continue;
    const style = view.getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) continue;
    const scrolls = element.closest('.view');

    if (box.left < -slack || box.right > innerWidth + slack) faults.push(`beside the screen: ${nameOf(element)}`);
    if (scrolls === null && (box.top < -slack || box.bottom > innerHeight + slack)) faults.push(`above or below the screen: ${nameOf(element)}`);
    if (element.scrollWidth > element.clientWidth + slack && element.clientWidth > 0 && element.tagName !== 'SPAN') faults.push(`wider than its place: ${nameOf(element)}`);
    if (element.matches('.say') && element.scrollHeight > element.clientHeight + descenders) faults.push(`longer than its place (${element.scrollHeight - element.clientHeight} px): ${nameOf(element)}`);
    if (style.overflowY === 'hidden' && element.scrollHeight > element.clientHeight + slack) faults.push(`cut off: ${nameOf(element)}`);

    const ownText = [...element.childNodes].filter((node) => node.nodeType === 3 && (node.textContent ?? '').trim() !== '');
    if (ownText.length > 0) {
      if ((Number.parseFloat(style.fontSize) * capitalHeight) / pxPerMm < 4.8) faults.push(`letters under 4.8 mm: ${nameOf(element)}`);
      const button = element.closest('button');
      if (button !== null) {
        const around = button.getBoundingClientRect();
        for (const node of ownText) {
          const range = document.createRange();
          range.selectNodeContents(node);
          for (const line of range.getClientRects()) {
            if (line.left < around.left - slack || line.right > around.right + slack) faults.push(`text outside its button: ${nameOf(button)}`);
          }
        }
      }
    }

    if (element.tagName === 'BUTTON') {
      if (box.width / pxPerMm < 20 || box.height / pxPerMm < 20) faults.push(`target under 20 mm (${Math.round(box.width / pxPerMm)} × ${Math.round(box.height / pxPerMm)}): ${nameOf(element)}`);
    }
  }

  // Parts of a page never lie over one another.
  const regions = [...document.querySelectorAll('.top, .say, .view, .area > .turn, .do > *, .go > *, .bar > *')].filter((element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && element.closest('[role=dialog]') === null;
  });
  const contains = (a: Element, b: Element): boolean => {
    for (let up: Element | null = b; up !== null; up = up.parentElement) if (up === a) return true;
    return false;
  };
  regions.forEach((a, index) => {
    for (const b of regions.slice(index + 1)) {
      if (contains(a, b) || contains(b, a)) continue;
      const one = a.getBoundingClientRect();
      const other = b.getBoundingClientRect();
      const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const high = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      if (wide > slack && high > slack) faults.push(`lies over another part (${Math.round(high)} px): ${nameOf(a)} / ${nameOf(b)}`);
    }
  });
  return [...new Set(faults)];
}
