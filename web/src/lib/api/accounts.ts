import { api } from './api';
import { call, type Answer, type Args } from './contract';
import { hint, sessionEnded, sessionStarted, userChanged } from './session';

export const accounts = api.injectEndpoints({
  endpoints: (build) => ({
    checkAvailability: build.query<Answer<'CheckAvailability'>, Args<'CheckAvailability'>>({
      query: call('get', '/api/v1/users'),
      keepUnusedDataFor: 5,
    }),
    register: build.mutation<Answer<'Register'>, Args<'Register'>>({
      query: call('post', '/api/v1/users'),
      extraOptions: { once: true },
    }),
    startGuest: build.mutation<Answer<'StartGuest'>, void>({
      query: () => call('post', '/api/v1/users/guest')({ body: {} }),
      extraOptions: { once: true },
      onQueryStarted: startsSession,
    }),
    login: build.mutation<Answer<'Login'>, Args<'Login'>>({
      query: call('post', '/api/v1/users/auth'),
      onQueryStarted: startsSession,
    }),
    logout: build.mutation<unknown, void>({
      query: () => call('post', '/api/v1/users/auth/logout')({ body: {} }),
      onQueryStarted: async (_, { dispatch, queryFulfilled }) => {
        if (await succeeds(queryFulfilled)) endSession(dispatch);
      },
    }),
    requestPasswordReset: build.mutation<unknown, Args<'RequestPasswordReset'>>({
      query: call('post', '/api/v1/users/password-reset'),
      extraOptions: { once: true },
    }),
    confirmPasswordReset: build.mutation<unknown, Args<'ConfirmPasswordReset'>>({
      query: call('post', '/api/v1/users/password-reset/confirm'),
    }),
    getMe: build.query<Answer<'GetMe'>, void>({
      query: call('get', '/api/v1/users/me'),
      providesTags: ['Me'],
    }),
    updateMe: build.mutation<Answer<'UpdateMe'>, Args<'UpdateMe'>>({
      query: call('patch', '/api/v1/users/me'),
      invalidatesTags: ['Me', 'MyEmojis', 'EmojiList', 'Emoji', 'Ranking'],
      onQueryStarted: async (_, { dispatch, queryFulfilled }) => {
        const done = await succeeds(queryFulfilled);
        if (done) dispatch(userChanged(done.data));
      },
    }),
    changePassword: build.mutation<Answer<'ChangePassword'>, Args<'ChangePassword'>>({
      query: call('put', '/api/v1/users/me/password'),
      onQueryStarted: startsSession,
    }),
    deleteMe: build.mutation<Answer<'DeleteMe'>, void>({
      query: call('delete', '/api/v1/users/me'),
    }),
  }),
});

type Dispatch = (action: unknown) => unknown;

async function startsSession(
  _: unknown,
  { dispatch, queryFulfilled }: { dispatch: Dispatch; queryFulfilled: Promise<{ data: Answer<'Login'> }> },
): Promise<void> {
  const done = await succeeds(queryFulfilled);
  if (!done) return;
  dispatch(sessionStarted(done.data));
  hint.write(true);
}

/** What a call answered; null where it failed: the form that asked shows the error. */
async function succeeds<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch {
    return null;
  }
}

/** Forgets who was logged in, and all that was loaded as them. */
export function endSession(dispatch: Dispatch): void {
  hint.write(false);
  dispatch(sessionEnded());
  dispatch(api.util.resetApiState());
}

export const {
  useLazyCheckAvailabilityQuery,
  useRegisterMutation,
  useStartGuestMutation,
  useLoginMutation,
  useLogoutMutation,
  useRequestPasswordResetMutation,
  useConfirmPasswordResetMutation,
  useUpdateMeMutation,
  useChangePasswordMutation,
  useDeleteMeMutation,
} = accounts;
