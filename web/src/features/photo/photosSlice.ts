/** Photos that were added since the page was opened, with their progress. The files are in the photo queue. */

import { createEntityAdapter, createSlice, type PayloadAction, type WithSlice } from '@reduxjs/toolkit';

import type { Task } from '@/lib/api/schema';
import { sessionEnded } from '@/lib/api/session';
import { rootReducer } from '@/lib/store';
import type { Connection } from '@/lib/tasks/followTask';

/**
 * `waiting` for its upload → `uploading` → `working` on the server → `done` | `failed` | `canceled`. A failed or canceled
 * photo can be retried, as its file is still in memory.
 */
export type Phase = 'waiting' | 'uploading' | 'working' | 'done' | 'failed' | 'canceled';

export interface Photo {
  id: string;
  name: string;
  bytes: number;
  emojiId: string;
  phase: Phase;
  /** Uploaded share, 0 to 1. */
  sent: number;
  taskId: string | null;
  /** The latest known state. */
  task: Task | null;
  connection: Connection;
  /** Error reason: one of the server, `OFFLINE` or `UNKNOWN`. */
  reason: string | null;
}

const adapter = createEntityAdapter<Photo>();

export const photosSlice = createSlice({
  name: 'photos',
  initialState: adapter.getInitialState(),
  reducers: {
    added(state, { payload }: PayloadAction<Pick<Photo, 'id' | 'name' | 'bytes' | 'emojiId'>[]>) {
      adapter.addMany(
        state,
        payload.map((photo) => ({
          ...photo,
          phase: 'waiting',
          sent: 0,
          taskId: null,
          task: null,
          connection: 'stream',
          reason: null,
        })),
      );
    },
    uploading: transition(['waiting'], (photo) => {
      photo.phase = 'uploading';
      photo.sent = 0;
    }),
    sent(state, { payload }: PayloadAction<{ id: string; part: number }>) {
      const photo = state.entities[payload.id];
      if (photo?.phase === 'uploading') photo.sent = Math.min(Math.max(payload.part, photo.sent), 1);
    },
    requeued: transition(['uploading'], (photo) => {
      photo.phase = 'waiting';
      photo.sent = 0;
    }),
    accepted(state, { payload }: PayloadAction<{ id: string; taskId: string }>) {
      const photo = state.entities[payload.id];
      if (photo?.phase !== 'uploading') return;
      photo.phase = 'working';
      photo.sent = 1;
      photo.taskId = payload.taskId;
    },
    updated(state, { payload }: PayloadAction<{ id: string; task: Task }>) {
      const photo = state.entities[payload.id];
      if (photo?.phase === 'working') photo.task = payload.task;
    },
    connectionChanged(state, { payload }: PayloadAction<{ id: string; connection: Connection }>) {
      const photo = state.entities[payload.id];
      if (photo) photo.connection = payload.connection;
    },
    ended(state, { payload }: PayloadAction<{ id: string; task: Task }>) {
      const photo = state.entities[payload.id];
      if (photo?.phase !== 'working') return;
      photo.task = payload.task;
      const reason = payload.task.error?.reason;
      if (payload.task.state === 'TASK_STATE_DONE') photo.phase = 'done';
      else if (reason === 'CANCELLED') photo.phase = 'canceled';
      else {
        photo.phase = 'failed';
        photo.reason = reason ?? 'UNKNOWN';
      }
    },
    failed(state, { payload }: PayloadAction<{ id: string; reason: string }>) {
      const photo = state.entities[payload.id];
      if (!photo || !isOpen(photo)) return;
      photo.phase = 'failed';
      photo.reason = payload.reason;
    },
    canceled: transition(['waiting', 'uploading'], (photo) => {
      photo.phase = 'canceled';
    }),
    retried: transition(['failed', 'canceled'], (photo) => {
      Object.assign(photo, {
        phase: 'waiting',
        sent: 0,
        taskId: null,
        task: null,
        reason: null,
        connection: 'stream',
      });
    }),
    removed: adapter.removeOne,
    cleared: adapter.removeAll,
  },
  // Photos belong to the user.
  extraReducers: (build) => build.addCase(sessionEnded, adapter.removeAll),
  selectors: {
    selectPhotos: adapter.getSelectors().selectAll,
  },
});

export const photos = photosSlice.actions;

declare module '@/lib/store' {
  export interface LazySlices extends WithSlice<typeof photosSlice> {}
}

export const { selectPhotos } = photosSlice.injectInto(rootReducer).selectors;

/** Return whether the photo is not finished yet. */
export function isOpen(photo: Photo): boolean {
  return photo.phase === 'waiting' || photo.phase === 'uploading' || photo.phase === 'working';
}

/** Reducer that applies in some phases only: late answers of aborted calls change nothing. */
function transition(from: Phase[], change: (photo: Photo) => void) {
  return (state: { entities: Record<string, Photo> }, { payload }: PayloadAction<string>) => {
    const photo = state.entities[payload];
    if (photo && from.includes(photo.phase)) change(photo);
  };
}
