/** Every screen on a phone and on a desktop, in both languages and themes. Behavior is tested in the other specs. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { accessToken, builtInTemplate, call, createAccount, type Account } from './api';
import { checkScreen, expect, PHOTO_OF_ONE, test } from './fixtures';
import { meshUrl } from './mesh';

const FIRST_LOAD_KB = 250;
const DIST = join(import.meta.dirname, '../dist');

let me: Account;
let emojiId: string;
let taskId: string;
let link: string;

/** Poll until a condition holds. */
async function until<T>(load: () => Promise<T>, condition: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await load();
    if (condition(answer)) return answer;
    await new Promise((done) => setTimeout(done, 200));
  }
}

test.beforeAll(async () => {
  me = await createAccount();
  const token = await accessToken(me);

  const mine = { name: '우리 고양이', base_id: await builtInTemplate('Cats'), tags: ['cats', '귀여운'] };
  emojiId = (await call<{ id: string }>('POST', '/api/v1/emojis', token, JSON.stringify(mine))).id;

  // Use three of them, for the podium.
  const photo = readFileSync(PHOTO_OF_ONE);
  for (const id of [await builtInTemplate('Little Zoo'), await builtInTemplate('Classic Faces'), emojiId]) {
    const made = await call<{ task_id: string }>('POST', `/api/v1/faces/tasks?emoji_id=${id}`, token, photo);
    const task = () => call<{ state: string }>('GET', `/api/v1/faces/tasks/${made.task_id}`, token);
    await until(task, ({ state }) => state === 'TASK_STATE_DONE');
    taskId = made.task_id;
  }
  link = (await call<{ token: string }>('POST', `/api/v1/faces/tasks/${taskId}/share`, token, '{}')).token;
  const ranking = () => call<{ entries: unknown[] }>('GET', '/api/v1/faces/ranking', token);
  await until(ranking, ({ entries }) => entries.length >= 3);
});

for (const size of ['phone', 'desktop'] as const) {
  for (const language of ['ko', 'en'] as const) {
    test(`public screens on a ${size}, in ${language}`, async ({ openPage }) => {
      const page = await openPage('/', { size, language });
      for (const [name, path] of [
        ['landing', '/'],
        ['log-in', '/login'],
        ['sign-up', '/signup'],
        ['forgot-password', '/forgot-password'],
        ['gallery', '/templates'],
        ['template', `/templates/${emojiId}`],
        ['ranking', '/ranking'],
        ['make', '/make'],
        ['shared', `/s/${link}`],
        ['not-found', '/nowhere'],
      ] as const) {
        await page.goto(path, { waitUntil: 'networkidle' });
        await checkScreen(page, name);
      }
    });

    test(`screens of a user on a ${size}, in ${language}`, async ({ openPage }) => {
      const page = await openPage('/', { size, language, as: me });
      for (const [name, path] of [
        ['make-user', `/make?emoji=${emojiId}`],
        ['result', `/results/${taskId}`],
        ['my-page', '/me'],
        ['my-page-emojis', '/me?tab=emojis'],
        ['editor-new', '/templates/new'],
        ['editor-edit', `/templates/${emojiId}/edit`],
        ['account', '/account'],
      ] as const) {
        await page.goto(path, { waitUntil: 'networkidle' });
        await checkScreen(page, name);
      }
    });
  }
}

test(`no first load takes more than ${FIRST_LOAD_KB} KB of compressed JavaScript`, async ({ openPage }) => {
  const page = await openPage('/', { as: me });
  for (const path of [
    ...['/', '/templates', `/templates/${emojiId}`, '/ranking', '/make', `/s/${link}`],
    ...[`/results/${taskId}`, '/me', '/templates/new', `/templates/${emojiId}/edit`, '/account'],
  ]) {
    await page.goto(path, { waitUntil: 'networkidle' });
    await page.getByRole('heading').first().waitFor();
    const scripts = await page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .map(({ name }) => new URL(name).pathname)
        .filter((name) => /^\/assets\/.*\.js$/.test(name)),
    );
    const sizes = [...new Set(scripts)].map((script) => gzipSync(readFileSync(join(DIST, script))).length);
    expect(sizes.length).toBeGreaterThan(1);
    expect(sizes.reduce((sum, size) => sum + size, 0) / 1000, path).toBeLessThan(FIRST_LOAD_KB);
  }
});

test('the content security policy blocks other origins, and each response has a fresh nonce', async () => {
  const load = async () => {
    const answer = await fetch(meshUrl('/templates'));
    return { policy: answer.headers.get('content-security-policy')!, page: await answer.text() };
  };
  const [first, second] = [await load(), await load()];
  expect(first.policy).toContain("default-src 'none'");
  expect(first.policy).not.toContain('unsafe');
  const nonce = /'nonce-([0-9a-f]{32})'/.exec(first.policy)![1]!;
  expect(first.page).toContain(`nonce="${nonce}"`);
  expect(second.policy).not.toContain(nonce);
});

test('hashed files are cached as immutable, the page is revalidated', async () => {
  const page = await fetch(meshUrl());
  expect(page.headers.get('cache-control')).toBe('no-cache');
  const script = /\/assets\/[^"]+\.js/.exec(await page.text())![0];
  const kept = await fetch(meshUrl() + script);
  expect(kept.headers.get('cache-control')).toContain('immutable');
  expect((await fetch(meshUrl('/assets/gone.js'))).status).toBe(404);
});
