/** Faces are in pixels of the upright photo; what is shown is in parts of its width and height, whatever its size. */

import type { Box } from './api/schema';

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

/** The server wants so many pixels of each side within the photo. */
export const SMALLEST_FACE = 8;

const DIRECTIONS = new Map<string, Point>([
  ['ArrowLeft', { x: -1, y: 0 }],
  ['ArrowRight', { x: 1, y: 0 }],
  ['ArrowUp', { x: 0, y: -1 }],
  ['ArrowDown', { x: 0, y: 1 }],
]);

/** Where a face lies on the shown photo, for CSS; what reaches over the border is cut off. */
export function placed(box: Box, photo: Size): { left: string; top: string; width: string; height: string } {
  const { x, y, width, height } = clipped(box, photo);
  return {
    left: percent(x / photo.width),
    top: percent(y / photo.height),
    width: percent(width / photo.width),
    height: percent(height / photo.height),
  };
}

/** A point of the screen in pixels of the photo, within its borders. */
export function toPhoto(client: Point, shown: { left: number; top: number } & Size, photo: Size): Point {
  return {
    x: clamp(((client.x - shown.left) / shown.width) * photo.width, 0, photo.width),
    y: clamp(((client.y - shown.top) / shown.height) * photo.height, 0, photo.height),
  };
}

/** The rectangle between two corners, whichever they are. */
export function between(a: Point, b: Point): Box {
  return { x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) };
}

/** The part of a rectangle that lies within the photo. */
export function clipped(box: Box, photo: Size): Box {
  const x = clamp(box.x, 0, photo.width);
  const y = clamp(box.y, 0, photo.height);
  return {
    x,
    y,
    width: clamp(box.x + box.width, 0, photo.width) - x,
    height: clamp(box.y + box.height, 0, photo.height) - y,
  };
}

/** Whether a rectangle is large enough to be a face. */
export function bigEnough(box: Box): boolean {
  return box.width >= SMALLEST_FACE && box.height >= SMALLEST_FACE;
}

/** Where a face is drawn with the keyboard, to begin with: a square in the middle, a fifth of the shorter side. */
export function middle(photo: Size): Box {
  const side = Math.max(Math.min(photo.width, photo.height) / 5, SMALLEST_FACE);
  return { x: (photo.width - side) / 2, y: (photo.height - side) / 2, width: side, height: side };
}

/** A rectangle of the same size elsewhere, as far as the photo reaches. */
export function moved(box: Box, dx: number, dy: number, photo: Size): Box {
  return {
    ...box,
    x: clamp(box.x + dx, 0, Math.max(photo.width - box.width, 0)),
    y: clamp(box.y + dy, 0, Math.max(photo.height - box.height, 0)),
  };
}

/** A rectangle with its lower right corner elsewhere; neither too small nor beyond the border. */
export function resized(box: Box, dx: number, dy: number, photo: Size): Box {
  return {
    ...box,
    width: clamp(box.width + dx, SMALLEST_FACE, Math.max(photo.width - box.x, SMALLEST_FACE)),
    height: clamp(box.height + dy, SMALLEST_FACE, Math.max(photo.height - box.y, SMALLEST_FACE)),
  };
}

/**
 * What a key does to a rectangle: arrows move it, with Shift they resize it; undefined for any other key. A step is a
 * fiftieth of the longer side, so that the whole photo can be crossed with a held key.
 */
export function byKey(box: Box, key: string, shift: boolean, photo: Size): Box | undefined {
  const step = Math.max(Math.max(photo.width, photo.height) / 50, 1);
  const direction = DIRECTIONS.get(key);
  return direction && (shift ? resized : moved)(box, direction.x * step, direction.y * step, photo);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

function percent(part: number): string {
  return `${String(Number((100 * part).toFixed(3)))}%`;
}
