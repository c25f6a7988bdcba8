import { describe, expect, test } from 'vitest';

import { makeStore } from '@/app/store';
import { http, HttpResponse, refusal, server } from '@/test/server';
import { minji } from '@/test/render';

import { accounts } from './accounts';
import { authorizedFetch, resumeSession } from './http';
import { hint } from './session';

function answerWhoHasToken(token: string) {
  return http.get('*/api/v1/users/me', ({ request }) =>
    request.headers.get('authorization') === `Bearer ${token}`
      ? HttpResponse.json(minji)
      : refusal(401, 'TOKEN_EXPIRED'),
  );
}

function sessions(count: { refreshes: number }) {
  return http.post('*/api/v1/users/auth/refresh', () => {
    count.refreshes += 1;
    return HttpResponse.json({ access_token: `token-${count.refreshes}`, expires_in: 600, user: minji });
  });
}

const loggedIn = () => makeStore({ session: { status: 'authenticated', accessToken: 'old', user: minji } });

describe('a token that has run out', () => {
  test('is renewed once for all calls that wait for it', async () => {
    const count = { refreshes: 0 };
    server.use(answerWhoHasToken('token-1'), sessions(count));
    const store = loggedIn();
    const [me, raw] = await Promise.all([
      store.dispatch(accounts.endpoints.getMe.initiate()),
      authorizedFetch(store, '/api/v1/users/me'),
    ]);
    expect(me.data?.alias).toBe('민지');
    expect(raw.status).toBe(200);
    expect(count.refreshes).toBe(1);
  });

  test('ends the session when it cannot be renewed, and remembers whose it was', async () => {
    server.use(
      answerWhoHasToken('nobody'),
      http.post('*/api/v1/users/auth/refresh', () => refusal(401, 'REFRESH_TOKEN_REFUSED')),
    );
    const store = loggedIn();
    await store.dispatch(accounts.endpoints.getMe.initiate());
    expect(store.getState().session).toMatchObject({ status: 'expired', accessToken: null, user: { alias: '민지' } });
  });

  test('does not end the session when there is no network', async () => {
    server.use(
      answerWhoHasToken('nobody'),
      http.post('*/api/v1/users/auth/refresh', () => HttpResponse.error()),
    );
    const store = loggedIn();
    await store.dispatch(accounts.endpoints.getMe.initiate());
    expect(store.getState().session.status).toBe('authenticated');
  });
});

describe('at the start', () => {
  test('who was logged in here goes on', async () => {
    server.use(sessions({ refreshes: 0 }));
    hint.write(true);
    const store = makeStore();
    await resumeSession(store);
    expect(store.getState().session).toMatchObject({ status: 'authenticated', accessToken: 'token-1' });
  });

  test('nobody is asked for who never logged in', async () => {
    const store = makeStore();
    await resumeSession(store); // a call would fail: no answer is prepared
    expect(store.getState().session.status).toBe('anonymous');
  });
});
