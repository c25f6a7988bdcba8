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
      extraOptions: { once: true },
      invalidatesTags: ['EmojiList', 'MyEmojis'],
    }),
    updateEmoji: build.mutation<Answer<'UpdateEmoji'>, Args<'UpdateEmoji'>>({
      query: call('patch', '/api/v1/emojis/{id}'),
      invalidatesTags: (_result, _error, { id }) => [{ type: 'Emoji', id }, 'EmojiList', 'MyEmojis', 'Ranking'],
    }),
    deleteEmoji: build.mutation<unknown, Args<'DeleteEmoji'>>({
      query: call('delete', '/api/v1/emojis/{id}'),
      // Not the template itself: it is gone, and asking for it again would say so as an error.
      invalidatesTags: ['EmojiList', 'MyEmojis', 'Ranking'],
    }),
    reportEmoji: build.mutation<unknown, Args<'ReportEmoji'>>({
      query: call('post', '/api/v1/emojis/{id}/report'),
      extraOptions: { once: true },
    }),
    listReports: build.query<Answer<'ListReports'>, Args<'ListReports'>>({
      query: call('get', '/api/v1/moderation/reports'),
      providesTags: ['Reports'],
    }),
    decideReport: build.mutation<unknown, Args<'DecideReport'>>({
      query: call('post', '/api/v1/moderation/emojis/{id}'),
      invalidatesTags: ['Reports', 'EmojiList', 'Emoji', 'Ranking'],
    }),
    getRanking: build.query<Answer<'GetRanking'>, Args<'GetRanking'>>({
      query: call('get', '/api/v1/faces/ranking'),
      providesTags: ['Ranking'],
    }),
  }),
});

export const {
  useListEmojisQuery,
  useGetEmojiQuery,
  useCreateEmojiMutation,
  useUpdateEmojiMutation,
  useDeleteEmojiMutation,
  useReportEmojiMutation,
  useListReportsQuery,
  useDecideReportMutation,
  useGetRankingQuery,
} = emojis;
