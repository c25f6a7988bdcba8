/** Follow a task to its end: by a stream of events, with polling as the fallback. */

import type { Task, WatchTaskResponse as TaskEvent } from '../api/schema';
import { readServerSentEvents } from './serverSentEvents';
import { isEnded } from './taskState';

/** Connection for following a task; `offline`: disconnected, a retry follows. */
export type Connection = 'stream' | 'polling' | 'offline';

/** The two calls that are needed; each rejects if there is no connection. */
export interface TaskSource {
  events(taskId: string, afterSequence: number, signal: AbortSignal): Promise<Response>;
  task(taskId: string, signal: AbortSignal): Promise<Response>;
}

export interface Listener {
  onTask: (task: Task) => void;
  onConnection?: (connection: Connection) => void;
}

/** Permanent error: the task does not exist, belongs to another user, or the session has ended. */
export class TaskUnavailable extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`The task is not available: status ${String(status)}.`);
    this.name = 'TaskUnavailable';
    this.status = status;
  }
}

/** A stream without any event for this long is broken: the server sends a heartbeat every 10 s. */
export const STREAM_TIMEOUT_MS = 25_000;
/** Timeout for the first event, which comes at once unless a proxy buffers the stream. */
export const FIRST_EVENT_TIMEOUT_MS = 5_000;
/** After this many streams in a row without a new step the client polls. */
export const STREAM_TRIES = 3;
export const POLL_INTERVAL_MS = 1_000;
const MAX_BACKOFF_MS = 15_000;

/**
 * Resolve with the task once it has ended, and report every step to the listener. Rejects with TaskUnavailable or with
 * the signal's reason; all other errors are transient and retried.
 */
export async function followTask(
  taskId: string,
  source: TaskSource,
  { onTask, onConnection }: Listener,
  signal: AbortSignal,
): Promise<Task> {
  let after = 0;
  let latest: Task | undefined;
  let fruitless = 0;
  while (fruitless < STREAM_TRIES) {
    const before = after;
    try {
      for await (const event of stream(taskId, after, source, signal)) {
        onConnection?.('stream');
        if (event.heartbeat || event.sequence <= after || !event.task) continue;
        after = event.sequence;
        latest = event.task;
        onTask(latest);
      }
      // The steps of a revised task contain the ends of earlier runs: only the end of the stream is the last one.
      if (latest && isEnded(latest)) return latest;
    } catch (error) {
      rethrowIfPermanent(error, signal);
      onConnection?.('offline');
    }
    fruitless = after > before ? 1 : fruitless + 1;
    if (fruitless < STREAM_TRIES) await pause(backoff(fruitless), signal);
  }
  return poll(taskId, source, { onTask, onConnection }, signal);
}

async function* stream(
  taskId: string,
  after: number,
  source: TaskSource,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent> {
  const timeout = new AbortController();
  const combined = AbortSignal.any([signal, timeout.signal]);
  let timer = setTimeout(() => timeout.abort(), after === 0 ? FIRST_EVENT_TIMEOUT_MS : STREAM_TIMEOUT_MS);
  try {
    const response = requireOk(await source.events(taskId, after, combined));
    if (!response.body) return;
    for await (const data of readServerSentEvents(abortable(response.body, combined))) {
      clearTimeout(timer);
      timer = setTimeout(() => timeout.abort(), STREAM_TIMEOUT_MS);
      yield JSON.parse(data) as TaskEvent;
    }
  } finally {
    clearTimeout(timer);
  }
}

async function poll(taskId: string, source: TaskSource, listener: Listener, signal: AbortSignal): Promise<Task> {
  let failures = 0;
  for (;;) {
    try {
      const task = (await requireOk(await source.task(taskId, signal)).json()) as Task;
      failures = 0;
      listener.onConnection?.('polling');
      listener.onTask(task);
      if (isEnded(task)) return task;
    } catch (error) {
      rethrowIfPermanent(error, signal);
      failures += 1;
      listener.onConnection?.('offline');
    }
    await pause(failures > 0 ? backoff(failures) : POLL_INTERVAL_MS, signal);
  }
}

function requireOk(response: Response): Response {
  if (response.ok) return response;
  const transient = response.status === 429 || response.status >= 500;
  throw transient ? new Error(`The server answered ${String(response.status)}.`) : new TaskUnavailable(response.status);
}

function rethrowIfPermanent(error: unknown, signal: AbortSignal): void {
  signal.throwIfAborted();
  if (error instanceof TaskUnavailable) throw error;
}

function backoff(failures: number): number {
  return Math.min(500 * 2 ** (failures - 1), MAX_BACKOFF_MS);
}

/** Wait, or reject as soon as the signal is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    function stop() {
      clearTimeout(timer);
      reject(signal.reason as Error);
    }
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** Make a stream fail when the signal is aborted, whatever its source does. */
function abortable(body: ReadableStream<Uint8Array>, signal: AbortSignal): ReadableStream<Uint8Array> {
  return body.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), { signal });
}
