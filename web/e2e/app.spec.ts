import { test } from 'vitest';

import { close, look, open, useBrowser } from './harness';

useBrowser();

test('an address that there is not says so', async () => {
  const page = await open('/nowhere', { size: 'phone', language: 'ko' });
  await page.getByText('여기에는 아무것도 없어요').waitFor();
  await look(page, 'lost');
  await close(page);
});
