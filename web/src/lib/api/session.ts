/** Who is logged in. The access token is in the memory of this page and nowhere else; the refresh token is in a cookie
 * that no script can read. */

import { createSlice, type PayloadAction } from '@reduxjs/toolkit';

import type { Session, User } from './schema';

/** `unknown`: not asked yet. `expired`: somebody was logged in, and has to log in again to go on. */
export type SessionStatus = 'unknown' | 'anonymous' | 'authenticated' | 'expired';

export interface SessionState {
  status: SessionStatus;
  accessToken: string | null;
  /** Also while `expired`: who it was. */
  user: User | null;
}

const anonymous: SessionState = { status: 'anonymous', accessToken: null, user: null };

export const session = createSlice({
  name: 'session',
  initialState: { ...anonymous, status: 'unknown' },
  reducers: {
    sessionStarted: (_, { payload }: PayloadAction<Session>) => ({
      status: 'authenticated' as const,
      accessToken: payload.access_token,
      user: payload.user ?? null,
    }),
    sessionEnded: () => anonymous,
    /** The refresh token is no good any more. */
    sessionExpired: (state) =>
      state.user ? { status: 'expired' as const, accessToken: null, user: state.user } : anonymous,
    userChanged: (state, { payload }: PayloadAction<User>) => ({ ...state, user: payload }),
  },
  selectors: {
    selectUser: (state) => state.user,
    selectSessionStatus: (state) => state.status,
    selectAccessToken: (state) => state.accessToken,
  },
});

export const { sessionStarted, sessionEnded, sessionExpired, userChanged } = session.actions;
export const { selectUser, selectSessionStatus, selectAccessToken } = session.selectors;

const HINT = 'igemoji.session';

/** Whether somebody logged in here before: only then is it worth asking for a new token. Holds no secret. */
export const hint = {
  read: () => localStorage.getItem(HINT) === '1',
  write: (there: boolean) => (there ? localStorage.setItem(HINT, '1') : localStorage.removeItem(HINT)),
};
