import { describe, expect, it } from 'vitest';
import { MAX_PHOTO_BYTES, kindOf, problemOf } from './photoFiles';

const JPEG = [0xff, 0xd8, 0xff, 0xe0];
const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const ascii = (text: string) => Array.from(text, (letter) => letter.charCodeAt(0));

describe('kindOf', () => {
  it.each([
    ['jpeg', JPEG],
    ['png', PNG],
    ['webp', ascii('RIFF????WEBPVP8 ')],
    ['heic', ascii('\0\0\0\x18ftypheic')],
    ['heic', ascii('\0\0\0\x18ftypmif1')],
  ])('knows %s by its first bytes', (kind, bytes) => {
    expect(kindOf(Uint8Array.from(bytes))).toBe(kind);
  });

  it.each([
    ['a GIF', ascii('GIF89a')],
    ['an AVIF', ascii('\0\0\0\x18ftypavif')],
    ['a video', ascii('\0\0\0\x18ftypisom')],
    ['sound in a RIFF', ascii('RIFF????WAVEfmt ')],
    ['half a signature', PNG.slice(0, 4)],
    ['nothing', []],
  ])('does not take %s for a photo', (_name, bytes) => {
    expect(kindOf(Uint8Array.from(bytes))).toBeUndefined();
  });
});

describe('problemOf', () => {
  it('finds nothing wrong with a photo, whatever it is called', async () => {
    expect(await problemOf(new File([Uint8Array.from(JPEG)], 'holiday.txt', { type: 'text/plain' }))).toBeUndefined();
  });

  it('says that a file is empty', async () => {
    expect(await problemOf(new File([], 'a.jpg', { type: 'image/jpeg' }))).toBe('empty');
  });

  it('says that a file is no photo, though it is called one', async () => {
    expect(await problemOf(new File(['<svg/>'], 'a.jpg', { type: 'image/jpeg' }))).toBe('unknown_kind');
  });

  it('takes 16 MiB and no byte more', async () => {
    const full = new Uint8Array(MAX_PHOTO_BYTES);
    full.set(JPEG);
    expect(await problemOf(new Blob([full]))).toBeUndefined();
    expect(await problemOf(new Blob([full, 'x']))).toBe('too_large');
  });

  it('says that a file can not be read any more', async () => {
    const moved = new File([Uint8Array.from(JPEG)], 'a.jpg');
    moved.slice = () => {
      throw new DOMException('gone', 'NotFoundError');
    };
    expect(await problemOf(moved)).toBe('unreadable');
  });
});
