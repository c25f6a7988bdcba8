import { skipToken } from '@reduxjs/toolkit/query';
import { useEffect, useState } from 'react';

import { api } from '@/lib/api/api';
import type { Box, Task } from '@/lib/api/schema';
import type { Expression } from '@/lib/expressions';
import { useAppDispatch, useAppStore } from '@/lib/store';
import { followTask, type Connection } from '@/lib/tasks/followTask';
import { taskSource } from '@/lib/tasks/taskSource';
import { isEnded } from '@/lib/tasks/taskState';

import { results, useAddFaceMutation, useGetTaskQuery, useReviseFaceMutation } from '../api/results';

export interface Revision {
  face: number;
  expression?: Expression;
  covered?: boolean;
}

/**
 * Load a task, follow it while it is in progress, and revise its faces. `version` increases whenever the task finishes:
 * the result has changed then.
 */
export function useTask(taskId: string | undefined) {
  const { currentData: task, error, refetch } = useGetTaskQuery(taskId ? { task_id: taskId } : skipToken);
  const { connection, version, changed } = useFollow(task);
  const cacheTask = useCacheTask();
  const dispatch = useAppDispatch();
  const [reviseFace] = useReviseFaceMutation();
  const [addFace] = useAddFaceMutation();

  async function applyRevision(answer: Promise<Task>): Promise<void> {
    cacheTask(await answer);
    changed();
  }

  async function revise({ face, ...body }: Revision): Promise<void> {
    if (!taskId) return;
    // Optimistic update; the new result follows.
    const patch = dispatch(
      results.util.updateQueryData('getTask', { task_id: taskId }, (draft) => {
        const one = draft.faces.find((candidate) => candidate.face === face);
        if (one) Object.assign(one, body, body.expression && { uncertain: false });
      }),
    );
    try {
      await applyRevision(reviseFace({ task_id: taskId, face, body }).unwrap());
    } catch (error) {
      patch.undo();
      throw error;
    }
  }

  return {
    task,
    error,
    refetch,
    connection,
    version,
    /** Rejects with the error of the server. */
    revise,
    cover: (box: Box) => applyRevision(addFace({ task_id: taskId ?? '', body: { box } }).unwrap()),
  };
}

/** Follow a task while it is in progress. */
function useFollow(task: Task | undefined) {
  const store = useAppStore();
  const cacheTask = useCacheTask();
  const [connection, setConnection] = useState<Connection>('stream');
  const [version, setVersion] = useState(0);
  const [revision, setRevision] = useState(0);
  const taskId = task?.task_id;
  const working = task !== undefined && !isEnded(task);

  useEffect(() => {
    if (!taskId || !working) return;
    const controller = new AbortController();
    // The stream of a revised task begins with the steps of its first run: do not show them again.
    const first = !results.endpoints.getTask.select({ task_id: taskId })(store.getState()).data?.image_url;
    const onTask = (seen: Task) => first && !isEnded(seen) && cacheTask(seen);
    followTask(taskId, taskSource(store), { onTask, onConnection: setConnection }, controller.signal).then(
      (finished) => {
        if (controller.signal.aborted) return;
        cacheTask(finished);
        store.dispatch(api.util.invalidateTags(['MyResults']));
        setVersion((count) => count + 1);
      },
      () => {
        // Deleted, or the session has isEnded: loading the task again shows which.
        if (!controller.signal.aborted) store.dispatch(api.util.invalidateTags([{ type: 'Task', id: taskId }]));
      },
    );
    return () => controller.abort();
    // Follow again after each revision: the end of the run before is not the end of this one.
  }, [taskId, working, revision, store, cacheTask]);

  return { connection, version, changed: () => setRevision((count) => count + 1) };
}

/** Return a function that writes a task into the query cache. */
function useCacheTask() {
  const dispatch = useAppDispatch();
  const [cacheTask] = useState(
    () => (task: Task) => void dispatch(results.util.upsertQueryData('getTask', { task_id: task.task_id }, task)),
  );
  return cacheTask;
}
