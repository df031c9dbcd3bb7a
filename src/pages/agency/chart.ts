const space = 'http://www.w3.org/2000/svg';

function svg(tag: string, attributes: Record<string, string | number>, ...children: (Node | string)[]): SVGElement {
  const made = document.createElementNS(space, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

export interface Bar {
  label: string;
  /** Stacked from below, each in the colour and pattern of its place. */
  counts: readonly number[];
}

const width = 560;
const height = 220;
const left = 36;
const bottom = 28;
const top = 18;

/** Steps of 1, 2 or 5 times a power of ten, four lines at most. */
function ticks(most: number): number[] {
  const rough = Math.max(1, most / 4);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? 10 * power;
  const whole = Math.max(1, step);
  return Array.from({ length: Math.floor(most / whole) + 1 }, (_, i) => i * whole);
}

/** Columns from left to right, told to those who do not see it by the table beside it. */
export function barChart(title: string, bars: readonly Bar[]): SVGElement {
  const totals = bars.map(({ counts }) => counts.reduce((sum, count) => sum + count, 0));
  const most = Math.max(1, ...totals);
  const y = (value: number): number => top + (height - top - bottom) * (1 - value / most);
  const slot = (width - left) / Math.max(1, bars.length);
  const thick = Math.min(44, slot * 0.64);
  const chart = svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': title, class: 'chart' });
  for (const tick of ticks(most)) {
    chart.append(svg('line', { x1: left, x2: width, y1: y(tick), y2: y(tick), class: tick === 0 ? 'axis' : 'grid' }), svg('text', { x: left - 6, y: y(tick) + 4, class: 'tick', 'text-anchor': 'end' }, String(tick)));
  }
  bars.forEach(({ label, counts }, i) => {
    const middle = left + slot * (i + 0.5);
    let below = 0;
    counts.forEach((count, place) => {
      if (count > 0) chart.append(svg('rect', { x: middle - thick / 2, width: thick, y: y(below + count), height: y(below) - y(below + count), class: `part part-${place}` }));
      below += count;
    });
    chart.append(svg('text', { x: middle, y: y(below) - 5, class: 'count', 'text-anchor': 'middle' }, String(below)), svg('text', { x: middle, y: height - 8, class: 'tick', 'text-anchor': 'middle' }, label));
  });
  return chart;
}
