/** Calls for templates: the API's resource `emoji`. */

import { api } from './api';
import { call, type Answer, type Args } from './contract';

export const emojis = api.injectEndpoints({
  endpoints: (build) => ({
    listEmojis: build.query<Answer<'ListEmojis'>, Args<'ListEmojis'>>({
      query: call('get', '/api/v1/emojis/pages/{page_number}'),
      providesTags: ['EmojiList'],
    }),
    getEmoji: build.query<Answer<'GetEmoji'>, Args<'GetEmoji'>>({
      query: call('get', '/api/v1/emojis/{id}'),
      providesTags: (_result, _error, { id }) => [{ type: 'Emoji', id }],
    }),
    createEmoji: build.mutation<Answer<'CreateEmoji'>, Args<'CreateEmoji'>>({
      query: call('post', '/api/v1/emojis'),
      extraOptions: { idempotencyKey: true },
      invalidatesTags: ['EmojiList', 'MyEmojis'],
    }),
    updateEmoji: build.mutation<Answer<'UpdateEmoji'>, Args<'UpdateEmoji'>>({
      query: call('patch', '/api/v1/emojis/{id}'),
      invalidatesTags: (_result, _error, { id }) => [{ type: 'Emoji', id }, 'EmojiList', 'MyEmojis', 'Ranking'],
    }),
    deleteEmoji: build.mutation<unknown, Args<'DeleteEmoji'>>({
      query: call('delete', '/api/v1/emojis/{id}'),
      // Not `Emoji` itself: fetching the deleted template again would show an error.
      invalidatesTags: ['EmojiList', 'MyEmojis', 'Ranking'],
    }),
  }),
});

export const {
  useListEmojisQuery,
  useGetEmojiQuery,
  useCreateEmojiMutation,
  useUpdateEmojiMutation,
  useDeleteEmojiMutation,
} = emojis;
