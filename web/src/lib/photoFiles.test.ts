import { describe, expect, it } from 'vitest';

import { MAX_PHOTO_BYTES, photoFormat, checkPhotoFile } from './photoFiles';

const JPEG = [0xff, 0xd8, 0xff, 0xe0];
const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const ascii = (text: string) => Array.from(text, (letter) => letter.charCodeAt(0));

describe('photoFormat', () => {
  it.each([
    ['jpeg', JPEG],
    ['png', PNG],
    ['webp', ascii('RIFF????WEBPVP8 ')],
    ['heic', ascii('\0\0\0\x18ftypheic')],
    ['heic', ascii('\0\0\0\x18ftypmif1')],
  ])('recognizes %s by its first bytes', (kind, bytes) => {
    expect(photoFormat(Uint8Array.from(bytes))).toBe(kind);
  });

  it.each([
    ['a GIF', ascii('GIF89a')],
    ['an AVIF', ascii('\0\0\0\x18ftypavif')],
    ['a video', ascii('\0\0\0\x18ftypisom')],
    ['sound in a RIFF', ascii('RIFF????WAVEfmt ')],
    ['half a signature', PNG.slice(0, 4)],
    ['nothing', []],
  ])('rejects %s', (_name, bytes) => {
    expect(photoFormat(Uint8Array.from(bytes))).toBeUndefined();
  });
});

describe('checkPhotoFile', () => {
  it('accepts a photo with any name', async () => {
    expect(
      await checkPhotoFile(new File([Uint8Array.from(JPEG)], 'holiday.txt', { type: 'text/plain' })),
    ).toBeUndefined();
  });

  it('rejects an empty file', async () => {
    expect(await checkPhotoFile(new File([], 'a.jpg', { type: 'image/jpeg' }))).toBe('empty');
  });

  it('rejects a file that is no photo despite its name', async () => {
    expect(await checkPhotoFile(new File(['<svg/>'], 'a.jpg', { type: 'image/jpeg' }))).toBe('unknown_kind');
  });

  it('accepts 16 MiB and rejects one byte more', async () => {
    const full = new Uint8Array(MAX_PHOTO_BYTES);
    full.set(JPEG);
    expect(await checkPhotoFile(new Blob([full]))).toBeUndefined();
    expect(await checkPhotoFile(new Blob([full, 'x']))).toBe('too_large');
  });

  it('reports a file that can no longer be read', async () => {
    const moved = new File([Uint8Array.from(JPEG)], 'a.jpg');
    moved.slice = () => {
      throw new DOMException('gone', 'NotFoundError');
    };
    expect(await checkPhotoFile(moved)).toBe('unreadable');
  });
});
