import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Task, TaskState, WatchTaskResponse as TaskEvent } from '../api/schema';
import {
  FIRST_EVENT_TIMEOUT_MS,
  STREAM_TIMEOUT_MS,
  type Connection,
  type TaskSource,
  TaskUnavailable,
  followTask,
} from './followTask';

function task(state: TaskState, percent = 0): Task {
  return {
    task_id: 't',
    state,
    percent,
    faces: [],
    image_url: '',
    emoji_id: 'e',
    width: 0,
    height: 0,
    more_faces: false,
  };
}

function step(sequence: number, state: TaskState): TaskEvent {
  return { sequence, heartbeat: false, task: task(state, sequence) };
}

/** Return a stream of events; `cut` ends it with an error, `open` never ends it. */
function events(list: TaskEvent[], ending: 'end' | 'cut' | 'open' = 'end'): Response {
  const encoder = new TextEncoder();
  const left = [...list];
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const event = left.shift();
      if (event) controller.enqueue(encoder.encode(`data: ${JSON.stringify(event)}\n\n`));
      else if (ending === 'end') controller.close();
      else if (ending === 'cut') controller.error(new TypeError('network error'));
      else return new Promise(() => undefined);
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

type Answer = () => Response | Promise<Response>;

/** A server that gives the answers in order and then repeats the last one. */
class Server implements TaskSource {
  readonly asked: number[] = [];
  private readonly streams: Answer[];
  private readonly polls: Answer[];
  constructor(streams: Answer[], polls: Answer[] = []) {
    this.streams = streams;
    this.polls = polls;
  }
  async events(_taskId: string, after: number): Promise<Response> {
    this.asked.push(after);
    return take(this.streams);
  }
  async task(): Promise<Response> {
    return take(this.polls);
  }
}

function take(answers: Answer[]): Response | Promise<Response> {
  const answer = answers.length > 1 ? answers.shift() : answers[0];
  if (!answer) throw new Error('Unexpected call.');
  return answer();
}

const offline = () => Promise.reject<Response>(new TypeError('Failed to fetch'));

function follow(server: TaskSource, signal = new AbortController().signal) {
  const states: string[] = [];
  const connections: Connection[] = [];
  const end = followTask(
    't',
    server,
    {
      onTask: (seen) => states.push(seen.state.replace('TASK_STATE_', '')),
      onConnection: (connection) => {
        if (connections.at(-1) !== connection) connections.push(connection);
      },
    },
    signal,
  );
  end.catch(() => undefined);
  return { end, states, connections };
}

describe('followTask', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('reports every step and resolves with the last one', async () => {
    const server = new Server([
      () => events([step(1, 'TASK_STATE_QUEUED'), step(2, 'TASK_STATE_DETECTING'), step(3, 'TASK_STATE_DONE')]),
    ]);
    const { end, states, connections } = follow(server);
    expect((await end).percent).toBe(3);
    expect(states).toEqual(['QUEUED', 'DETECTING', 'DONE']);
    expect(connections).toEqual(['stream']);
  });

  it('ignores heartbeats', async () => {
    const beat: TaskEvent = { ...step(1, 'TASK_STATE_QUEUED'), heartbeat: true };
    const { end, states } = follow(
      new Server([() => events([step(1, 'TASK_STATE_QUEUED'), beat, step(2, 'TASK_STATE_DONE')])]),
    );
    await end;
    expect(states).toEqual(['QUEUED', 'DONE']);
  });

  it('resumes a lost stream after the last step without repeating one', async () => {
    const server = new Server([
      () => events([step(1, 'TASK_STATE_QUEUED'), step(2, 'TASK_STATE_DECODING')], 'cut'),
      () => events([step(2, 'TASK_STATE_DECODING'), step(3, 'TASK_STATE_DONE')]),
    ]);
    const { end, states, connections } = follow(server);
    await vi.runAllTimersAsync();
    await end;
    expect(server.asked).toEqual([0, 2]);
    expect(states).toEqual(['QUEUED', 'DECODING', 'DONE']);
    expect(connections).toEqual(['stream', 'offline', 'stream']);
  });

  it('ignores the end of the run before a revision', async () => {
    const course = [step(1, 'TASK_STATE_DONE'), step(2, 'TASK_STATE_QUEUED'), step(3, 'TASK_STATE_DONE')];
    const { end } = follow(new Server([() => events(course)]));
    expect((await end).percent).toBe(3);
  });

  it('falls back to polling when streams fail', async () => {
    const server = new Server(
      [() => new Response(null, { status: 503 })],
      [() => Response.json(task('TASK_STATE_DETECTING')), offline, () => Response.json(task('TASK_STATE_DONE'))],
    );
    const { end, states, connections } = follow(server);
    await vi.runAllTimersAsync();
    await end;
    expect(server.asked).toEqual([0, 0, 0]);
    expect(states).toEqual(['DETECTING', 'DONE']);
    expect(connections).toEqual(['offline', 'polling', 'offline', 'polling']);
  });

  it('gives up a stream that a proxy buffers', async () => {
    const server = new Server([() => events([], 'open')], [() => Response.json(task('TASK_STATE_DONE'))]);
    const { end, connections } = follow(server);
    await vi.advanceTimersByTimeAsync(4 * FIRST_EVENT_TIMEOUT_MS);
    await end;
    expect(connections).toEqual(['offline', 'polling']);
  });

  it('reconnects a stream without heartbeats', async () => {
    const server = new Server([
      () => events([step(1, 'TASK_STATE_QUEUED')], 'open'),
      () => events([step(2, 'TASK_STATE_DONE')]),
    ]);
    const { end, states } = follow(server);
    await vi.advanceTimersByTimeAsync(STREAM_TIMEOUT_MS + 1000);
    await end;
    expect(states).toEqual(['QUEUED', 'DONE']);
  });

  it.each([401, 403, 404])('gives up at once on status %i', async (status) => {
    const server = new Server([() => new Response(null, { status })]);
    await expect(follow(server).end).rejects.toEqual(new TaskUnavailable(status));
    expect(server.asked).toEqual([0]);
  });

  it('stops on abort, also in the middle of a stream', async () => {
    const controller = new AbortController();
    const { end, states } = follow(
      new Server([() => events([step(1, 'TASK_STATE_QUEUED')], 'open')]),
      controller.signal,
    );
    await vi.waitFor(() => expect(states).toEqual(['QUEUED']));
    controller.abort();
    await expect(end).rejects.toThrow(/abort/i);
  });
});
