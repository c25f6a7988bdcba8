/**
 * The session: who is logged in. The access token is kept in memory only; the refresh token is in a cookie that scripts
 * cannot read.
 */

import { createSlice, type PayloadAction } from '@reduxjs/toolkit';

import type { Session, User } from './schema';

/** `unknown`: not checked yet. `expired`: the user was logged in and must log in again. */
export type SessionStatus = 'unknown' | 'anonymous' | 'authenticated' | 'expired';

export interface SessionState {
  status: SessionStatus;
  accessToken: string | null;
  /** Kept while `expired`. */
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
    /** The refresh token was refused. */
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

/** Return whether there was a login in this browser: only then is a token requested at the start. Contains no secret. */
export const sessionHint = {
  read: () => localStorage.getItem(HINT) === '1',
  write: (loggedIn: boolean) => (loggedIn ? localStorage.setItem(HINT, '1') : localStorage.removeItem(HINT)),
};
