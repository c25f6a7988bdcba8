/** The one API of the app. Each feature brings its calls: `src/api/*.ts`. */

import { createApi } from '@reduxjs/toolkit/query/react';

import { baseQuery } from './http';

/** How soon something that another browser did is seen here. */
export const FRESH_SECONDS = 20;

export const api = createApi({
  baseQuery,
  tagTypes: ['Me', 'Emoji', 'EmojiList', 'Task', 'MyResults', 'MyEmojis', 'Ranking', 'Reports'],
  refetchOnFocus: true,
  refetchOnReconnect: true,
  endpoints: () => ({}),
});
