/** Calls with the access token. An expired token is renewed once, however many calls wait for it (single flight). */

import type { ThunkDispatch, UnknownAction } from '@reduxjs/toolkit';
import {
  fetchBaseQuery,
  type BaseQueryFn,
  type FetchArgs,
  type FetchBaseQueryError,
  type FetchBaseQueryMeta,
} from '@reduxjs/toolkit/query';

import type { ApiClient } from './apiClient';
import { sendWithKey } from './idempotency';
import type { Session } from './schema';
import { sessionEnded, sessionExpired, sessionHint, sessionStarted, type SessionState } from './session';

/** The part of the store that calls need. */
export interface SessionStore {
  dispatch: ThunkDispatch<unknown, ApiClient, UnknownAction>;
  getState: () => unknown;
}

const REFRESH = '/api/v1/users/auth/refresh';

export function sessionOf(store: Pick<SessionStore, 'getState'>): SessionState {
  return (store.getState() as { session: SessionState }).session;
}

/** `fetch` with the access token, for photos, pictures and events. `path` is relative to the gateway's address. */
export async function authorizedFetch(store: SessionStore, path: string, init: RequestInit = {}): Promise<Response> {
  const send = () => fetch(new URL(path, location.origin), withToken(store, init));
  const used = sessionOf(store).accessToken;
  const answer = await send();
  if (answer.status !== 401 || used === null || !(await renewToken(store, used))) return answer;
  return send();
}

function withToken(store: SessionStore, init: RequestInit): RequestInit {
  const token = sessionOf(store).accessToken;
  const headers = new Headers(init.headers);
  if (token) headers.set('authorization', `Bearer ${token}`);
  return { ...init, headers };
}

const plain = fetchBaseQuery({
  baseUrl: location.origin,
  prepareHeaders: (headers, { getState }) => {
    const token = sessionOf({ getState }).accessToken;
    if (token && !headers.has('authorization')) headers.set('authorization', `Bearer ${token}`);
    // The gateway accepts the session cookie only with this header, which other sites' scripts cannot set.
    headers.set('x-requested-with', 'igemoji-web');
    return headers;
  },
});

/** `extraOptions` of an endpoint. */
export interface CallOptions {
  /** The call creates something: send it with an idempotency key. */
  idempotencyKey?: boolean;
}

type Call<Request> = BaseQueryFn<Request, unknown, FetchBaseQueryError, CallOptions, FetchBaseQueryMeta>;

const authorized: Call<string | FetchArgs> = async (args, api, extra) => {
  const used = sessionOf(api).accessToken;
  const answer = await plain(args, api, extra);
  if (answer.error?.status !== 401 || used === null || !(await renewToken(api, used))) return answer;
  return plain(args, api, extra);
};

export const baseQuery: Call<FetchArgs> = (args, api, extra = {}) =>
  extra.idempotencyKey
    ? sendWithKey((api.extra as ApiClient).idempotencyKeys, args, async (keyed) => authorized(keyed, api, extra))
    : authorized(args, api, extra);

/**
 * Replace an access token that was refused, unless another call has replaced it already.
 *
 * @returns Whether there is a valid token. If not, the session has ended, and the store is updated.
 */
export async function renewToken(store: SessionStore, refused: string | null): Promise<boolean> {
  const { accessToken } = sessionOf(store);
  if (accessToken !== null && accessToken !== refused) return true;
  const client = store.dispatch((_dispatch, _getState, extra) => extra);
  client.renewal ??= refresh(store).finally(() => (client.renewal = null));
  return client.renewal;
}

async function refresh(store: SessionStore): Promise<boolean> {
  const send = () =>
    fetch(new URL(REFRESH, location.origin), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-requested-with': 'igemoji-web' },
      body: '{}',
    });
  let answer: Response;
  try {
    // A refresh token can be used once, and all tabs share it: a lock lets one tab refresh at a time.
    answer = await ('locks' in navigator ? navigator.locks.request('igemoji-refresh', send) : send());
  } catch {
    return false; // offline: the session stays
  }
  if (answer.ok) {
    store.dispatch(sessionStarted((await answer.json()) as Session));
    sessionHint.write(true);
    return true;
  }
  if (answer.status === 401 || answer.status === 403) {
    sessionHint.write(false);
    store.dispatch(sessionExpired());
  }
  return false;
}

/** Resume the session of the user who was logged in here before. Called once, when the page starts. */
export async function resumeSession(store: SessionStore): Promise<void> {
  if (!sessionHint.read() || !(await renewToken(store, null))) store.dispatch(sessionEnded());
}
