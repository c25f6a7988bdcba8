/** Geometry of the chart and the podium. Pure functions. */

const STEPS = [1, 2, 5];

/** Return about `count` round whole numbers, from 0 to at least `largest`. */
export function ticks(largest: number, count = 4): number[] {
  const step = roundStep(Math.max(largest, 1) / count);
  const last = Math.ceil(Math.max(largest, 1) / step);
  return Array.from({ length: last + 1 }, (_, index) => index * step);
}

/** Return the length of a bar in percent of the plot; at least 1 if the value is not 0. */
export function barLength(value: number, end: number): number {
  return value <= 0 || end <= 0 ? 0 : Math.max(1, Math.min(100, (value / end) * 100));
}

/** Order the top three for a podium: the first in the middle, the second on its left. */
export function podiumOrder<Entry>(entries: readonly Entry[]): Entry[] {
  const [first, second, third] = entries;
  return [second, first, third].filter((entry) => entry !== undefined);
}

/** Return the height of a step by rank, in percent of the first one; equal ranks have equal heights. */
export function stepHeight(rank: number): number {
  return { 1: 100, 2: 72 }[rank] ?? 50;
}

/** Return the smallest of 1, 2, 5, 10, 20, 50, … that is at least `size`. */
function roundStep(size: number): number {
  const magnitude = 10 ** Math.max(0, Math.floor(Math.log10(size)));
  return magnitude * (STEPS.find((step) => step * magnitude >= size) ?? 10);
}
