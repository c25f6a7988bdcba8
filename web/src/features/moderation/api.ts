import { api } from '@/lib/api/api';
import { call, type Answer, type Args } from '@/lib/api/contract';

const moderation = api.injectEndpoints({
  endpoints: (build) => ({
    listReports: build.query<Answer<'ListReports'>, Args<'ListReports'>>({
      query: call('get', '/api/v1/moderation/reports'),
      providesTags: ['Reports'],
    }),
    decideReport: build.mutation<unknown, Args<'DecideReport'>>({
      query: call('post', '/api/v1/moderation/emojis/{id}'),
      invalidatesTags: ['Reports', 'EmojiList', 'Emoji', 'Ranking'],
    }),
  }),
});

export const { useListReportsQuery, useDecideReportMutation } = moderation;
