import { describe, expect, it } from 'vitest';
import { barLength, podium, stepHeight, ticks } from './scale';

describe('the scale of the chart', () => {
  it.each([
    [0, [0, 1]],
    [1, [0, 1]],
    [3, [0, 1, 2, 3]],
    [7, [0, 2, 4, 6, 8]],
    [42, [0, 20, 40, 60]],
    [1000, [0, 500, 1000]],
  ])('for at most %i has the marks %j', (largest, marks) => {
    expect(ticks(largest)).toEqual(marks);
  });

  it('is made of few whole numbers, and reaches over every bar', () => {
    for (let largest = 1; largest < 20_000; largest = Math.ceil(largest * 1.3)) {
      const marks = ticks(largest);
      expect(marks.length).toBeLessThanOrEqual(6);
      expect(marks.at(-1)).toBeGreaterThanOrEqual(largest);
      expect(marks.every(Number.isInteger)).toBe(true);
    }
  });

  it('makes a bar as long as its share, and one that is there visible', () => {
    expect(barLength(5, 20)).toBe(25);
    expect(barLength(1, 1000)).toBe(1);
    expect(barLength(0, 20)).toBe(0);
    expect(barLength(30, 20)).toBe(100);
  });
});

describe('the podium', () => {
  it('has the first in the middle', () => {
    expect(podium(['a', 'b', 'c', 'd'])).toEqual(['b', 'a', 'c']);
  });

  it('has fewer steps where there are fewer', () => {
    expect(podium(['a', 'b'])).toEqual(['b', 'a']);
    expect(podium(['a'])).toEqual(['a']);
    expect(podium([])).toEqual([]);
  });

  it('lets equals stand equally high', () => {
    const heights = [1, 1, 3].map(stepHeight);
    expect(heights[0]).toBe(heights[1]);
    expect(heights[1]).toBeGreaterThan(heights[2]!);
  });
});
