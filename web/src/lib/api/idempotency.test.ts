import { beforeEach, expect, test } from 'vitest';

import { makeStore } from '@/app/store';
import { minji } from '@/test/render';
import { http, HttpResponse, refusal, server } from '@/test/server';
import { emoji } from '@/test/templates';

import { emojis } from './emojis';

const { createEmoji } = emojis.endpoints;
const cats = { body: { name: 'Cats', base_id: 'b' } };
const dogs = { body: { name: 'Dogs', base_id: 'b' } };

let store: ReturnType<typeof makeStore>;
let keys: (string | null)[];

/** What the server says to one call after the other. */
function answers(...said: (() => Response)[]) {
  server.use(
    http.post('*/api/v1/emojis', ({ request }) => {
      keys.push(request.headers.get('idempotency-key'));
      return said.shift()!();
    }),
  );
}

const made = () => HttpResponse.json(emoji({ name: 'Cats' }), { status: 201 });
const lost = () => HttpResponse.error();
const underWay = () => {
  const answer = refusal(409, 'IDEMPOTENT_CALL_UNDER_WAY');
  answer.headers.set('retry-after', '0');
  return answer;
};

beforeEach(() => {
  store = makeStore({ session: { status: 'authenticated', accessToken: 'token', user: minji } });
  keys = [];
});

test('a call whose answer was lost is made again with its key', async () => {
  answers(lost, made);
  expect((await store.dispatch(createEmoji.initiate(cats))).error).toBeDefined();
  expect((await store.dispatch(createEmoji.initiate(cats))).data?.name).toBe('Cats');
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys[1]).toBe(keys[0]);
});

test('a call that says something else has a key of its own, and so has one after an answer', async () => {
  answers(lost, made, made);
  await store.dispatch(createEmoji.initiate(cats));
  await store.dispatch(createEmoji.initiate(dogs));
  await store.dispatch(createEmoji.initiate(dogs));
  expect(new Set(keys).size).toBe(3);
});

test('two at once have one key, and the second waits for what the first makes', async () => {
  answers(made, underWay, underWay, made);
  const both = await Promise.all([
    store.dispatch(createEmoji.initiate(cats)),
    store.dispatch(createEmoji.initiate(cats)),
  ]);
  expect(both.map(({ data }) => data?.name)).toEqual(['Cats', 'Cats']);
  expect(keys).toHaveLength(4);
  expect(new Set(keys).size).toBe(1);
});
