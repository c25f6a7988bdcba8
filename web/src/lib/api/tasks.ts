/** Calls for tasks that more than one feature makes. */

import { api } from './api';
import { call, type Answer, type Args } from './contract';

export const tasks = api.injectEndpoints({
  endpoints: (build) => ({
    cancelTask: build.mutation<Answer<'CancelTask'>, Args<'CancelTask'>>({
      query: call('post', '/api/v1/faces/tasks/{task_id}/cancel'),
      invalidatesTags: (_result, _error, { task_id }) => [{ type: 'Task', id: task_id }],
    }),
    deleteTask: build.mutation<unknown, Args<'DeleteTask'>>({
      query: call('delete', '/api/v1/faces/tasks/{task_id}'),
      invalidatesTags: ['MyResults'],
    }),
  }),
});

export const { useCancelTaskMutation, useDeleteTaskMutation } = tasks;
