import { api } from './api';
import { call, type Answer, type Args } from './contract';

export const tasks = api.injectEndpoints({
  endpoints: (build) => ({
    getTask: build.query<Answer<'GetTask'>, Args<'GetTask'>>({
      query: call('get', '/api/v1/faces/tasks/{task_id}'),
      providesTags: (_result, _error, { task_id }) => [{ type: 'Task', id: task_id }],
    }),
    cancelTask: build.mutation<Answer<'CancelTask'>, Args<'CancelTask'>>({
      query: call('post', '/api/v1/faces/tasks/{task_id}/cancel'),
      invalidatesTags: (_result, _error, { task_id }) => [{ type: 'Task', id: task_id }],
    }),
    deleteTask: build.mutation<unknown, Args<'DeleteTask'>>({
      query: call('delete', '/api/v1/faces/tasks/{task_id}'),
      invalidatesTags: ['MyResults'],
    }),
    reviseFace: build.mutation<Answer<'ReviseFace'>, Args<'ReviseFace'>>({
      query: call('patch', '/api/v1/faces/tasks/{task_id}/faces/{face}'),
      invalidatesTags: ['MyResults'],
    }),
    addFace: build.mutation<Answer<'AddFace'>, Args<'AddFace'>>({
      query: call('post', '/api/v1/faces/tasks/{task_id}/faces'),
      extraOptions: { once: true },
      invalidatesTags: ['MyResults'],
    }),
    shareResult: build.mutation<Answer<'ShareResult'>, Args<'ShareResult'>>({
      query: call('post', '/api/v1/faces/tasks/{task_id}/share'),
      extraOptions: { once: true },
    }),
    unshareResult: build.mutation<unknown, Args<'UnshareResult'>>({
      query: call('delete', '/api/v1/faces/tasks/{task_id}/share'),
    }),
    getShared: build.query<Answer<'GetShared'>, Args<'GetShared'>>({
      query: call('get', '/api/v1/shared/{token}'),
    }),
    getMyPage: build.query<Answer<'GetMyPage'>, Args<'GetMyPage'>>({
      query: call('get', '/api/v1/users/mypage/{case}'),
      providesTags: (_result, _error, args) => [args.case === 'result' ? 'MyResults' : 'MyEmojis'],
    }),
  }),
});

export const {
  useGetTaskQuery,
  useCancelTaskMutation,
  useDeleteTaskMutation,
  useReviseFaceMutation,
  useAddFaceMutation,
  useShareResultMutation,
  useUnshareResultMutation,
  useGetSharedQuery,
  useGetMyPageQuery,
} = tasks;
