import { configureStore } from '@reduxjs/toolkit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Task, TaskState } from '@/lib/api/schema';

import type { OnProgress, UploadAnswer } from '../api/upload';
import { photosSlice, selectPhotos } from '../photosSlice';
import { MAX_UPLOADS, createPhotoQueue } from './photoQueue';

interface Upload {
  name: string;
  key: string;
  token: string;
  onSent: OnProgress;
  signal: AbortSignal;
  answer: (answer: UploadAnswer) => void;
  lose: () => void;
}

/** A server whose answers the test controls. */
function begin() {
  const store = configureStore({ reducer: { photos: photosSlice.reducer } });
  const uploads: Upload[] = [];
  const tasks = new Map<string, { tell: (state: TaskState, reason?: string) => void }>();
  const cancelled: string[] = [];
  const originals = new Map<string, Blob>();
  let results = 0;
  const queue = createPhotoQueue({
    dispatch: store.dispatch,
    photos: () => selectPhotos(store.getState()),
    token: (renew) => Promise.resolve(renew ? 'new' : 'old'),
    send: (photo, _emojiId, key, token, onSent, signal) =>
      new Promise((answer, reject) => {
        signal.addEventListener('abort', () => reject(new DOMException('stopped', 'AbortError')));
        const lose = () => reject(new TypeError('Failed to fetch'));
        uploads.push({ name: (photo as File).name, key, token, onSent, signal, answer, lose });
      }),
    source: {
      events: (taskId) => Promise.resolve(eventsOf(taskId)),
      task: () => Promise.reject(new Error('Unexpected call.')),
      cancel: (taskId) => Promise.resolve(cancelled.push(taskId)),
    },
    keepOriginal: (taskId, file) => originals.set(taskId, file),
    onResult: () => (results += 1),
  });

  function eventsOf(taskId: string): Response {
    let sequence = 0;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        tasks.set(taskId, {
          tell(state, reason) {
            const image_url = state === 'TASK_STATE_DONE' ? '/image' : '';
            const error = reason && { error: { reason, message: '' } };
            const task: Task = { ...TASK, task_id: taskId, state, image_url, ...error };
            const event = { sequence: (sequence += 1), heartbeat: false, task };
            controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(event)}\n\n`));
            if (/DONE|FAILED/.test(state)) controller.close();
          },
        });
      },
    });
    return new Response(body);
  }

  const all = () => selectPhotos(store.getState());
  const phases = () => all().map(({ phase }) => phase);
  const add = (count: number) => queue.add(photosNamed(count), 'emoji');
  const upload = (index: number) => vi.waitFor(() => uploads[index] ?? Promise.reject(new Error('Not started yet.')));
  const accept = async (index: number) => {
    (await upload(index)).answer({ kind: 'accepted', taskId: `task ${String(index)}` });
    return vi.waitFor(() => tasks.get(`task ${String(index)}`) ?? Promise.reject(new Error('Not followed yet.')));
  };
  return { queue, uploads, upload, accept, cancelled, originals, results: () => results, all, phases, add };
}

const TASK: Task = {
  task_id: '',
  state: 'TASK_STATE_QUEUED',
  percent: 0,
  faces: [],
  image_url: '',
  emoji_id: 'emoji',
  width: 0,
  height: 0,
  more_faces: false,
};

function photosNamed(count: number): File[] {
  return Array.from({ length: count }, (_, index) => new File(['x'], `${String(index)}.jpg`));
}

describe('the photo queue', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('uploads a photo, follows its task and marks it as done', async () => {
    const { add, upload, accept, phases, all } = begin();
    add(1);
    expect(phases()).toEqual(['uploading']);
    (await upload(0)).onSent(0.5);
    expect(all()[0]?.sent).toBe(0.5);
    const task = await accept(0);
    task.tell('TASK_STATE_DETECTING');
    await vi.waitFor(() => expect(all()[0]?.task?.state).toBe('TASK_STATE_DETECTING'));
    task.tell('TASK_STATE_DONE');
    await vi.waitFor(() => expect(phases()).toEqual(['done']));
  });

  it('uploads a few at once, and the next one when one is uploaded', async () => {
    const { add, accept, phases } = begin();
    add(4);
    expect(phases()).toEqual(['uploading', 'uploading', 'waiting', 'waiting']);
    expect(MAX_UPLOADS).toBe(2);
    await accept(0);
    expect(phases()).toEqual(['working', 'uploading', 'uploading', 'waiting']);
  });

  it('has at most five photos on the server at a time', async () => {
    const { add, accept, phases, uploads } = begin();
    add(7);
    const first = await accept(0);
    for (const index of [1, 2, 3, 4]) await accept(index);
    expect(phases()).toEqual([...Array<string>(5).fill('working'), 'waiting', 'waiting']);
    first.tell('TASK_STATE_DONE');
    await vi.waitFor(() => expect(uploads.length).toBe(6));
    expect(phases().slice(5)).toEqual(['uploading', 'waiting']);
  });

  it('waits for Retry-After before it uploads again', async () => {
    const { add, upload, uploads, phases } = begin();
    add(1);
    (await upload(0)).answer({ kind: 'retryLater', seconds: 7 });
    await vi.waitFor(() => expect(phases()).toEqual(['waiting']));
    await vi.advanceTimersByTimeAsync(6_900);
    expect(uploads.length).toBe(1);
    await vi.advanceTimersByTimeAsync(500);
    expect(phases()).toEqual(['uploading']);
  });

  it('renews an expired token', async () => {
    const { add, upload, accept, uploads } = begin();
    add(1);
    (await upload(0)).answer({ kind: 'unauthenticated' });
    await accept(1);
    expect(uploads.map(({ token }) => token)).toEqual(['old', 'new']);
  });

  it('shows why a photo was refused and continues with the others', async () => {
    const { add, upload, phases, all } = begin();
    add(3);
    (await upload(0)).answer({ kind: 'refused', reason: 'PHOTO_TRUNCATED' });
    await vi.waitFor(() => expect(phases()).toEqual(['failed', 'uploading', 'uploading']));
    expect(all()[0]?.reason).toBe('PHOTO_TRUNCATED');
  });

  it('keeps a photo that failed offline and retries it with the same key', async () => {
    const { queue, add, upload, all, phases } = begin();
    add(1);
    const lost = await upload(0);
    lost.lose();
    await vi.waitFor(() => expect(phases()).toEqual(['failed']));
    expect(all()[0]?.reason).toBe('OFFLINE');
    queue.retry(all()[0]?.id ?? '');
    expect(phases()).toEqual(['uploading']);
    // The server may have accepted it, with only the answer lost.
    expect(await upload(1)).toMatchObject({ name: '0.jpg', key: lost.key });
  });

  it('reports each result so that lists are refreshed', async () => {
    const { add, accept, phases, results } = begin();
    add(2);
    (await accept(0)).tell('TASK_STATE_FAILED', 'LIMIT');
    (await accept(1)).tell('TASK_STATE_DONE');
    await vi.waitFor(() => expect(phases()).toEqual(['failed', 'done']));
    expect(results()).toBe(1);
  });

  it('shows why an accepted photo failed, and retries it with a new key', async () => {
    const { queue, add, accept, upload, phases, all } = begin();
    add(1);
    (await accept(0)).tell('TASK_STATE_FAILED', 'LIMIT');
    await vi.waitFor(() => expect(phases()).toEqual(['failed']));
    expect(all()[0]?.reason).toBe('LIMIT');
    queue.retry(all()[0]?.id ?? '');
    expect((await upload(1)).key).not.toBe((await upload(0)).key);
  });

  it('cancels an upload at once and starts the next one', async () => {
    const { queue, add, upload, all, phases } = begin();
    add(3);
    queue.cancel(all()[0]?.id ?? '');
    expect((await upload(0)).signal.aborted).toBe(true);
    await vi.waitFor(() => expect(phases()).toEqual(['canceled', 'uploading', 'uploading']));
  });

  it('cancels tasks on the server, whose outcome counts', async () => {
    const { queue, add, accept, all, phases, cancelled } = begin();
    add(2);
    const tasks = [await accept(0), await accept(1)];
    for (const { id } of all()) queue.cancel(id);
    expect(cancelled).toEqual(['task 0', 'task 1']);
    tasks[0]?.tell('TASK_STATE_FAILED', 'CANCELLED');
    tasks[1]?.tell('TASK_STATE_DONE'); // the task was faster
    await vi.waitFor(() => expect(phases()).toEqual(['canceled', 'done']));
  });

  it('keeps the original of a task for comparison', async () => {
    const { add, accept, originals } = begin();
    add(1);
    await accept(0);
    expect((originals.get('task 0') as File).name).toBe('0.jpg');
  });

  it('aborts and removes everything when cleared', async () => {
    const { queue, add, accept, upload, phases } = begin();
    add(3);
    await accept(0);
    const second = await upload(1);
    queue.clear();
    expect(second.signal.aborted).toBe(true);
    await vi.runAllTimersAsync();
    expect(phases()).toEqual([]);
  });
});
