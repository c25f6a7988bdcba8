import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Page } from '@playwright/test';

import { accessToken, createAccount, createTemplate } from './api';
import { checkScreen, expect, PHOTO_OF_ONE, TEMPLATES, test } from './fixtures';
import { makeOperator, meshUrl } from './mesh';

const CAT = join(TEMPLATES, 'cats/happy.png');

/** Names of the visible templates. */
const names = (page: Page) => page.getByRole('article').getByRole('heading').allTextContents();

/** Simulate that the user returns to the window. */
const focusWindow = (page: Page) => page.evaluate(() => window.dispatchEvent(new Event('visibilitychange')));

/** Advance the clock of a window without focus. */
async function waitHalfAMinute(page: Page): Promise<void> {
  await page.clock.runFor(30_000);
  expect(await page.evaluate(() => window.focusEvents)).toBe(0);
}

test('the gallery searches, sorts and pages, and the back button restores it', async ({ openPage }) => {
  const page = await openPage('/templates', { size: 'phone', language: 'ko' });
  await page.getByRole('article').first().waitFor();
  await checkScreen(page, 'gallery');
  await page.getByLabel('검색', { exact: true }).fill('zoo');
  await page.getByRole('heading', { name: 'Little Zoo' }).waitFor();
  await expect.poll(async () => (await names(page)).every((name) => /zoo/i.test(name))).toBe(true);
  await page.getByLabel('검색', { exact: true }).fill('없는 이모지');
  await page.getByText('검색 결과가 없어요').waitFor();
  await checkScreen(page, 'gallery-nothing');
  await page.getByRole('button', { name: '모두 보기' }).click();
  await expect.poll(() => page.getByRole('article').count()).toBe(8);
  await page.getByRole('link', { name: '페이지 2', exact: true }).click();
  await page.waitForURL(/page=2/);
  await page.goBack();
  await expect.poll(() => page.getByRole('article').count()).toBe(8);
});

test('a template is created from a built-in one, edited and deleted', async ({ openPage }) => {
  const anna = await createAccount();
  const page = await openPage('/templates/new', { as: anna });
  await page.getByRole('button', { name: 'Little Zoo' }).click();
  await page.getByText('All seven pictures are there').waitFor();
  await checkScreen(page, 'editor');
  await page.locator('input[data-expression=happy]').setInputFiles(CAT);
  await page.getByRole('button', { name: 'Happy: take my picture away' }).waitFor();
  await page.getByLabel('Name').fill('Zoo with a cat');
  await page.getByLabel('Tags').fill('Animals,');
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByRole('heading', { name: 'Zoo with a cat', level: 1 }).waitFor();
  await checkScreen(page, 'template');
  await page.getByRole('link', { name: 'Edit' }).click();
  await page.getByLabel('Name').fill('Cat with a zoo');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'Cat with a zoo', level: 1 }).waitFor();
  await page.getByRole('button', { name: 'Delete' }).click();
  await checkScreen(page, 'template-delete', { fullPage: false });
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.waitForURL(/\/templates$/);
  await page.getByText('Cat with a zoo is deleted.').waitFor();
});

test('files are assigned by name, and an unreadable one is reported', async ({ openPage }) => {
  const page = await openPage('/templates/new', { as: await createAccount(), size: 'phone', language: 'ko' });
  const files = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise'].map((name) =>
    join(TEMPLATES, `cats/${name}.png`),
  );
  await page.locator('input[multiple]').setInputFiles(files);
  await page.locator('input[data-expression=neutral]').setInputFiles({
    name: 'neutral.png',
    mimeType: 'image/png',
    buffer: Buffer.from('this is no picture'),
  });
  await page.getByText('읽을 수 없는 그림이에요').waitFor();
  await page.getByRole('button', { name: '만들기', exact: true }).click();
  await page.getByText('이름을 지어 주세요.').waitFor();
  await checkScreen(page, 'editor-faults');
  await page.locator('input[data-expression=neutral]').setInputFiles(join(TEMPLATES, 'cats/neutral.png'));
  await page.getByText('그림 일곱 장이 모두 있어요').waitFor();
  await page.getByLabel('이름').fill('우리 고양이');
  await page.getByRole('button', { name: '만들기', exact: true }).click();
  await page.getByRole('heading', { name: '우리 고양이', level: 1 }).waitFor();
  await checkScreen(page, 'template');
});

