import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Page } from 'playwright-core';
import { expect, inject, test } from 'vitest';

import { close, look, open, PHOTO_OF_ONE, somebody, TEMPLATES, useBrowser, type Account } from './fixtures';
import { makeOperator } from './mesh';

useBrowser();

const CAT = join(TEMPLATES, 'cats/happy.png');

/** Makes a template of a built-in one, by the API. */
async function template(by: Account, name: string, more: object = {}): Promise<string> {
  const token = await tokenOf(by);
  const { emojis } = (await (await fetch(`${inject('url')}/api/v1/emojis/pages/1?sort=new&q=cats`)).json()) as {
    emojis: { id: string }[];
  };
  const answer = await fetch(`${inject('url')}/api/v1/emojis`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ name, base_id: emojis[0]!.id, ...more }),
  });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { id: string }).id;
}

async function tokenOf({ email, password }: Account): Promise<string> {
  const answer = await fetch(`${inject('url')}/api/v1/users/auth`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  });
  return ((await answer.json()) as { access_token: string }).access_token;
}

/** Of the templates that are shown. */
const names = (page: Page) => page.getByRole('article').getByRole('heading').allTextContents();

/** What happens to a window that one comes back to. */
const focus = (page: Page) => page.evaluate(() => window.dispatchEvent(new Event('visibilitychange')));

/** What happens to a window that nobody comes back to: its clock goes on. */
async function halfAMinute(page: Page): Promise<void> {
  await page.clock.runFor(30_000);
  expect(await page.evaluate(() => window.comebacks)).toBe(0);
}

test('templates are searched, sorted, narrowed down by tag and paged, and the way back leads back', async () => {
  const page = await open('/templates', { size: 'phone', language: 'ko' });
  await page.getByRole('article').first().waitFor();
  await look(page, 'gallery');
  await page.getByLabel('검색', { exact: true }).fill('zoo');
  await page.getByRole('heading', { name: 'Little Zoo' }).waitFor();
  await expect.poll(async () => (await names(page)).every((name) => /zoo/i.test(name))).toBe(true);
  await page.getByLabel('검색', { exact: true }).fill('없는 이모지');
  await page.getByText('검색 결과가 없어요').waitFor();
  await look(page, 'gallery-nothing');
  await page.getByRole('button', { name: '모두 보기' }).click();
  await expect.poll(() => page.getByRole('article').count()).toBe(8);
  await page.getByRole('link', { name: '페이지 2', exact: true }).click();
  await page.waitForURL(/page=2/);
  await page.goBack();
  await expect.poll(() => page.getByRole('article').count()).toBe(8);
  await close(page);
});

test('a template is made of a set in one tap and a picture of one’s own, then edited and deleted', async () => {
  const anna = await somebody();
  const page = await open('/templates/new', { as: anna });
  await page.getByRole('button', { name: 'Little Zoo' }).click();
  await page.getByText('All seven pictures are there').waitFor();
  await look(page, 'editor');
  await page.locator('input[data-expression=happy]').setInputFiles(CAT);
  await page.getByRole('button', { name: 'Happy: take my picture away' }).waitFor();
  await page.getByLabel('Name').fill('Zoo with a cat');
  await page.getByLabel('Tags').fill('Animals,');
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByRole('heading', { name: 'Zoo with a cat', level: 1 }).waitFor();
  await look(page, 'template');
  await page.getByRole('link', { name: 'Edit' }).click();
  await page.getByLabel('Name').fill('Cat with a zoo');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'Cat with a zoo', level: 1 }).waitFor();
  await page.getByRole('button', { name: 'Delete' }).click();
  await look(page, 'template-delete', { fullPage: false });
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.waitForURL(/\/templates$/);
  await page.getByText('Cat with a zoo is deleted.').waitFor();
  await close(page);
});

test('several pictures go where their names say, and one that is none is told of', async () => {
  const page = await open('/templates/new', { as: await somebody(), size: 'phone', language: 'ko' });
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
  await look(page, 'editor-faults');
  await page.locator('input[data-expression=neutral]').setInputFiles(join(TEMPLATES, 'cats/neutral.png'));
  await page.getByText('그림 일곱 장이 모두 있어요').waitFor();
  await page.getByLabel('이름').fill('우리 고양이');
  await page.getByRole('button', { name: '만들기', exact: true }).click();
  await page.getByRole('heading', { name: '우리 고양이', level: 1 }).waitFor();
  await look(page, 'template');
  await close(page);
});

test('an edit that somebody else got ahead of says so, and nothing of it is lost', async () => {
  const anna = await somebody();
  const id = await template(anna, 'Two windows');
  const page = await open(`/templates/${id}/edit`, { as: anna });
  await page.getByLabel('Name').fill('Mine');
  const answer = await fetch(`${inject('url')}/api/v1/emojis/${id}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await tokenOf(anna)}` },
    body: JSON.stringify({ name: 'Theirs', tags: ['theirs'] }),
  });
  expect(answer.status).toBe(200);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Somebody changed this set in the meantime').waitFor();
  await look(page, 'editor-conflict', { fullPage: false });
  await page.getByRole('button', { name: 'Save my changes on top' }).click();
  await page.getByRole('heading', { name: 'Mine', level: 1 }).waitFor();
  await page.getByRole('link', { name: '#theirs' }).waitFor();
  await close(page);
});

