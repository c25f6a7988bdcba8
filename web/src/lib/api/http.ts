/** Calls with the access token, which is renewed when it has run out: once, however many calls wait for it. */

import type { ThunkDispatch, UnknownAction } from '@reduxjs/toolkit';
import {
  fetchBaseQuery,
  type BaseQueryFn,
  type FetchArgs,
  type FetchBaseQueryError,
  type FetchBaseQueryMeta,
} from '@reduxjs/toolkit/query';

import { once } from './idempotency';
import type { Session } from './schema';
import { hint, sessionEnded, sessionExpired, sessionStarted, type SessionState } from './session';

/** The part of the store that calls need. */
export interface SessionStore {
  dispatch: ThunkDispatch<unknown, unknown, UnknownAction>;
  getState: () => unknown;
}

const REFRESH = '/api/v1/users/auth/refresh';

export function sessionOf(store: Pick<SessionStore, 'getState'>): SessionState {
  return (store.getState() as { session: SessionState }).session;
}

/** `fetch` with the access token, for what is not JSON: photos, pictures, events. A path below the gateway's address. */
export async function authorizedFetch(store: SessionStore, path: string, init: RequestInit = {}): Promise<Response> {
  const send = () => fetch(new URL(path, location.origin), withToken(store, init));
  const used = sessionOf(store).accessToken;
  const answer = await send();
  if (answer.status !== 401 || used === null || !(await renew(store, used))) return answer;
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
    // The gateway takes a cookie from nobody but a script of ours.
    headers.set('x-requested-with', 'igemoji-web');
    return headers;
  },
});

/** Of an endpoint, in its `extraOptions`. */
export interface CallOptions {
  /** It makes something, and its call takes a key. */
  once?: boolean;
}

type Call<Taken> = BaseQueryFn<Taken, unknown, FetchBaseQueryError, CallOptions, FetchBaseQueryMeta>;

const authorized: Call<string | FetchArgs> = async (args, api, extra) => {
  const used = sessionOf(api).accessToken;
  const answer = await plain(args, api, extra);
  if (answer.error?.status !== 401 || used === null || !(await renew(api, used))) return answer;
  return plain(args, api, extra);
};

export const baseQuery: Call<FetchArgs> = (args, api, extra = {}) =>
  extra.once ? once(args, async (keyed) => authorized(keyed, api, extra)) : authorized(args, api, extra);

let running: Promise<boolean> | null = null;

/**
 * Gets another access token for one that was refused, or takes the one that somebody else has got meanwhile.
 *
 * @returns Whether there is one. If not, the session has ended and the store says so.
 */
export async function renew(store: SessionStore, refused: string | null): Promise<boolean> {
  const { accessToken } = sessionOf(store);
  if (accessToken !== null && accessToken !== refused) return true;
  running ??= refresh(store).finally(() => (running = null));
  return running;
}

async function refresh(store: SessionStore): Promise<boolean> {
  const ask = () =>
    fetch(new URL(REFRESH, location.origin), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-requested-with': 'igemoji-web' },
      body: '{}',
    });
  let answer: Response;
  try {
    // A refresh token counts once, and all tabs have the same: they take turns.
    answer = await ('locks' in navigator ? navigator.locks.request('igemoji-refresh', ask) : ask());
  } catch {
    return false; // offline: who is logged in stays so
  }
  if (answer.ok) {
    store.dispatch(sessionStarted((await answer.json()) as Session));
    hint.write(true);
    return true;
  }
  if (answer.status === 401 || answer.status === 403) {
    hint.write(false);
    store.dispatch(sessionExpired());
  }
  return false;
}

/** At the start of the page: goes on as whoever was logged in here. */
export async function resumeSession(store: SessionStore): Promise<void> {
  if (!hint.read() || !(await renew(store, null))) store.dispatch(sessionEnded());
}
