/** Sends photos one after the other and follows each until it is done. */

import { type Action, nanoid } from '@reduxjs/toolkit';

import { newKey } from '@/lib/api/idempotency';

import type { Connection, TaskSource } from '@/lib/tasks/followTask';
import { TaskUnavailable, followTask } from '@/lib/tasks/followTask';
import { MAX_OPEN_TASKS } from '@/lib/photoFiles';
import { type Photo, open, photos } from '../photosSlice';
import type { SendPhoto } from '../api/upload';

/** More at once makes none of them faster. */
export const UPLOADS_AT_ONCE = 2;

export interface QueueParts {
  dispatch: (action: Action) => unknown;
  photos: () => Photo[];
  send: SendPhoto;
  source: TaskSource & { cancel(taskId: string): Promise<unknown> };
  /** A token that is good now; with `renew` another one than before. Rejects where there is no session any more. */
  token: (renew: boolean) => Promise<string>;
  /** The browser's own file of a task, for comparing before and after. */
  keepOriginal: (taskId: string, file: Blob) => void;
  /** There is a result more. */
  onResult: () => void;
}

export interface PhotoQueue {
  add(files: readonly File[], emojiId: string): void;
  /** Stops a photo wherever it is. */
  cancel(id: string): void;
  retry(id: string): void;
  /** The browser's own file of a photo. */
  file(id: string): File | undefined;
  /** Takes a photo that has ended off the list. */
  remove(id: string): void;
  /** Forgets everything: whoever was here has left. */
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
}: QueueParts): PhotoQueue {
  const files = new Map<string, File>();
  const keys = new Map<string, string>();
  const running = new Map<string, AbortController>();
  let pausedUntil = 0;

  /** Begins as many uploads as may be begun now. */
  function advance(): void {
    const all = list();
    const uploading = all.filter(({ phase }) => phase === 'uploading').length;
    const begun = all.filter((photo) => open(photo) && photo.phase !== 'waiting').length;
    const free = Date.now() < pausedUntil ? 0 : Math.min(UPLOADS_AT_ONCE - uploading, MAX_OPEN_TASKS - begun);
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
      if (!controller.signal.aborted) dispatch(photos.failed({ id, problem: problemOf(error) }));
    } finally {
      if (running.get(id) === controller) running.delete(id);
      advance();
    }
  }

  /** Resolves with the task's id, or undefined where the photo was put back to wait. */
  async function upload(id: string, emojiId: string, signal: AbortSignal): Promise<string | undefined> {
    const file = files.get(id);
    if (!file) throw new Refused('PHOTO_GONE');
    const onSent = (part: number) => dispatch(photos.sent({ id, part }));
    const key = keys.get(id) ?? newKey();
    keys.set(id, key);
    let said = await send(file, emojiId, key, await token(false), onSent, signal);
    if (said.kind === 'unauthenticated') said = await send(file, emojiId, key, await token(true), onSent, signal);
    switch (said.kind) {
      case 'accepted':
        keys.delete(id);
        keepOriginal(said.taskId, file);
        return said.taskId;
      case 'later':
        pause(said.seconds);
        dispatch(photos.putBack(id));
        return undefined;
      case 'unauthenticated':
        throw new Refused('UNAUTHENTICATED');
      case 'refused':
        throw new Refused(said.reason);
    }
  }

  async function follow(id: string, taskId: string, signal: AbortSignal): Promise<void> {
    const task = await followTask(
      taskId,
      source,
      {
        onTask: (seen) => dispatch(photos.seen({ id, task: seen })),
        onConnection: (connection: Connection) => dispatch(photos.connected({ id, connection })),
      },
      signal,
    );
    dispatch(photos.ended({ id, task }));
    if (task.image_url) onResult();
  }

  function pause(seconds: number): void {
    pausedUntil = Date.now() + 1000 * seconds;
    // A little later than needed: a timer may go off a millisecond before its time.
    setTimeout(advance, 1000 * seconds + 50);
  }

  return {
    add(added, emojiId) {
      const chosen = added.map((file) => ({ id: nanoid(), name: file.name, bytes: file.size, emojiId, file }));
      for (const { id, file } of chosen) files.set(id, file);
      dispatch(photos.chosen(chosen.map(({ id, name, bytes }) => ({ id, name, bytes, emojiId }))));
      advance();
    },
    cancel(id) {
      const photo = list().find((one) => one.id === id);
      if (photo?.phase === 'working' && photo.taskId) {
        // The stream tells how that ends; it may be done by now.
        source.cancel(photo.taskId).catch(() => undefined);
        return;
      }
      dispatch(photos.cancelled(id));
      running.get(id)?.abort();
      advance();
    },
    retry(id) {
      dispatch(photos.again(id));
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

/** The photo can't be sent; `reason` says why. */
export class Refused extends Error {
  readonly reason: string;
  constructor(reason: string) {
    super(reason);
    this.name = 'Refused';
    this.reason = reason;
  }
}

function problemOf(error: unknown): string {
  if (error instanceof Refused) return error.reason;
  if (error instanceof TaskUnavailable) return error.status === 401 ? 'UNAUTHENTICATED' : 'TASK_NOT_FOUND';
  return error instanceof TypeError ? 'OFFLINE' : 'UNKNOWN';
}
