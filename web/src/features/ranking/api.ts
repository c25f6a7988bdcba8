import { api } from '@/lib/api/api';
import { call, type Answer, type Args } from '@/lib/api/contract';

const ranking = api.injectEndpoints({
  endpoints: (build) => ({
    getRanking: build.query<Answer<'GetRanking'>, Args<'GetRanking'>>({
      query: call('get', '/api/v1/faces/ranking'),
      providesTags: ['Ranking'],
    }),
  }),
});

export const { useGetRankingQuery } = ranking;
