/** Calls that start or end a session. The other calls of an account are in `features/account/api`. */

import { api } from './api';
import { call, type Answer, type Args } from './contract';
import { sessionEnded, sessionHint, sessionStarted } from './session';

export const accounts = api.injectEndpoints({
  endpoints: (build) => ({
    startGuest: build.mutation<Answer<'StartGuest'>, void>({
      query: () => call('post', '/api/v1/users/guest')({ body: {} }),
      extraOptions: { idempotencyKey: true },
      onQueryStarted: startSession,
    }),
    login: build.mutation<Answer<'Login'>, Args<'Login'>>({
      query: call('post', '/api/v1/users/auth'),
      onQueryStarted: startSession,
    }),
    logout: build.mutation<unknown, void>({
      query: () => call('post', '/api/v1/users/auth/logout')({ body: {} }),
      onQueryStarted: async (_, { dispatch, queryFulfilled }) => {
        if (await fulfilledOrNull(queryFulfilled)) endSession(dispatch);
      },
    }),
    getMe: build.query<Answer<'GetMe'>, void>({
      query: call('get', '/api/v1/users/me'),
      providesTags: ['Me'],
    }),
  }),
});

type Dispatch = (action: unknown) => unknown;

/** Start the session that a call returned; for `onQueryStarted`. */
export async function startSession(
  _: unknown,
  { dispatch, queryFulfilled }: { dispatch: Dispatch; queryFulfilled: Promise<{ data: Answer<'Login'> }> },
): Promise<void> {
  const fulfilled = await fulfilledOrNull(queryFulfilled);
  if (!fulfilled) return;
  dispatch(sessionStarted(fulfilled.data));
  sessionHint.write(true);
}

/** End the session, and drop all that was loaded with it. */
export function endSession(dispatch: Dispatch): void {
  sessionHint.write(false);
  dispatch(sessionEnded());
  dispatch(api.util.resetApiState());
}

/** Return the answer of a call, or null if it failed: the form that made the call shows the error. */
export async function fulfilledOrNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch {
    return null;
  }
}

export const { useStartGuestMutation, useLoginMutation, useLogoutMutation } = accounts;
