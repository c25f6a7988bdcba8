import { configureStore } from '@reduxjs/toolkit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Task, TaskState } from '@/lib/api/schema';

import { UPLOADS_AT_ONCE, createPhotoQueue } from './photoQueue';
import { photosSlice, selectPhotos } from '../photosSlice';
import type { OnSent, UploadAnswer } from '../api/upload';

interface Upload {
  name: string;
  key: string;
  token: string;
  onSent: OnSent;
  signal: AbortSignal;
  answer: (answer: UploadAnswer) => void;
  lose: () => void;
}

/** A server of which the test decides when it answers what. */
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
      events: (taskId) => Promise.resolve(course(taskId)),
      task: () => Promise.reject(new Error('not asked here')),
      cancel: (taskId) => Promise.resolve(cancelled.push(taskId)),
    },
    keepOriginal: (taskId, file) => originals.set(taskId, file),
    onResult: () => (results += 1),
  });

  function course(taskId: string): Response {
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
  const upload = (index: number) => vi.waitFor(() => uploads[index] ?? Promise.reject(new Error('not begun yet')));
  const accept = async (index: number) => {
    (await upload(index)).answer({ kind: 'accepted', taskId: `task ${String(index)}` });
    return vi.waitFor(() => tasks.get(`task ${String(index)}`) ?? Promise.reject(new Error('not followed yet')));
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

describe('the queue of photos', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('sends a photo, follows it and says that it is done', async () => {
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

  it('sends a few at once, and the next as soon as one is sent', async () => {
    const { add, accept, phases } = begin();
    add(4);
    expect(phases()).toEqual(['uploading', 'uploading', 'waiting', 'waiting']);
    expect(UPLOADS_AT_ONCE).toBe(2);
    await accept(0);
    expect(phases()).toEqual(['working', 'uploading', 'uploading', 'waiting']);
  });

  it('has no more than five photos with the server at a time', async () => {
    const { add, accept, phases, uploads } = begin();
    add(7);
    const first = await accept(0);
    for (const index of [1, 2, 3, 4]) await accept(index);
    expect(phases()).toEqual([...Array<string>(5).fill('working'), 'waiting', 'waiting']);
    first.tell('TASK_STATE_DONE');
    await vi.waitFor(() => expect(uploads.length).toBe(6));
    expect(phases().slice(5)).toEqual(['uploading', 'waiting']);
  });

  it('waits as long as the server asks for, and sends the photo then', async () => {
    const { add, upload, uploads, phases } = begin();
    add(1);
    (await upload(0)).answer({ kind: 'later', seconds: 7 });
    await vi.waitFor(() => expect(phases()).toEqual(['waiting']));
    await vi.advanceTimersByTimeAsync(6_900);
    expect(uploads.length).toBe(1);
    await vi.advanceTimersByTimeAsync(500);
    expect(phases()).toEqual(['uploading']);
  });

  it('gets a new token where the old one has run out', async () => {
    const { add, upload, accept, uploads } = begin();
    add(1);
    (await upload(0)).answer({ kind: 'unauthenticated' });
    await accept(1);
    expect(uploads.map(({ token }) => token)).toEqual(['old', 'new']);
  });

  it('says why a photo was refused, and goes on with the others', async () => {
    const { add, upload, phases, all } = begin();
    add(3);
    (await upload(0)).answer({ kind: 'refused', reason: 'PHOTO_TRUNCATED' });
    await vi.waitFor(() => expect(phases()).toEqual(['failed', 'uploading', 'uploading']));
    expect(all()[0]?.problem).toBe('PHOTO_TRUNCATED');
  });

  it('keeps a photo that the network lost, and sends it again when it is told to', async () => {
    const { queue, add, upload, all, phases } = begin();
    add(1);
    const lost = await upload(0);
    lost.lose();
    await vi.waitFor(() => expect(phases()).toEqual(['failed']));
    expect(all()[0]?.problem).toBe('OFFLINE');
    queue.retry(all()[0]?.id ?? '');
    expect(phases()).toEqual(['uploading']);
    // The server may have taken it and only its answer was lost.
    expect(await upload(1)).toMatchObject({ name: '0.jpg', key: lost.key });
  });

  it('tells of each result, so that lists of them are read again', async () => {
    const { add, accept, phases, results } = begin();
    add(2);
    (await accept(0)).tell('TASK_STATE_FAILED', 'LIMIT');
    (await accept(1)).tell('TASK_STATE_DONE');
    await vi.waitFor(() => expect(phases()).toEqual(['failed', 'done']));
    expect(results()).toBe(1);
  });

  it('says why a photo failed that was accepted', async () => {
    const { queue, add, accept, upload, phases, all } = begin();
    add(1);
    (await accept(0)).tell('TASK_STATE_FAILED', 'LIMIT');
    await vi.waitFor(() => expect(phases()).toEqual(['failed']));
    expect(all()[0]?.problem).toBe('LIMIT');
    queue.retry(all()[0]?.id ?? '');
    expect((await upload(1)).key).not.toBe((await upload(0)).key);
  });

  it('stops an upload at once, and uses the free place', async () => {
    const { queue, add, upload, all, phases } = begin();
    add(3);
    queue.cancel(all()[0]?.id ?? '');
    expect((await upload(0)).signal.aborted).toBe(true);
    await vi.waitFor(() => expect(phases()).toEqual(['cancelled', 'uploading', 'uploading']));
  });

  it('asks the server to stop what it has, and takes its word for how that ended', async () => {
    const { queue, add, accept, all, phases, cancelled } = begin();
    add(2);
    const tasks = [await accept(0), await accept(1)];
    for (const { id } of all()) queue.cancel(id);
    expect(cancelled).toEqual(['task 0', 'task 1']);
    tasks[0]?.tell('TASK_STATE_FAILED', 'CANCELLED');
    tasks[1]?.tell('TASK_STATE_DONE'); // it was faster
    await vi.waitFor(() => expect(phases()).toEqual(['cancelled', 'done']));
  });

  it("keeps the browser's own file of a task, to compare with", async () => {
    const { add, accept, originals } = begin();
    add(1);
    await accept(0);
    expect((originals.get('task 0') as File).name).toBe('0.jpg');
  });

  it('forgets everything and stops everything when whoever was here leaves', async () => {
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
