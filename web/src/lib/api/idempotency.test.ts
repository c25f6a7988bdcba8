import { beforeEach, expect, test } from 'vitest';

import { minji } from '@/test/render';
import { http, HttpResponse, refusal, server } from '@/test/server';
import { makeStore } from '@/test/store';
import { emoji } from '@/test/templates';

import { emojis } from './emojis';

const { createEmoji } = emojis.endpoints;
const cats = { body: { name: 'Cats', base_id: 'b' } };
const dogs = { body: { name: 'Dogs', base_id: 'b' } };

let store: ReturnType<typeof makeStore>;
let keys: (string | null)[];

/** Answers of the server, in order. */
function answers(...responses: (() => Response)[]) {
  server.use(
    http.post('*/api/v1/emojis', ({ request }) => {
      keys.push(request.headers.get('idempotency-key'));
      return responses.shift()!();
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

test('a retry after a lost answer has the same key', async () => {
  answers(lost, made);
  expect((await store.dispatch(createEmoji.initiate(cats))).error).toBeDefined();
  expect((await store.dispatch(createEmoji.initiate(cats))).data?.name).toBe('Cats');
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys[1]).toBe(keys[0]);
});

test('another body and a call after an answer have new keys', async () => {
  answers(lost, made, made);
  await store.dispatch(createEmoji.initiate(cats));
  await store.dispatch(createEmoji.initiate(dogs));
  await store.dispatch(createEmoji.initiate(dogs));
  expect(new Set(keys).size).toBe(3);
});

test('two identical calls at once share a key, and the second waits for the first', async () => {
  answers(made, underWay, underWay, made);
  const both = await Promise.all([
    store.dispatch(createEmoji.initiate(cats)),
    store.dispatch(createEmoji.initiate(cats)),
  ]);
  expect(both.map(({ data }) => data?.name)).toEqual(['Cats', 'Cats']);
  expect(keys).toHaveLength(4);
  expect(new Set(keys).size).toBe(1);
});
