import { skipToken } from '@reduxjs/toolkit/query';
import { useEffect, useState } from 'react';
import { useStore } from 'react-redux';

import type { Box, Task } from '@/lib/api/schema';
import { tasks, useAddFaceMutation, useGetTaskQuery, useReviseFaceMutation } from '@/lib/api/tasks';
import { useAppDispatch, type AppStore } from '@/app/store';
import type { Expression } from '@/lib/expressions';

import { followTask, type Connection } from '@/lib/tasks/followTask';
import { taskSource } from '@/lib/tasks/taskSource';
import { ended } from '@/lib/tasks/taskState';

export type Revision = { face: number; expression?: Expression; covered?: boolean };

/**
 * A task and what its owner does with its faces. While it is worked on it is followed; `version` counts how often it has
 * been finished meanwhile: the photo is another one then.
 */
export function useTask(taskId: string | undefined) {
  const { currentData: task, error, refetch } = useGetTaskQuery(taskId ? { task_id: taskId } : skipToken);
  const { connection, version, changed } = useFollow(task);
  const put = usePut();
  const dispatch = useAppDispatch();
  const [reviseFace] = useReviseFaceMutation();
  const [addFace] = useAddFaceMutation();

  async function revised(answer: Promise<Task>): Promise<void> {
    put(await answer);
    changed();
  }

  async function revise({ face, ...body }: Revision): Promise<void> {
    if (!taskId) return;
    // Shown at once; the photo follows.
    const shown = dispatch(
      tasks.util.updateQueryData('getTask', { task_id: taskId }, (draft) => {
        const one = draft.faces.find((candidate) => candidate.face === face);
        if (one) Object.assign(one, body, body.expression && { uncertain: false });
      }),
    );
    try {
      await revised(reviseFace({ task_id: taskId, face, body }).unwrap());
    } catch (error) {
      shown.undo();
      throw error;
    }
  }

  return {
    task,
    error,
    refetch,
    connection,
    version,
    /** Rejects with the server's refusal. */
    revise,
    cover: (box: Box) => revised(addFace({ task_id: taskId ?? '', body: { box } }).unwrap()),
  };
}

/** Follows a task that is being worked on. */
function useFollow(task: Task | undefined) {
  const store = useStore() as AppStore;
  const put = usePut();
  const [connection, setConnection] = useState<Connection>('stream');
  const [version, setVersion] = useState(0);
  const [revision, setRevision] = useState(0);
  const taskId = task?.task_id;
  const working = task !== undefined && !ended(task);

  useEffect(() => {
    if (!taskId || !working) return;
    const leaving = new AbortController();
    // The steps of a revision begin with those of the first time, which would show what is long over.
    const first = !tasks.endpoints.getTask.select({ task_id: taskId })(store.getState()).data?.image_url;
    const onTask = (seen: Task) => first && !ended(seen) && put(seen);
    followTask(taskId, taskSource(store), { onTask, onConnection: setConnection }, leaving.signal).then(
      (finished) => {
        if (leaving.signal.aborted) return;
        put(finished);
        store.dispatch(tasks.util.invalidateTags(['MyResults']));
        setVersion((count) => count + 1);
      },
      () => {
        // It is gone, or the session is over: asking for it tells which.
        if (!leaving.signal.aborted) store.dispatch(tasks.util.invalidateTags([{ type: 'Task', id: taskId }]));
      },
    );
    return () => leaving.abort();
    // Each revision is followed anew: the end of the one before must not be taken for its own.
  }, [taskId, working, revision, store, put]);

  return { connection, version, changed: () => setRevision((count) => count + 1) };
}

/** Puts a task where the queries find it. */
function usePut() {
  const dispatch = useAppDispatch();
  const [put] = useState(
    () => (task: Task) => void dispatch(tasks.util.upsertQueryData('getTask', { task_id: task.task_id }, task)),
  );
  return put;
}
