/** Short notices at the bottom of the window: what was done, or what failed in the background. */

import { createSlice, nanoid, type PayloadAction } from '@reduxjs/toolkit';

export interface Notice {
  id: string;
  text: string;
  severity: 'success' | 'info' | 'error';
}

export const notices = createSlice({
  name: 'notices',
  initialState: [] as Notice[],
  reducers: {
    notified: {
      prepare: (text: string, severity: Notice['severity'] = 'success') => ({
        payload: { id: nanoid(), text, severity },
      }),
      reducer: (state, { payload }: PayloadAction<Notice>) => [...state, payload],
    },
    noticeClosed: (state, { payload }: PayloadAction<string>) => state.filter(({ id }) => id !== payload),
  },
});

export const { notified, noticeClosed } = notices.actions;
