import { describe, expect, it } from 'vitest';

import { base64, fittedSize, isAcceptedFormat } from './resizePicture';

const blob = (...parts: (string | number[])[]) =>
  new Blob(parts.map((part) => (typeof part === 'string' ? part : new Uint8Array(part))));

describe('a picture for a template', () => {
  it.each([
    ['PNG', blob([0x89], 'PNG\r\n', [0x1a], '\n'), true],
    ['JPEG', blob([0xff, 0xd8, 0xff, 0xe0]), true],
    ['WebP', blob('RIFF', [1, 2, 10, 4], 'WEBPVP8 '), true],
    ['GIF', blob('GIF89a'), false],
    ['HEIC', blob([0, 0, 0, 24], 'ftypheic'), false],
    ['nothing', blob(), false],
  ])('is recognized by its content: %s', async (_format, file, accepted) => {
    expect(await isAcceptedFormat(file)).toBe(accepted);
  });

  it('is scaled down in proportion, and never enlarged', () => {
    expect(fittedSize(4000, 3000)).toEqual({ width: 512, height: 384 });
    expect(fittedSize(10, 9000)).toEqual({ width: 1, height: 512 });
    expect(fittedSize(100, 50)).toEqual({ width: 100, height: 50 });
  });

  it('survives base64 at any size', async () => {
    const bytes = Uint8Array.from({ length: 100_001 }, (_, index) => index % 256);
    const decoded = Uint8Array.from(atob(await base64(new Blob([bytes]))), (character) => character.charCodeAt(0));
    expect(decoded).toEqual(bytes);
  });
});