test('a template whose answer was lost is made once, however often one tries', async () => {
  const page = await open('/templates/new', { as: await somebody() });
  await page.getByRole('button', { name: 'Little Zoo' }).click();
  await page.getByLabel('Name').fill('Only one');
  await page.route('**/api/v1/emojis', async (route) => {
    await route.fetch(); // it arrives, and what comes back does not
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
  await close(page);
});

for (const [how, notice] of [
  ['that one comes back to', focus],
  ['within half a minute', halfAMinute],
] as const) {
  test(`what is made, loved and deleted in one browser is seen in another ${how}`, async () => {
    const [anna, ben] = [await somebody(), await somebody()];
    const name = `Seen by two, ${anna.alias}`;
    const his = await open('/templates', { as: ben, size: 'phone', ownClock: true });
    await his.getByRole('article').first().waitFor();
    const id = await template(anna, name);
    await notice(his);
    const card = his.getByRole('article').filter({ hasText: name });
    await card.waitFor();

    const hers = await open(`/templates/${id}`, { as: anna, ownClock: true });
    await hers.getByText('Loved by 0').waitFor();
    await card.getByRole('button', { name: /to my favourites/ }).click();
    await card.getByRole('button', { name: /from my favourites/ }).waitFor();
    await notice(hers);
    await hers.getByText('Loved by 1').waitFor();

    await his.getByRole('button', { name: 'My favourites', exact: true }).click();
    await expect.poll(() => his.getByRole('article').count()).toBe(1);
    await hers.getByRole('button', { name: 'Delete' }).click();
    await hers.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await hers.waitForURL(/\/templates$/);
    await notice(his);
    await his.getByText('No favourites yet').waitFor();
    await Promise.all([close(hers), close(his)]);
  });
}

test('what people use stands on the podium and in the chart', async () => {
  const [anna, ben] = [await somebody(), await somebody()];
  const [winner, second] = [await template(anna, `Winner ${anna.alias}`), await template(anna, `Second ${anna.alias}`)];
  const third = await template(anna, `Third ${anna.alias}`);
  for (const [by, id] of [
    [anna, winner],
    [ben, winner],
    [anna, second],
    [ben, third],
  ] as const) {
    const answer = await fetch(`${inject('url')}/api/v1/faces/tasks?emoji_id=${id}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await tokenOf(by)}`, 'content-type': 'image/jpeg' },
      body: readFileSync(PHOTO_OF_ONE),
    });
    expect(answer.status).toBe(202);
  }
  const page = await open('/ranking?window=day', { size: 'phone', language: 'ko' });
  const chart = page.getByRole('region', { name: '몇 명이 썼을까요?' });
  // The uses are told of when the photos are done: the screen asks again by itself.
  await chart
    .getByRole('listitem')
    .filter({ hasText: `Winner ${anna.alias}` })
    .filter({ hasText: '2회' })
    .waitFor();
  await expect.poll(() => page.getByRole('region', { name: 'TOP 3' }).getByRole('listitem').count()).toBe(3);
  await look(page, 'ranking');
  await close(page);
});

test('a reported template waits for an operator, who hides it and shows it again', async () => {
  const [anna, ben, operator] = [await somebody(), await somebody(), await somebody()];
  const name = `Questionable ${anna.alias}`;
  makeOperator(operator.email, inject('data'));
  const id = await template(anna, name);
  const his = await open(`/templates/${id}`, { as: ben });
  await his.getByRole('button', { name: 'Report' }).click();
  await his.getByLabel('Something else').check();
  await his.getByLabel('Tell us more (optional)').fill('I do not like the cats.');
  await look(his, 'report', { fullPage: false });
  await his.getByRole('button', { name: 'Send report' }).click();
  await his.getByText('An operator will look at it.').waitFor();

  const queue = await open('/moderation', { as: operator });
  const card = queue.getByRole('article').filter({ hasText: name });
  await card.getByText('I do not like the cats.').waitFor();
  await look(queue, 'moderation');
  await card.getByRole('button', { name: 'Hide' }).click();
  await queue.getByText(`${name} is hidden.`).waitFor();
  await focus(his);
  await his.getByText('This set is not here').waitFor();
  await look(his, 'template-gone');
  await queue.getByRole('tab', { name: 'Decided' }).click();
  await queue.getByRole('article').filter({ hasText: name }).getByRole('button', { name: 'Restore' }).click();
  await queue.getByText(`${name} is in the gallery.`).waitFor();
  await focus(his);
  await his.getByRole('heading', { name, level: 1 }).waitFor();
  await Promise.all([close(his), close(queue)]);
});
