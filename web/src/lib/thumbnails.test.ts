import { expect, test, vi } from 'vitest';

import { copyOf } from './thumbnails';

const PATH = '/api/v1/emojis/1/images/happy';

test.each([
  [40, 1, 64],
  [64, 1, 64],
  [40, 2, 128],
  [56, 2.625, 256],
  [320, 1, 512],
  [320, 3, 512],
])('%i pixels of a screen with %f to each take the copy of %i', (px, ratio, width) => {
  vi.stubGlobal('devicePixelRatio', ratio);
  expect(copyOf(`${PATH}?v=abc`, px)).toBe(`${PATH}?v=abc&width=${width}`);
  expect(copyOf(PATH, px)).toBe(`${PATH}?width=${width}`);
});
