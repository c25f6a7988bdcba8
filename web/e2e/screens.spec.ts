/** Every screen, on a phone and on a desk, in both languages; `look` does both themes. What they do is in other specs. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { beforeAll, expect, inject, test } from 'vitest';

import { close, look, open, PHOTO_OF_ONE, somebody, useBrowser, type Account } from './fixtures';

const FIRST_LOAD_KB = 250;
const DIST = join(import.meta.dirname, '../dist');

useBrowser();

let me: Account;
let emojiId: string;
let taskId: string;
let link: string;

/** Calls the API as somebody. */
async function call<T>(method: string, path: string, token: string, body?: BodyInit): Promise<T> {
  const type = typeof body === 'string' ? 'application/json' : 'application/octet-stream';
  const headers = { authorization: `Bearer ${token}`, 'content-type': type };
  const answer = await fetch(inject('url') + path, { method, headers, ...(body !== undefined && { body }) });
  expect(answer.ok, `${method} ${path}: ${answer.status}`).toBe(true);
  return (await answer.json()) as T;
}

async function until<T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    await new Promise((again) => setTimeout(again, 200));
  }
}

beforeAll(async () => {
  me = await somebody();
  const login = await fetch(`${inject('url')}/api/v1/users/auth`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: me.email, password: me.password }),
  });
  const { access_token: token } = (await login.json()) as { access_token: string };

  const builtIn = async (name: string) => {
    const path = `/api/v1/emojis/pages/1?q=${encodeURIComponent(name)}`;
    const { emojis } = await call<{ emojis: { id: string; name: string; built_in: boolean }[] }>('GET', path, token);
    return emojis.find((emoji) => emoji.built_in && emoji.name === name)!.id;
  };
  const mine = { name: '우리 고양이', base_id: await builtIn('Cats'), tags: ['cats', '귀여운'] };
  emojiId = (await call<{ id: string }>('POST', '/api/v1/emojis', token, JSON.stringify(mine))).id;

  // Three of them are used: a podium.
  const photo = readFileSync(PHOTO_OF_ONE);
  for (const id of [await builtIn('Little Zoo'), await builtIn('Classic Faces'), emojiId]) {
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
    test(`what anybody sees on a ${size}, in ${language}`, async () => {
      const page = await open('/', { size, language });
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
        ['lost', '/nowhere'],
      ] as const) {
        await page.goto(path, { waitUntil: 'networkidle' });
        await look(page, name);
      }
      await close(page);
    });

    test(`what one sees who is logged in on a ${size}, in ${language}`, async () => {
      const page = await open('/', { size, language, as: me });
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
        await look(page, name);
      }
      await close(page);
    });
  }
}

test(`no screen loads more than ${FIRST_LOAD_KB} KB of JavaScript, packed, where one begins with it`, async () => {
  const page = await open('/', { as: me });
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
  await close(page);
});

test('the page lets in nothing from elsewhere, and its nonce is another one each time', async () => {
  const ask = async () => {
    const answer = await fetch(`${inject('url')}/templates`);
    return { policy: answer.headers.get('content-security-policy')!, page: await answer.text() };
  };
  const [first, second] = [await ask(), await ask()];
  expect(first.policy).toContain("default-src 'none'");
  expect(first.policy).not.toContain('unsafe');
  const nonce = /'nonce-([0-9a-f]{32})'/.exec(first.policy)![1]!;
  expect(first.page).toContain(`nonce="${nonce}"`);
  expect(second.policy).not.toContain(nonce);
});

test('what has a hash in its name is kept for ever, the page is asked for each time', async () => {
  const page = await fetch(inject('url'));
  expect(page.headers.get('cache-control')).toBe('no-cache');
  const script = /\/assets\/[^"]+\.js/.exec(await page.text())![0];
  const kept = await fetch(inject('url') + script);
  expect(kept.headers.get('cache-control')).toContain('immutable');
  expect((await fetch(`${inject('url')}/assets/gone.js`)).status).toBe(404);
});
