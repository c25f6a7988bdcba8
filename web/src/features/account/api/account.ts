import { fulfilledOrNull, startSession } from '@/lib/api/accounts';
import { api } from '@/lib/api/api';
import { call, type Answer, type Args } from '@/lib/api/contract';
import { userChanged } from '@/lib/api/session';

const account = api.injectEndpoints({
  endpoints: (build) => ({
    checkAvailability: build.query<Answer<'CheckAvailability'>, Args<'CheckAvailability'>>({
      query: call('get', '/api/v1/users'),
      keepUnusedDataFor: 5,
    }),
    register: build.mutation<Answer<'Register'>, Args<'Register'>>({
      query: call('post', '/api/v1/users'),
      extraOptions: { idempotencyKey: true },
    }),
    requestPasswordReset: build.mutation<unknown, Args<'RequestPasswordReset'>>({
      query: call('post', '/api/v1/users/password-reset'),
      extraOptions: { idempotencyKey: true },
    }),
    confirmPasswordReset: build.mutation<unknown, Args<'ConfirmPasswordReset'>>({
      query: call('post', '/api/v1/users/password-reset/confirm'),
    }),
    updateMe: build.mutation<Answer<'UpdateMe'>, Args<'UpdateMe'>>({
      query: call('patch', '/api/v1/users/me'),
      invalidatesTags: ['Me', 'MyEmojis', 'EmojiList', 'Emoji', 'Ranking'],
      onQueryStarted: async (_, { dispatch, queryFulfilled }) => {
        const fulfilled = await fulfilledOrNull(queryFulfilled);
        if (fulfilled) dispatch(userChanged(fulfilled.data));
      },
    }),
    changePassword: build.mutation<Answer<'ChangePassword'>, Args<'ChangePassword'>>({
      query: call('put', '/api/v1/users/me/password'),
      onQueryStarted: startSession,
    }),
    deleteMe: build.mutation<Answer<'DeleteMe'>, void>({
      query: call('delete', '/api/v1/users/me'),
    }),
  }),
});

export const {
  useLazyCheckAvailabilityQuery,
  useRegisterMutation,
  useRequestPasswordResetMutation,
  useConfirmPasswordResetMutation,
  useUpdateMeMutation,
  useChangePasswordMutation,
  useDeleteMeMutation,
} = account;
