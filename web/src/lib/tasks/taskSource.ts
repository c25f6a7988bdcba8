/** Calls for following a task, with the session of the store. */

import { authorizedFetch, type SessionStore } from '../api/http';
import type { TaskSource } from './followTask';

const TASKS = '/api/v1/faces/tasks';

export function taskSource(store: SessionStore): TaskSource {
  return {
    events: (taskId, afterSequence, signal) =>
      authorizedFetch(store, `${TASKS}/${taskId}/events`, {
        signal,
        headers: { accept: 'text/event-stream', ...(afterSequence > 0 && { 'last-event-id': String(afterSequence) }) },
      }),
    task: (taskId, signal) => authorizedFetch(store, `${TASKS}/${taskId}`, { signal }),
  };
}
