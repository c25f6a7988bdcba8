import { describe, expect, it } from 'vitest';

import {
  boxBetween,
  boxStyle,
  centerBox,
  clipBox,
  isLargeEnough,
  MIN_FACE_SIDE,
  moveBoxByKey,
  resizeBox,
  toPhotoPoint,
} from './geometry';

const PHOTO = { width: 1000, height: 500 };

describe('a box drawn on the screen', () => {
  it('is in pixels of the photo at any display size', () => {
    const shown = { left: 20, top: 100, width: 250, height: 125 };
    expect(toPhotoPoint({ x: 145, y: 162.5 }, shown, PHOTO)).toEqual({ x: 500, y: 250 });
  });

  it('is clamped to the borders of the photo', () => {
    const shown = { left: 20, top: 100, width: 250, height: 125 };
    expect(toPhotoPoint({ x: -50, y: 9999 }, shown, PHOTO)).toEqual({ x: 0, y: 500 });
  });

  it('is the same from any starting corner', () => {
    const box = { x: 10, y: 20, width: 30, height: 40 };
    expect(boxBetween({ x: 10, y: 20 }, { x: 40, y: 60 })).toEqual(box);
    expect(boxBetween({ x: 40, y: 60 }, { x: 10, y: 20 })).toEqual(box);
    expect(boxBetween({ x: 40, y: 20 }, { x: 10, y: 60 })).toEqual(box);
  });

  it('must have a minimum size', () => {
    expect(isLargeEnough({ x: 0, y: 0, width: MIN_FACE_SIDE, height: MIN_FACE_SIDE - 1 })).toBe(false);
    expect(isLargeEnough({ x: 0, y: 0, width: MIN_FACE_SIDE, height: MIN_FACE_SIDE })).toBe(true);
  });
});

describe('the position of a face', () => {
  it('is in percent of the photo', () => {
    expect(boxStyle({ x: 100, y: 100, width: 250, height: 50 }, PHOTO)).toEqual({
      left: '10%',
      top: '20%',
      width: '25%',
      height: '10%',
    });
  });

  it('is clipped to the border of the photo', () => {
    expect(clipBox({ x: -50, y: 480, width: 100, height: 100 }, PHOTO)).toEqual({
      x: 0,
      y: 480,
      width: 50,
      height: 20,
    });
  });
});

describe('drawing with the keyboard', () => {
  it('starts with a centered square', () => {
    expect(centerBox(PHOTO)).toEqual({ x: 450, y: 200, width: 100, height: 100 });
  });

  it('moves with the arrow keys within the photo', () => {
    let box = centerBox(PHOTO);
    expect(moveBoxByKey(box, 'ArrowLeft', false, PHOTO)).toEqual({ ...box, x: 430 });
    for (let press = 0; press < 100; press += 1) box = moveBoxByKey(box, 'ArrowDown', false, PHOTO) ?? box;
    expect(box).toEqual({ x: 450, y: 400, width: 100, height: 100 });
  });

  it('resizes with Shift, within the border and the minimum size', () => {
    const box = centerBox(PHOTO);
    expect(moveBoxByKey(box, 'ArrowRight', true, PHOTO)).toEqual({ ...box, width: 120 });
    expect(resizeBox(box, -5000, 5000, PHOTO)).toEqual({ ...box, width: MIN_FACE_SIDE, height: 300 });
  });

  it('ignores all other keys', () => {
    expect(moveBoxByKey(centerBox(PHOTO), 'Tab', false, PHOTO)).toBeUndefined();
    expect(moveBoxByKey(centerBox(PHOTO), 'toString', false, PHOTO)).toBeUndefined();
  });
});
