import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Page } from '@playwright/test';

import { createAccount } from './api';
import { checkScreen, expect, PHOTO_OF_ONE, PHOTOS, test } from './fixtures';
import { meshUrl } from './mesh';

const PHOTO_OF_SEVERAL = join(PHOTOS, 'sample4.jpg');

const photos = (page: Page) => page.getByTestId('photos');
const finished = (page: Page) => page.waitForURL(/\/results\//);

/** Draw a photo without faces: a landscape. */
async function landscape(page: Page): Promise<Buffer> {
  const url = await page.evaluate(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 });
    const context = canvas.getContext('2d')!;
    const sky = context.createLinearGradient(0, 0, 0, 480);
    sky.addColorStop(0, '#7db9e8');
    sky.addColorStop(0.6, '#d9ecf7');
    sky.addColorStop(0.62, '#7fb069');
    context.fillStyle = sky;
    context.fillRect(0, 0, 640, 480);
    return canvas.toDataURL('image/jpeg');
  });
  return Buffer.from(url.split(',')[1]!, 'base64');
}

/** Drop a file on the page, or paste it. */
async function deliver(page: Page, how: 'drop' | 'paste', path: string): Promise<void> {
  const bytes = readFileSync(path).toString('base64');
  await page.evaluate(
    ([type, data]) => {
      const photo = Uint8Array.from(atob(data!), (letter) => letter.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([photo], `${type!}.jpg`, { type: 'image/jpeg' }));
      const event =
        type === 'drop'
          ? new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true })
          : new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true });
      document.body.dispatchEvent(event);
    },
    [how, bytes],
  );
}

test('a guest makes a result on a phone, shares it, revokes the link and deletes it', async ({ openPage }) => {
  const page = await openPage('/make', { size: 'phone', language: 'ko' });
  await page.getByRole('radio').first().waitFor({ state: 'attached' });
  await checkScreen(page, 'make');
  await photos(page).setInputFiles(PHOTO_OF_ONE);
  await finished(page);
  await page.getByRole('img', { name: /완성된 사진/ }).waitFor();
  await checkScreen(page, 'result');

  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: '내려받기' }).click();
  expect((await download).suggestedFilename()).toMatch(/^igemoji-\w+\.(jpg|png)$/);

  await page.getByRole('button', { name: '공유' }).click();
  await page.getByRole('button', { name: '링크 만들기' }).click();
  const link = await page.getByLabel('링크', { exact: true }).inputValue();
  await page.getByRole('button', { name: '복사' }).click();
  await page.getByText('링크를 복사했어요').waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(link);
  await checkScreen(page, 'share', { fullPage: false });

  const friend = await openPage(new URL(link).pathname, { language: 'en' });
  await friend.getByRole('img', { name: 'The shared emoji photo' }).waitFor();
  await checkScreen(friend, 'shared');

  await page.getByRole('button', { name: '모든 링크 없애기' }).click();
  await page.getByText('모두 열리지 않아요').waitFor();
  await page.getByRole('button', { name: '닫기' }).click();
  await friend.reload();
  await friend.getByText('This link leads nowhere').waitFor();
  await checkScreen(friend, 'shared-gone');

  await page.getByRole('button', { name: '삭제' }).click();
  await checkScreen(page, 'result-delete', { fullPage: false });
  await page.getByRole('dialog').getByRole('button', { name: '삭제' }).click();
  await page.waitForURL(/\/me$/);
  await page.getByText('아직 이모지 사진이 없어요').waitFor();
  await checkScreen(page, 'my-page-empty');
});

