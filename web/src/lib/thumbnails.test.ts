import { expect, test, vi } from 'vitest';

import { thumbnailUrl } from './thumbnails';

const PATH = '/api/v1/emojis/1/images/happy';

test.each([
  [40, 1, 64],
  [64, 1, 64],
  [40, 2, 128],
  [56, 2.625, 256],
  [320, 1, 512],
  [320, 3, 512],
])('%i CSS pixels at a device pixel ratio of %f use the thumbnail of width %i', (px, ratio, width) => {
  vi.stubGlobal('devicePixelRatio', ratio);
  expect(thumbnailUrl(`${PATH}?v=abc`, px)).toBe(`${PATH}?v=abc&width=${width}`);
  expect(thumbnailUrl(PATH, px)).toBe(`${PATH}?width=${width}`);
});
