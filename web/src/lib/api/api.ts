/** The API of the app. Calls are injected here in `lib/api`, and by the features in their `api`. */

import { createApi } from '@reduxjs/toolkit/query/react';

import { baseQuery } from './http';

/** Polling interval of lists: the maximum delay until changes of other users are shown. */
export const POLLING_SECONDS = 20;

export const api = createApi({
  baseQuery,
  tagTypes: ['Me', 'Emoji', 'EmojiList', 'Task', 'MyResults', 'MyEmojis', 'Ranking', 'Reports'],
  refetchOnFocus: true,
  refetchOnReconnect: true,
  endpoints: () => ({}),
});