test('faces are inspected, get another emoji, are uncovered, and compared with the original', async ({ openPage }) => {
  const page = await openPage('/make', { as: await createAccount() });
  await page.getByRole('radio').first().waitFor({ state: 'attached' });
  await checkScreen(page, 'make');
  await photos(page).setInputFiles(PHOTO_OF_SEVERAL);
  await finished(page);
  const photo = page.getByRole('img', { name: /The finished photo/ });
  await photo.waitFor();
  const before = await photo.getAttribute('src');

  await page
    .getByRole('button', { name: /^Face 1/ })
    .first()
    .click();
  await page.getByRole('heading', { name: 'Face 1' }).waitFor();
  expect(await page.getByRole('listitem').filter({ hasText: '%' }).count()).toBe(7);
  await checkScreen(page, 'result-face');

  // No face has the emoji of fear, so the result must change.
  await page.getByText('Afraid', { exact: true }).first().click();
  await page
    .getByRole('button', { name: /^Face 1, Afraid/ })
    .first()
    .waitFor();
  await expect.poll(() => photo.getAttribute('src')).not.toBe(before);
  const changed = await photo.getAttribute('src');
  await page.getByLabel('Cover this face').uncheck();
  await page
    .getByRole('button', { name: /^Face 1, Afraid, not covered/ })
    .first()
    .waitFor();
  await expect.poll(() => photo.getAttribute('src')).not.toBe(changed);
  await page.getByText('Updating the photo').waitFor({ state: 'hidden' });
  await checkScreen(page, 'result-uncovered');

  await page.getByRole('button', { name: 'Before and after' }).click();
  const divider = page.getByRole('slider', { name: /original/ });
  await divider.focus();
  await page.keyboard.press('ArrowRight');
  expect(await divider.inputValue()).toBe('51');
  await checkScreen(page, 'result-compare');

  // The changes survive a reload; the original does not, and is chosen again from the device.
  await page.reload();
  await page
    .getByRole('button', { name: /^Face 1, Afraid, not covered/ })
    .first()
    .waitFor();
  await page.getByRole('button', { name: 'Before and after' }).click();
  await page.getByTestId('original').setInputFiles(PHOTO_OF_SEVERAL);
  await divider.waitFor();
});

test('a photo without faces says so, and faces are added with the pointer and the keyboard', async ({ openPage }) => {
  const page = await openPage('/make', { as: await createAccount() });
  await page.getByRole('radio').first().waitFor({ state: 'attached' });
  await photos(page).setInputFiles({ name: 'sky.jpg', mimeType: 'image/jpeg', buffer: await landscape(page) });
  await finished(page);
  await page.getByText('No face was found').waitFor();
  await checkScreen(page, 'result-no-faces');

  await page.getByRole('button', { name: 'Mark a missed face' }).click();
  const area = (await page.getByTestId('draw').boundingBox())!;
  await page.mouse.move(area.x + 40, area.y + 40);
  await page.mouse.down();
  await page.mouse.move(area.x + 160, area.y + 180, { steps: 4 });
  await page.mouse.up();
  await checkScreen(page, 'result-draw');
  await page.getByRole('button', { name: 'Cover what is framed' }).click();
  await page
    .getByRole('button', { name: /^Face 1/ })
    .first()
    .waitFor();

  await page.getByRole('button', { name: 'Mark a missed face' }).click();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('Enter');
  await page
    .getByRole('button', { name: /^Face 2/ })
    .first()
    .waitFor();
  await page.getByText('Updating the photo').waitFor({ state: 'hidden' });
  expect(await page.getByText('No face was found').count()).toBe(0);
});

