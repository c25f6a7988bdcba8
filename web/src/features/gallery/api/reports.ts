import { api } from '@/lib/api/api';
import { call, type Args } from '@/lib/api/contract';

const reports = api.injectEndpoints({
  endpoints: (build) => ({
    reportEmoji: build.mutation<unknown, Args<'ReportEmoji'>>({
      query: call('post', '/api/v1/emojis/{id}/report'),
      extraOptions: { idempotencyKey: true },
    }),
  }),
});

export const { useReportEmojiMutation } = reports;
