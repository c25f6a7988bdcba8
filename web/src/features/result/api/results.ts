import { api } from '@/lib/api/api';
import { call, type Answer, type Args } from '@/lib/api/contract';

export const results = api.injectEndpoints({
  endpoints: (build) => ({
    getTask: build.query<Answer<'GetTask'>, Args<'GetTask'>>({
      query: call('get', '/api/v1/faces/tasks/{task_id}'),
      providesTags: (_result, _error, { task_id }) => [{ type: 'Task', id: task_id }],
    }),
    reviseFace: build.mutation<Answer<'ReviseFace'>, Args<'ReviseFace'>>({
      query: call('patch', '/api/v1/faces/tasks/{task_id}/faces/{face}'),
      invalidatesTags: ['MyResults'],
    }),
    addFace: build.mutation<Answer<'AddFace'>, Args<'AddFace'>>({
      query: call('post', '/api/v1/faces/tasks/{task_id}/faces'),
      extraOptions: { idempotencyKey: true },
      invalidatesTags: ['MyResults'],
    }),
    shareResult: build.mutation<Answer<'ShareResult'>, Args<'ShareResult'>>({
      query: call('post', '/api/v1/faces/tasks/{task_id}/share'),
      extraOptions: { idempotencyKey: true },
    }),
    unshareResult: build.mutation<unknown, Args<'UnshareResult'>>({
      query: call('delete', '/api/v1/faces/tasks/{task_id}/share'),
    }),
  }),
});

export const {
  useGetTaskQuery,
  useReviseFaceMutation,
  useAddFaceMutation,
  useShareResultMutation,
  useUnshareResultMutation,
} = results;