test('several photos at once, dropped, pasted and taken; other files are refused at once', async ({ openPage }) => {
  const page = await openPage('/make', { as: await createAccount() });
  await page.getByRole('radio').first().waitFor({ state: 'attached' });
  await photos(page).setInputFiles([
    // Two, because a single photo would navigate to its result.
    { name: 'party.jpg', mimeType: 'image/jpeg', buffer: readFileSync(PHOTO_OF_ONE) },
    { name: 'desk.jpg', mimeType: 'image/jpeg', buffer: readFileSync(join(PHOTOS, 'sample3.jpg')) },
    { name: 'notes.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('not a photo') },
    { name: 'empty.png', mimeType: 'image/png', buffer: Buffer.alloc(0) },
  ]);
  await page.getByText('no photo in JPEG, PNG, WebP or HEIC format').waitFor();
  await page.getByText('the file is empty').waitFor();
  await deliver(page, 'drop', PHOTO_OF_SEVERAL);
  await deliver(page, 'paste', join(PHOTOS, 'sample2.jpg'));
  await page.getByRole('button', { name: 'Take a photo' }).click();
  await page.getByRole('button', { name: 'Take it' }).click();
  await expect.poll(() => page.getByRole('listitem', { name: /^Photo / }).count()).toBe(5);
  await checkScreen(page, 'make-several');
  await expect.poll(() => page.getByRole('link', { name: 'See the result' }).count(), { timeout: 60_000 }).toBe(5);
  await checkScreen(page, 'make-done');
  await page.getByRole('link', { name: 'All my photos' }).click();
  await expect.poll(() => page.getByRole('button', { name: /^Delete: Emoji photo/ }).count()).toBe(5);
  await checkScreen(page, 'my-page');
  await page
    .getByRole('button', { name: /^Delete: Emoji photo/ })
    .first()
    .click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect.poll(() => page.getByRole('button', { name: /^Delete: Emoji photo/ }).count()).toBe(4);
  await page.getByRole('tab', { name: 'MY EMOJI' }).click();
  await page.getByText('No templates of yours yet').waitFor();
  await checkScreen(page, 'my-page-emojis-empty');
});

test('a failed upload can be retried, a canceled one stays canceled', async ({ openPage }) => {
  const page = await openPage('/make', { size: 'phone', as: await createAccount() });
  await page.getByRole('radio').first().waitFor({ state: 'attached' });
  const uploads = /\/api\/v1\/faces\/tasks\?/;
  await page.route(uploads, (route) => route.abort('connectionfailed'));
  await photos(page).setInputFiles(PHOTO_OF_ONE);
  await page.getByText('The connection was lost').waitFor();
  await checkScreen(page, 'make-failed');
  await page.unroute(uploads);

  // Without an answer there is time to cancel.
  await page.route(uploads, () => undefined);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByText('Stopped').waitFor();
  await page.unroute(uploads);

  await page.getByRole('button', { name: 'Try again' }).click();
  await finished(page);
});

test('a photo is followed by polling if streams are blocked', async ({ openPage }) => {
  const page = await openPage('/make', { language: 'ko', as: await createAccount() });
  await page.getByRole('radio').first().waitFor({ state: 'attached' });
  await checkScreen(page, 'make');
  await page.route(/\/events/, (route) => route.abort('connectionfailed'));
  await photos(page).setInputFiles(PHOTO_OF_ONE);
  await finished(page);
  await page.getByRole('img', { name: /완성된 사진/ }).waitFor();
  await page
    .getByRole('button', { name: /^얼굴 1/ })
    .first()
    .click();
  await checkScreen(page, 'result-face');
  await page.goto('/me');
  await page.getByRole('link', { name: /이모지 사진/ }).waitFor();
  await checkScreen(page, 'my-page');
});

test('a session that expires during an upload loses no photo', async ({ openPage }) => {
  const person = await createAccount();
  const page = await openPage('/make', { size: 'phone', language: 'ko', as: person });
  await page.getByRole('radio').first().waitFor({ state: 'attached' });
  const uploads = /\/api\/v1\/faces\/tasks\?/;
  await page.route(uploads, (route) => route.fulfill({ status: 401, json: { code: 16, message: '', details: [] } }));
  await page.context().clearCookies();
  await photos(page).setInputFiles(PHOTO_OF_ONE);
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await checkScreen(page, 'make-expired', { fullPage: false });
  await page.unroute(uploads);
  await dialog.locator('input').fill(person.password);
  await dialog.getByRole('button', { name: '로그인' }).click();
  await finished(page);
});

test('a photo shared by another app waits until a template is chosen', async ({ openPage }) => {
  const page = await openPage('/', { size: 'phone', as: await createAccount() });
  await page.evaluate(async (data) => {
    const photo = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const cache = await caches.open('igemoji-shared');
    await cache.put('/share-target/0', new Response(photo, { headers: { 'content-type': 'image/jpeg' } }));
  }, readFileSync(PHOTO_OF_ONE).toString('base64'));
  await page.goto('/make?shared=1');
  await page.getByText('A photo was shared').waitFor();
  await checkScreen(page, 'make-shared');
  await page.getByRole('radiogroup').locator('label').nth(1).click();
  await page.getByRole('button', { name: 'Begin' }).click();
  await finished(page);
  await page.getByRole('img', { name: /The finished photo/ }).waitFor();
  await page
    .getByRole('button', { name: /^Face 1/ })
    .first()
    .click();
  await checkScreen(page, 'result-face');
  await page.goto('/me');
  await page.getByRole('link', { name: /Emoji photo of/ }).waitFor();
  await checkScreen(page, 'my-page');
});

test('a result of another user is not found', async ({ openPage }) => {
  const page = await openPage('/results/0d0bd1a4-5c5c-4d4b-9f5a-000000000001', {
    size: 'phone',
    as: await createAccount(),
  });
  await page.getByText('There is no such photo here').waitFor();
  await checkScreen(page, 'result-gone');
  await page.goto(meshUrl('/s/nothing'));
  await page.getByText('This link leads nowhere').waitFor();
});
