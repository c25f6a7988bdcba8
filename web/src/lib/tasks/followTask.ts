/** Following a task to its end: a stream of its steps, and where that does not hold, asking again and again. */

import type { Task, WatchTaskResponse as TaskEvent } from '../api/schema';

import { readEvents } from './serverSentEvents';
import { ended } from './taskState';

/** How the task is being followed; `offline`: not at the moment, it is tried again. */
export type Connection = 'stream' | 'polling' | 'offline';

/** The two calls that are needed; each rejects when there is no connection. */
export interface TaskSource {
  events(taskId: string, afterSequence: number, signal: AbortSignal): Promise<Response>;
  task(taskId: string, signal: AbortSignal): Promise<Response>;
}

export interface Listener {
  onTask: (task: Task) => void;
  onConnection?: (connection: Connection) => void;
}

/** The server will not tell, today or later: there is no such task, or it is somebody else's, or the session is over. */
export class TaskUnavailable extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`the task is not to be had: ${String(status)}`);
    this.name = 'TaskUnavailable';
    this.status = status;
  }
}

/** A stream that is not heard of for so long is taken as broken: the server sends a heartbeat every 10 s. */
export const SILENCE_MS = 25_000;
/** The first step comes at once, unless something on the way holds the stream back. */
export const FIRST_EVENT_MS = 5_000;
/** So many streams in a row without a new step, and it is polling from then on. */
export const STREAM_TRIES = 3;
export const POLL_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;

/**
 * Resolves with the task once it has ended, telling every step on the way. Rejects with TaskUnavailable, or with the
 * signal's reason; everything else is passing trouble and tried again.
 */
export async function followTask(
  taskId: string,
  source: TaskSource,
  { onTask, onConnection }: Listener,
  signal: AbortSignal,
): Promise<Task> {
  let after = 0;
  let latest: Task | undefined;
  let barren = 0;
  while (barren < STREAM_TRIES) {
    const before = after;
    try {
      for await (const event of stream(taskId, after, source, signal)) {
        onConnection?.('stream');
        if (event.heartbeat || event.sequence <= after || !event.task) continue;
        after = event.sequence;
        latest = event.task;
        onTask(latest);
      }
      // An earlier end may be among the steps of a task that was revised: only the end of the stream tells the last.
      if (latest && ended(latest)) return latest;
    } catch (error) {
      rethrowIfFinal(error, signal);
      onConnection?.('offline');
    }
    barren = after > before ? 1 : barren + 1;
    if (barren < STREAM_TRIES) await pause(backoff(barren), signal);
  }
  return poll(taskId, source, { onTask, onConnection }, signal);
}

async function* stream(
  taskId: string,
  after: number,
  source: TaskSource,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent> {
  const silence = new AbortController();
  const either = AbortSignal.any([signal, silence.signal]);
  let timer = setTimeout(() => silence.abort(), after === 0 ? FIRST_EVENT_MS : SILENCE_MS);
  try {
    const response = checked(await source.events(taskId, after, either));
    if (!response.body) return;
    for await (const data of readEvents(until(response.body, either))) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
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
      const task = (await checked(await source.task(taskId, signal)).json()) as Task;
      failures = 0;
      listener.onConnection?.('polling');
      listener.onTask(task);
      if (ended(task)) return task;
    } catch (error) {
      rethrowIfFinal(error, signal);
      failures += 1;
      listener.onConnection?.('offline');
    }
    await pause(failures > 0 ? backoff(failures) : POLL_MS, signal);
  }
}

function checked(response: Response): Response {
  if (response.ok) return response;
  const passing = response.status === 429 || response.status >= 500;
  throw passing ? new Error(`the server answered ${String(response.status)}`) : new TaskUnavailable(response.status);
}

function rethrowIfFinal(error: unknown, signal: AbortSignal): void {
  signal.throwIfAborted();
  if (error instanceof TaskUnavailable) throw error;
}

function backoff(failures: number): number {
  return Math.min(500 * 2 ** (failures - 1), LONGEST_PAUSE_MS);
}

/** Waits, or rejects as soon as the signal is aborted. */
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

/** A stream that errors when the signal is aborted, whatever the source of the bytes does. */
function until(body: ReadableStream<Uint8Array>, signal: AbortSignal): ReadableStream<Uint8Array> {
  return body.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), { signal });
}
