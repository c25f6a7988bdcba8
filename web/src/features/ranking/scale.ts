/** The geometry of the ranking: numbers in, numbers out. */

const STEPS = [1, 2, 5];

/** Whole round numbers from 0 to the first one that is at least `largest`, about `wanted` of them. */
export function ticks(largest: number, wanted = 4): number[] {
  const step = roundStep(Math.max(largest, 1) / wanted);
  const last = Math.ceil(Math.max(largest, 1) / step);
  return Array.from({ length: last + 1 }, (_, index) => index * step);
}

/** How long a bar is, in percent of the plot; what is there at all can be seen. */
export function barLength(value: number, end: number): number {
  return value <= 0 || end <= 0 ? 0 : Math.max(1, Math.min(100, (value / end) * 100));
}

/** The first three as they stand on a podium: the first in the middle, the second at its left. */
export function podium<Entry>(entries: readonly Entry[]): Entry[] {
  const [first, second, third] = entries;
  return [second, first, third].filter((entry) => entry !== undefined);
}

/** How high a step is, in percent of the first one's: by rank, so that those with equal uses stand equally high. */
export function stepHeight(rank: number): number {
  return { 1: 100, 2: 72 }[rank] ?? 50;
}

/** The smallest of 1, 2, 5, 10, 20, 50, … that is at least `size`. */
function roundStep(size: number): number {
  const magnitude = 10 ** Math.max(0, Math.floor(Math.log10(size)));
  return magnitude * (STEPS.find((step) => step * magnitude >= size) ?? 10);
}