test('a conflicting edit is reported, and can be saved on top', async ({ openPage }) => {
  const anna = await createAccount();
  const id = await createTemplate(anna, 'Two windows');
  const page = await openPage(`/templates/${id}/edit`, { as: anna });
  await page.getByLabel('Name').fill('Mine');
  const answer = await fetch(meshUrl(`/api/v1/emojis/${id}`), {
    method: 'PATCH',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await accessToken(anna)}` },
    body: JSON.stringify({ name: 'Theirs', tags: ['theirs'] }),
  });
  expect(answer.status).toBe(200);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Somebody changed this set in the meantime').waitFor();
  await checkScreen(page, 'editor-conflict', { fullPage: false });
  await page.getByRole('button', { name: 'Save my changes on top' }).click();
  await page.getByRole('heading', { name: 'Mine', level: 1 }).waitFor();
  await page.getByRole('link', { name: '#theirs' }).waitFor();
});

test('a template whose answer was lost is created once, with any number of retries', async ({ openPage }) => {
  const page = await openPage('/templates/new', { as: await createAccount() });
  await page.getByRole('button', { name: 'Little Zoo' }).click();
  await page.getByLabel('Name').fill('Only one');
  await page.route('**/api/v1/emojis', async (route) => {
    await route.fetch(); // the server gets the request, but its answer is lost
    await route.abort('connectionreset');
  });
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByText('No connection to IGE MOJI').waitFor();
  await page.unroute('**/api/v1/emojis');
  await page.getByRole('button', { name: 'Make it' }).dblclick();
  await page.getByRole('heading', { name: 'Only one', level: 1 }).waitFor();
  await page.goto('/me?tab=emojis');
  await page.getByRole('link', { name: 'Edit: Only one' }).first().waitFor();
  expect(await page.getByRole('link', { name: 'Edit: Only one' }).count()).toBe(1);
});

for (const [how, notice] of [
  ['that gets the focus', focusWindow],
  ['within half a minute', waitHalfAMinute],
] as const) {
  test(`changes in one browser are seen in another ${how}`, async ({ openPage }) => {
    const [anna, ben] = [await createAccount(), await createAccount()];
    const name = `Seen by two, ${anna.alias}`;
    const his = await openPage('/templates', { as: ben, size: 'phone', ownClock: true });
    await his.getByRole('article').first().waitFor();
    const id = await createTemplate(anna, name);
    await notice(his);
    const card = his.getByRole('article').filter({ hasText: name });
    await card.waitFor();

    const hers = await openPage(`/templates/${id}`, { as: anna, ownClock: true });
    await hers.getByText('Loved by 0').waitFor();
    await card.getByRole('button', { name: /to my favorites/ }).click();
    await card.getByRole('button', { name: /from my favorites/ }).waitFor();
    await notice(hers);
    await hers.getByText('Loved by 1').waitFor();

    await his.getByRole('button', { name: 'My favorites', exact: true }).click();
    await expect.poll(() => his.getByRole('article').count()).toBe(1);
    await hers.getByRole('button', { name: 'Delete' }).click();
    await hers.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await hers.waitForURL(/\/templates$/);
    await notice(his);
    await his.getByText('No favorites yet').waitFor();
  });
}

test('used templates are on the podium and in the chart', async ({ openPage }) => {
  const [anna, ben] = [await createAccount(), await createAccount()];
  const [winner, second] = [
    await createTemplate(anna, `Winner ${anna.alias}`),
    await createTemplate(anna, `Second ${anna.alias}`),
  ];
  const third = await createTemplate(anna, `Third ${anna.alias}`);
  for (const [by, id] of [
    [anna, winner],
    [ben, winner],
    [anna, second],
    [ben, third],
  ] as const) {
    const answer = await fetch(meshUrl(`/api/v1/faces/tasks?emoji_id=${id}`), {
      method: 'POST',
      headers: { authorization: `Bearer ${await accessToken(by)}`, 'content-type': 'image/jpeg' },
      body: readFileSync(PHOTO_OF_ONE),
    });
    expect(answer.status).toBe(202);
  }
  const page = await openPage('/ranking?window=day', { size: 'phone', language: 'ko' });
  const chart = page.getByRole('region', { name: '몇 명이 썼을까요?' });
  // Uses are counted when the photos are done; the page polls.
  await chart
    .getByRole('listitem')
    .filter({ hasText: `Winner ${anna.alias}` })
    .filter({ hasText: '2회' })
    .waitFor();
  await expect.poll(() => page.getByRole('region', { name: 'TOP 3' }).getByRole('listitem').count()).toBe(3);
  await checkScreen(page, 'ranking');
});

test('an operator hides and restores a reported template', async ({ openPage }) => {
  const [anna, ben, operator] = [await createAccount(), await createAccount(), await createAccount()];
  const name = `Questionable ${anna.alias}`;
  makeOperator(operator.email);
  const id = await createTemplate(anna, name);
  const his = await openPage(`/templates/${id}`, { as: ben });
  await his.getByRole('button', { name: 'Report' }).click();
  await his.getByLabel('Something else').check();
  await his.getByLabel('Tell us more (optional)').fill('I do not like the cats.');
  await checkScreen(his, 'report', { fullPage: false });
  await his.getByRole('button', { name: 'Send report' }).click();
  await his.getByText('An operator will look at it.').waitFor();

  const queue = await openPage('/moderation', { as: operator });
  const card = queue.getByRole('article').filter({ hasText: name });
  await card.getByText('I do not like the cats.').waitFor();
  await checkScreen(queue, 'moderation');
  await card.getByRole('button', { name: 'Hide' }).click();
  await queue.getByText(`${name} is hidden.`).waitFor();
  await focusWindow(his);
  await his.getByText('This set is not here').waitFor();
  await checkScreen(his, 'template-gone');
  await queue.getByRole('tab', { name: 'Decided' }).click();
  await queue.getByRole('article').filter({ hasText: name }).getByRole('button', { name: 'Restore' }).click();
  await queue.getByText(`${name} is in the gallery.`).waitFor();
  await focusWindow(his);
  await his.getByRole('heading', { name, level: 1 }).waitFor();
});
