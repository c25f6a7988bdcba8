/** Geometry of faces on a photo. Boxes are in pixels of the upright photo; styles are in percent of its size. */

import type { Box } from './api/schema';

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

/** Minimum side of a face within the photo, in pixels, as the server enforces it. */
export const MIN_FACE_SIDE = 8;

const DIRECTIONS = new Map<string, Point>([
  ['ArrowLeft', { x: -1, y: 0 }],
  ['ArrowRight', { x: 1, y: 0 }],
  ['ArrowUp', { x: 0, y: -1 }],
  ['ArrowDown', { x: 0, y: 1 }],
]);

/** Return the CSS position of a box on the shown photo, clipped to its borders. */
export function boxStyle(box: Box, photo: Size): { left: string; top: string; width: string; height: string } {
  const { x, y, width, height } = clipBox(box, photo);
  return {
    left: percent(x / photo.width),
    top: percent(y / photo.height),
    width: percent(width / photo.width),
    height: percent(height / photo.height),
  };
}

/** Convert a point of the screen to pixels of the photo, clamped to its borders. */
export function toPhotoPoint(client: Point, shown: { left: number; top: number } & Size, photo: Size): Point {
  return {
    x: clamp(((client.x - shown.left) / shown.width) * photo.width, 0, photo.width),
    y: clamp(((client.y - shown.top) / shown.height) * photo.height, 0, photo.height),
  };
}

/** Return the box between two opposite corners. */
export function boxBetween(a: Point, b: Point): Box {
  return { x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) };
}

/** Return the part of a box within the photo. */
export function clipBox(box: Box, photo: Size): Box {
  const x = clamp(box.x, 0, photo.width);
  const y = clamp(box.y, 0, photo.height);
  return {
    x,
    y,
    width: clamp(box.x + box.width, 0, photo.width) - x,
    height: clamp(box.y + box.height, 0, photo.height) - y,
  };
}

/** Return whether a box is large enough to be a face. */
export function isLargeEnough(box: Box): boolean {
  return box.width >= MIN_FACE_SIDE && box.height >= MIN_FACE_SIDE;
}

/** Return the initial box for drawing with the keyboard: a centered square, a fifth of the shorter side. */
export function centerBox(photo: Size): Box {
  const side = Math.max(Math.min(photo.width, photo.height) / 5, MIN_FACE_SIDE);
  return { x: (photo.width - side) / 2, y: (photo.height - side) / 2, width: side, height: side };
}

/** Move a box, within the photo. */
export function moveBox(box: Box, dx: number, dy: number, photo: Size): Box {
  return {
    ...box,
    x: clamp(box.x + dx, 0, Math.max(photo.width - box.width, 0)),
    y: clamp(box.y + dy, 0, Math.max(photo.height - box.height, 0)),
  };
}

/** Move the lower right corner of a box; it stays within the photo and at least the minimum size. */
export function resizeBox(box: Box, dx: number, dy: number, photo: Size): Box {
  return {
    ...box,
    width: clamp(box.width + dx, MIN_FACE_SIDE, Math.max(photo.width - box.x, MIN_FACE_SIDE)),
    height: clamp(box.height + dy, MIN_FACE_SIDE, Math.max(photo.height - box.y, MIN_FACE_SIDE)),
  };
}

/**
 * Move a box with the arrow keys, or resize it with Shift; undefined for any other key. A step is a fiftieth of the
 * longer side of the photo, so that a held key crosses it quickly.
 */
export function moveBoxByKey(box: Box, key: string, shift: boolean, photo: Size): Box | undefined {
  const step = Math.max(Math.max(photo.width, photo.height) / 50, 1);
  const direction = DIRECTIONS.get(key);
  return direction && (shift ? resizeBox : moveBox)(box, direction.x * step, direction.y * step, photo);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

function percent(part: number): string {
  return `${String(Number((100 * part).toFixed(3)))}%`;
}
