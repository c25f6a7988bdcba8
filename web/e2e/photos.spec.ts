import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Page } from 'playwright-core';
import { expect, inject, test } from 'vitest';

import { close, look, open, PHOTO_OF_ONE, PHOTOS, somebody, useBrowser } from './fixtures';

useBrowser();

const PHOTO_OF_SEVERAL = join(PHOTOS, 'sample4.jpg');

const photos = (page: Page) => page.getByTestId('photos');
const finished = (page: Page) => page.waitForURL(/\/results\//);

/** A photo without anybody: a landscape of two colours. */
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

/** Lets go of a file over the page, or pastes it. */
async function hand(page: Page, how: 'drop' | 'paste', path: string): Promise<void> {
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

test('somebody without an account makes an emoji photo on a phone, shares it, takes the link back and deletes it', async () => {
  const page = await open('/make', { size: 'phone', language: 'ko' });
  await page.getByRole('radio').first().waitFor({ state: 'attached' });
  await look(page, 'make');
  await photos(page).setInputFiles(PHOTO_OF_ONE);
  await finished(page);
  await page.getByRole('img', { name: /완성된 사진/ }).waitFor();
  await look(page, 'result');

  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: '내려받기' }).click();
  expect((await download).suggestedFilename()).toMatch(/^igemoji-\w+\.(jpg|png)$/);

  await page.getByRole('button', { name: '공유' }).click();
  await page.getByRole('button', { name: '링크 만들기' }).click();
  const link = await page.getByLabel('링크', { exact: true }).inputValue();
  await page.getByRole('button', { name: '복사' }).click();
  await page.getByText('링크를 복사했어요').waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(link);
  await look(page, 'share', { fullPage: false });

  const friend = await open(new URL(link).pathname, { language: 'en' });
  await friend.getByRole('img', { name: 'The shared emoji photo' }).waitFor();
  await look(friend, 'shared');

  await page.getByRole('button', { name: '모든 링크 없애기' }).click();
  await page.getByText('모두 열리지 않아요').waitFor();
  await page.getByRole('button', { name: '닫기' }).click();
  await friend.reload();
  await friend.getByText('This link leads nowhere').waitFor();
  await look(friend, 'shared-gone');
  await close(friend);

  await page.getByRole('button', { name: '삭제' }).click();
  await look(page, 'result-delete', { fullPage: false });
  await page.getByRole('dialog').getByRole('button', { name: '삭제' }).click();
  await page.waitForURL(/\/me$/);
  await page.getByText('아직 이모지 사진이 없어요').waitFor();
  await look(page, 'my-page-empty');
  await close(page);
});

test('faces are looked at, get another emoji, are uncovered, and are compared with the original', async () => {
  const page = await open('/make', { as: await somebody() });
  await page.getByRole('radio').first().waitFor({ state: 'attached' });
  await look(page, 'make');
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
  await look(page, 'result-face');

  // The emoji of fear is on nobody: the photo must become another one.
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
  await page.getByText('Making the photo anew').waitFor({ state: 'hidden' });
  await look(page, 'result-uncovered');

  await page.getByRole('button', { name: 'Before and after' }).click();
  const divider = page.getByRole('slider', { name: /original/ });
  await divider.focus();
  await page.keyboard.press('ArrowRight');
  expect(await divider.inputValue()).toBe('51');
  await look(page, 'result-compare');

  // What was changed is there after a reload; the original is not, and its owner has it.
  await page.reload();
  await page
    .getByRole('button', { name: /^Face 1, Afraid, not covered/ })
    .first()
    .waitFor();
  await page.getByRole('button', { name: 'Before and after' }).click();
  await page.getByTestId('original').setInputFiles(PHOTO_OF_SEVERAL);
  await divider.waitFor();
  await close(page);
});

test('a photo without faces says so, and a face is marked with a pointer and with keys', async () => {
  const page = await open('/make', { as: await somebody() });
  await page.getByRole('radio').first().waitFor({ state: 'attached' });
  await photos(page).setInputFiles({ name: 'sky.jpg', mimeType: 'image/jpeg', buffer: await landscape(page) });
  await finished(page);
  await page.getByText('No face was found').waitFor();
  await look(page, 'result-no-faces');

  await page.getByRole('button', { name: 'Mark a missed face' }).click();
  const area = (await page.getByTestId('draw').boundingBox())!;
  await page.mouse.move(area.x + 40, area.y + 40);
  await page.mouse.down();
  await page.mouse.move(area.x + 160, area.y + 180, { steps: 4 });
  await page.mouse.up();
  await look(page, 'result-draw');
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
  await page.getByText('Making the photo anew').waitFor({ state: 'hidden' });
  expect(await page.getByText('No face was found').count()).toBe(0);
  await close(page);
});

