import { describe, expect, it } from 'vitest';
import { SMALLEST_FACE, between, bigEnough, byKey, clipped, middle, placed, resized, toPhoto } from './geometry';

const PHOTO = { width: 1000, height: 500 };

describe('what is drawn on the screen', () => {
  it('is told in pixels of the photo, however large it is shown', () => {
    const shown = { left: 20, top: 100, width: 250, height: 125 };
    expect(toPhoto({ x: 145, y: 162.5 }, shown, PHOTO)).toEqual({ x: 500, y: 250 });
  });

  it('ends at the borders of the photo, wherever the finger goes', () => {
    const shown = { left: 20, top: 100, width: 250, height: 125 };
    expect(toPhoto({ x: -50, y: 9999 }, shown, PHOTO)).toEqual({ x: 0, y: 500 });
  });

  it('is the same rectangle from whichever corner it is begun', () => {
    const box = { x: 10, y: 20, width: 30, height: 40 };
    expect(between({ x: 10, y: 20 }, { x: 40, y: 60 })).toEqual(box);
    expect(between({ x: 40, y: 60 }, { x: 10, y: 20 })).toEqual(box);
    expect(between({ x: 40, y: 20 }, { x: 10, y: 60 })).toEqual(box);
  });

  it('is no face where it is but a slip of the finger', () => {
    expect(bigEnough({ x: 0, y: 0, width: SMALLEST_FACE, height: SMALLEST_FACE - 1 })).toBe(false);
    expect(bigEnough({ x: 0, y: 0, width: SMALLEST_FACE, height: SMALLEST_FACE })).toBe(true);
  });
});

describe('where a face is shown', () => {
  it('is told in parts of the photo', () => {
    expect(placed({ x: 100, y: 100, width: 250, height: 50 }, PHOTO)).toEqual({
      left: '10%',
      top: '20%',
      width: '25%',
      height: '10%',
    });
  });

  it('ends at the border of the photo', () => {
    expect(clipped({ x: -50, y: 480, width: 100, height: 100 }, PHOTO)).toEqual({
      x: 0,
      y: 480,
      width: 50,
      height: 20,
    });
  });
});

describe('drawing with the keyboard', () => {
  it('begins with a square in the middle', () => {
    expect(middle(PHOTO)).toEqual({ x: 450, y: 200, width: 100, height: 100 });
  });

  it('moves with the arrows and stays within the photo', () => {
    let box = middle(PHOTO);
    expect(byKey(box, 'ArrowLeft', false, PHOTO)).toEqual({ ...box, x: 430 });
    for (let press = 0; press < 100; press += 1) box = byKey(box, 'ArrowDown', false, PHOTO) ?? box;
    expect(box).toEqual({ x: 450, y: 400, width: 100, height: 100 });
  });

  it('grows and shrinks with Shift, neither beyond the border nor away', () => {
    const box = middle(PHOTO);
    expect(byKey(box, 'ArrowRight', true, PHOTO)).toEqual({ ...box, width: 120 });
    expect(resized(box, -5000, 5000, PHOTO)).toEqual({ ...box, width: SMALLEST_FACE, height: 300 });
  });

  it('leaves all other keys to the page', () => {
    expect(byKey(middle(PHOTO), 'Tab', false, PHOTO)).toBeUndefined();
    expect(byKey(middle(PHOTO), 'toString', false, PHOTO)).toBeUndefined();
  });
});
