/** Queue of photos: uploads them, a few at a time, and follows each task to its end. */

import { type Action, nanoid } from '@reduxjs/toolkit';

import { newKey } from '@/lib/api/idempotency';
import { MAX_OPEN_TASKS } from '@/lib/photoFiles';
import type { Connection, TaskSource } from '@/lib/tasks/followTask';
import { TaskUnavailable, followTask } from '@/lib/tasks/followTask';

import type { SendPhoto } from '../api/upload';
import { isOpen, photos, type Photo } from '../photosSlice';

/** More parallel uploads would not be faster. */
export const MAX_UPLOADS = 2;

export interface QueueDependencies {
  dispatch: (action: Action) => unknown;
  photos: () => Photo[];
  send: SendPhoto;
  source: TaskSource & { cancel(taskId: string): Promise<unknown> };
  /** Return a valid access token; with `renew` a new one. Rejects if the session has ended. */
  token: (renew: boolean) => Promise<string>;
  /** Keep the original of a task, for comparing it with the result. */
  keepOriginal: (taskId: string, file: Blob) => void;
  /** Called for each new result. */
  onResult: () => void;
}

export interface PhotoQueue {
  add(files: readonly File[], emojiId: string): void;
  /** Cancel a photo in any phase. */
  cancel(id: string): void;
  retry(id: string): void;
  /** Return the file of a photo. */
  file(id: string): File | undefined;
  /** Remove a photo from the list. */
  remove(id: string): void;
  /** Abort and remove everything, when the user changes. */
  clear(): void;
}

export function createPhotoQueue({
  dispatch,
  photos: list,
  send,
  source,
  token,
  keepOriginal,
  onResult,
}: QueueDependencies): PhotoQueue {
  const files = new Map<string, File>();
  const keys = new Map<string, string>();
  const running = new Map<string, AbortController>();
  let pausedUntil = 0;

  /** Start as many uploads as the limits allow. */
  function advance(): void {
    const all = list();
    const uploading = all.filter(({ phase }) => phase === 'uploading').length;
    const started = all.filter((photo) => isOpen(photo) && photo.phase !== 'waiting').length;
    const free = Date.now() < pausedUntil ? 0 : Math.min(MAX_UPLOADS - uploading, MAX_OPEN_TASKS - started);
    for (const photo of all.filter(({ phase }) => phase === 'waiting').slice(0, Math.max(free, 0))) {
      void run(photo);
    }
  }

  async function run({ id, emojiId }: Photo): Promise<void> {
    const controller = new AbortController();
    running.set(id, controller);
    dispatch(photos.uploading(id));
    try {
      const taskId = await upload(id, emojiId, controller.signal);
      if (taskId === undefined) return;
      dispatch(photos.accepted({ id, taskId }));
      advance();
      await follow(id, taskId, controller.signal);
    } catch (error) {
      if (!controller.signal.aborted) dispatch(photos.failed({ id, reason: failureReason(error) }));
    } finally {
      if (running.get(id) === controller) running.delete(id);
      advance();
    }
  }

  /** Resolve with the task ID, or undefined if the photo was put back into the queue. */
  async function upload(id: string, emojiId: string, signal: AbortSignal): Promise<string | undefined> {
    const file = files.get(id);
    if (!file) throw new UploadError('PHOTO_GONE');
    const onSent = (part: number) => dispatch(photos.sent({ id, part }));
    const key = keys.get(id) ?? newKey();
    keys.set(id, key);
    let answer = await send(file, emojiId, key, await token(false), onSent, signal);
    if (answer.kind === 'unauthenticated') answer = await send(file, emojiId, key, await token(true), onSent, signal);
    switch (answer.kind) {
      case 'accepted':
        keys.delete(id);
        keepOriginal(answer.taskId, file);
        return answer.taskId;
      case 'retryLater':
        pause(answer.seconds);
        dispatch(photos.requeued(id));
        return undefined;
      case 'unauthenticated':
        throw new UploadError('UNAUTHENTICATED');
      case 'refused':
        throw new UploadError(answer.reason);
    }
  }

  async function follow(id: string, taskId: string, signal: AbortSignal): Promise<void> {
    const task = await followTask(
      taskId,
      source,
      {
        onTask: (seen) => dispatch(photos.updated({ id, task: seen })),
        onConnection: (connection: Connection) => dispatch(photos.connectionChanged({ id, connection })),
      },
      signal,
    );
    dispatch(photos.ended({ id, task }));
    if (task.image_url) onResult();
  }

  function pause(seconds: number): void {
    pausedUntil = Date.now() + 1000 * seconds;
    // A margin, because a timer may fire a millisecond early.
    setTimeout(advance, 1000 * seconds + 50);
  }

  return {
    add(added, emojiId) {
      const entries = added.map((file) => ({ id: nanoid(), name: file.name, bytes: file.size, emojiId, file }));
      for (const { id, file } of entries) files.set(id, file);
      dispatch(photos.added(entries.map(({ id, name, bytes }) => ({ id, name, bytes, emojiId }))));
      advance();
    },
    cancel(id) {
      const photo = list().find((one) => one.id === id);
      if (photo?.phase === 'working' && photo.taskId) {
        // The stream reports the outcome: the task may be done already.
        source.cancel(photo.taskId).catch(() => undefined);
        return;
      }
      dispatch(photos.canceled(id));
      running.get(id)?.abort();
      advance();
    },
    retry(id) {
      dispatch(photos.retried(id));
      advance();
    },
    file: (id) => files.get(id),
    remove(id) {
      running.get(id)?.abort();
      files.delete(id);
      keys.delete(id);
      dispatch(photos.removed(id));
      advance();
    },
    clear() {
      for (const controller of running.values()) controller.abort();
      running.clear();
      files.clear();
      keys.clear();
      dispatch(photos.cleared());
    },
  };
}

/** The photo was not accepted, for this error reason. */
export class UploadError extends Error {
  readonly reason: string;
  constructor(reason: string) {
    super(reason);
    this.name = 'UploadError';
    this.reason = reason;
  }
}

function failureReason(error: unknown): string {
  if (error instanceof UploadError) return error.reason;
  if (error instanceof TaskUnavailable) return error.status === 401 ? 'UNAUTHENTICATED' : 'TASK_NOT_FOUND';
  return error instanceof TypeError ? 'OFFLINE' : 'UNKNOWN';
}
