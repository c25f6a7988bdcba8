import { api } from '@/lib/api/api';
import { call, type Answer, type Args } from '@/lib/api/contract';

const myPage = api.injectEndpoints({
  endpoints: (build) => ({
    getMyPage: build.query<Answer<'GetMyPage'>, Args<'GetMyPage'>>({
      query: call('get', '/api/v1/users/mypage/{case}'),
      providesTags: (_result, _error, args) => [args.case === 'result' ? 'MyResults' : 'MyEmojis'],
    }),
  }),
});

export const { useGetMyPageQuery } = myPage;
