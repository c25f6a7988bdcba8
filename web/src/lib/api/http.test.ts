import { describe, expect, test } from 'vitest';

import { minji } from '@/test/render';
import { http, HttpResponse, refusal, server } from '@/test/server';
import { makeStore } from '@/test/store';

import { accounts } from './accounts';
import { authorizedFetch, resumeSession } from './http';
import { sessionHint } from './session';

function acceptToken(token: string) {
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

describe('an expired token', () => {
  test('is renewed once for all waiting calls', async () => {
    const count = { refreshes: 0 };
    server.use(acceptToken('token-1'), sessions(count));
    const store = loggedIn();
    const [me, raw] = await Promise.all([
      store.dispatch(accounts.endpoints.getMe.initiate()),
      authorizedFetch(store, '/api/v1/users/me'),
    ]);
    expect(me.data?.alias).toBe('민지');
    expect(raw.status).toBe(200);
    expect(count.refreshes).toBe(1);
  });

  test('expires the session when it cannot be renewed, and keeps the user', async () => {
    server.use(
      acceptToken('nobody'),
      http.post('*/api/v1/users/auth/refresh', () => refusal(401, 'REFRESH_TOKEN_REFUSED')),
    );
    const store = loggedIn();
    await store.dispatch(accounts.endpoints.getMe.initiate());
    expect(store.getState().session).toMatchObject({ status: 'expired', accessToken: null, user: { alias: '민지' } });
  });

  test('keeps the session without a network', async () => {
    server.use(
      acceptToken('nobody'),
      http.post('*/api/v1/users/auth/refresh', () => HttpResponse.error()),
    );
    const store = loggedIn();
    await store.dispatch(accounts.endpoints.getMe.initiate());
    expect(store.getState().session.status).toBe('authenticated');
  });
});

describe('at the start of the page', () => {
  test('a previous session is resumed', async () => {
    server.use(sessions({ refreshes: 0 }));
    sessionHint.write(true);
    const store = makeStore();
    await resumeSession(store);
    expect(store.getState().session).toMatchObject({ status: 'authenticated', accessToken: 'token-1' });
  });

  test('no token is requested without a previous login', async () => {
    const store = makeStore();
    await resumeSession(store); // a call would fail: no answer is prepared
    expect(store.getState().session.status).toBe('anonymous');
  });
});