test('several photos at once, dropped, pasted and taken; what is no photo is refused at once', async () => {
  const page = await open('/make', { as: await somebody() });
  await page.getByRole('radio').first().waitFor({ state: 'attached' });
  await photos(page).setInputFiles([
    // Two: one that is alone would lead away as soon as it is done.
    { name: 'party.jpg', mimeType: 'image/jpeg', buffer: readFileSync(PHOTO_OF_ONE) },
    { name: 'desk.jpg', mimeType: 'image/jpeg', buffer: readFileSync(join(PHOTOS, 'sample3.jpg')) },
    { name: 'notes.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('not a photo') },
    { name: 'empty.png', mimeType: 'image/png', buffer: Buffer.alloc(0) },
  ]);
  await page.getByText('no photo in JPEG, PNG, WebP or HEIC format').waitFor();
  await page.getByText('the file is empty').waitFor();
  await hand(page, 'drop', PHOTO_OF_SEVERAL);
  await hand(page, 'paste', join(PHOTOS, 'sample2.jpg'));
  await page.getByRole('button', { name: 'Take a photo' }).click();
  await page.getByRole('button', { name: 'Take it' }).click();
  await expect.poll(() => page.getByRole('listitem', { name: /^Photo / }).count()).toBe(5);
  await look(page, 'make-several');
  await expect.poll(() => page.getByRole('link', { name: 'See the result' }).count(), { timeout: 60_000 }).toBe(5);
  await look(page, 'make-done');
  await page.getByRole('link', { name: 'All my photos' }).click();
  await expect.poll(() => page.getByRole('button', { name: /^Delete: Emoji photo/ }).count()).toBe(5);
  await look(page, 'my-page');
  await page
    .getByRole('button', { name: /^Delete: Emoji photo/ })
    .first()
    .click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect.poll(() => page.getByRole('button', { name: /^Delete: Emoji photo/ }).count()).toBe(4);
  await page.getByRole('tab', { name: 'MY EMOJI' }).click();
  await page.getByText('No templates of yours yet').waitFor();
  await look(page, 'my-page-emojis-empty');
  await close(page);
});

test('an upload that fails can be sent again, one that is stopped stays stopped', async () => {
  const page = await open('/make', { size: 'phone', as: await somebody() });
  await page.getByRole('radio').first().waitFor({ state: 'attached' });
  const uploads = /\/api\/v1\/faces\/tasks\?/;
  await page.route(uploads, (route) => route.abort('connectionfailed'));
  await photos(page).setInputFiles(PHOTO_OF_ONE);
  await page.getByText('The connection was lost').waitFor();
  await look(page, 'make-failed');
  await page.unroute(uploads);

  // An answer that never comes: there is time to stop it.
  await page.route(uploads, () => undefined);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByText('Stopped').waitFor();
  await page.unroute(uploads);

  await page.getByRole('button', { name: 'Try again' }).click();
  await finished(page);
  await close(page);
});

test('a photo is followed by asking where streams do not come through', async () => {
  const page = await open('/make', { language: 'ko', as: await somebody() });
  await page.getByRole('radio').first().waitFor({ state: 'attached' });
  await look(page, 'make');
  await page.route(/\/events/, (route) => route.abort('connectionfailed'));
  await photos(page).setInputFiles(PHOTO_OF_ONE);
  await finished(page);
  await page.getByRole('img', { name: /완성된 사진/ }).waitFor();
  await page
    .getByRole('button', { name: /^얼굴 1/ })
    .first()
    .click();
  await look(page, 'result-face');
  await page.goto('/me');
  await page.getByRole('link', { name: /이모지 사진/ }).waitFor();
  await look(page, 'my-page');
  await close(page);
});

test('a session that ends in the middle loses no photo', async () => {
  const person = await somebody();
  const page = await open('/make', { size: 'phone', language: 'ko', as: person });
  await page.getByRole('radio').first().waitFor({ state: 'attached' });
  const uploads = /\/api\/v1\/faces\/tasks\?/;
  await page.route(uploads, (route) => route.fulfill({ status: 401, json: { code: 16, message: '', details: [] } }));
  await page.context().clearCookies();
  await photos(page).setInputFiles(PHOTO_OF_ONE);
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await look(page, 'make-expired', { fullPage: false });
  await page.unroute(uploads);
  await dialog.locator('input').fill(person.password);
  await dialog.getByRole('button', { name: '로그인' }).click();
  await finished(page);
  await close(page);
});

test('a photo that another app shares waits until a template is chosen', async () => {
  const page = await open('/', { size: 'phone', as: await somebody() });
  await page.evaluate(async (data) => {
    const photo = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const cache = await caches.open('igemoji-shared');
    await cache.put('/share-target/0', new Response(photo, { headers: { 'content-type': 'image/jpeg' } }));
  }, readFileSync(PHOTO_OF_ONE).toString('base64'));
  await page.goto('/make?shared=1');
  await page.getByText('A photo was shared').waitFor();
  await look(page, 'make-shared');
  await page.getByRole('radiogroup').locator('label').nth(1).click();
  await page.getByRole('button', { name: 'Begin' }).click();
  await finished(page);
  await page.getByRole('img', { name: /The finished photo/ }).waitFor();
  await page
    .getByRole('button', { name: /^Face 1/ })
    .first()
    .click();
  await look(page, 'result-face');
  await page.goto('/me');
  await page.getByRole('link', { name: /Emoji photo of/ }).waitFor();
  await look(page, 'my-page');
  await close(page);
});

test('a photo of somebody else is not there', async () => {
  const page = await open('/results/0d0bd1a4-5c5c-4d4b-9f5a-000000000001', { size: 'phone', as: await somebody() });
  await page.getByText('There is no such photo here').waitFor();
  await look(page, 'result-gone');
  await page.goto(`${inject('url')}/s/nothing`);
  await page.getByText('This link leads nowhere').waitFor();
  await close(page);
});
