import { api } from '@/lib/api/api';
import { call, type Answer, type Args } from '@/lib/api/contract';

const sharing = api.injectEndpoints({
  endpoints: (build) => ({
    getShared: build.query<Answer<'GetShared'>, Args<'GetShared'>>({
      query: call('get', '/api/v1/shared/{token}'),
    }),
  }),
});

export const { useGetSharedQuery } = sharing;
