import { describe, expect, it } from 'vitest';

import { barLength, podiumOrder, stepHeight, ticks } from './scale';

describe('the scale of the chart', () => {
  it.each([
    [0, [0, 1]],
    [1, [0, 1]],
    [3, [0, 1, 2, 3]],
    [7, [0, 2, 4, 6, 8]],
    [42, [0, 20, 40, 60]],
    [1000, [0, 500, 1000]],
  ])('has the ticks for a maximum of %i: %j', (largest, marks) => {
    expect(ticks(largest)).toEqual(marks);
  });

  it('has few whole numbers and covers every bar', () => {
    for (let largest = 1; largest < 20_000; largest = Math.ceil(largest * 1.3)) {
      const marks = ticks(largest);
      expect(marks.length).toBeLessThanOrEqual(6);
      expect(marks.at(-1)).toBeGreaterThanOrEqual(largest);
      expect(marks.every(Number.isInteger)).toBe(true);
    }
  });

  it('makes bars proportional, with a visible minimum', () => {
    expect(barLength(5, 20)).toBe(25);
    expect(barLength(1, 1000)).toBe(1);
    expect(barLength(0, 20)).toBe(0);
    expect(barLength(30, 20)).toBe(100);
  });
});

describe('the podium', () => {
  it('has the first in the middle', () => {
    expect(podiumOrder(['a', 'b', 'c', 'd'])).toEqual(['b', 'a', 'c']);
  });

  it('has fewer steps for fewer entries', () => {
    expect(podiumOrder(['a', 'b'])).toEqual(['b', 'a']);
    expect(podiumOrder(['a'])).toEqual(['a']);
    expect(podiumOrder([])).toEqual([]);
  });

  it('gives equal ranks equal heights', () => {
    const heights = [1, 1, 3].map(stepHeight);
    expect(heights[0]).toBe(heights[1]);
    expect(heights[1]).toBeGreaterThan(heights[2]!);
  });
});
