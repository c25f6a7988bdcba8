/** The photos of this visit, from the moment they are chosen until they are done. Their bytes are elsewhere. */

import { type PayloadAction, createEntityAdapter, createSlice } from '@reduxjs/toolkit';
import type { Task } from '@/lib/api/schema';
import { sessionEnded } from '@/lib/api/session';

import type { Connection } from '@/lib/tasks/followTask';

/**
 * `waiting` for others to be sent → `uploading` → `working`: the server has it → `done` | `failed` | `cancelled`.
 * A failed or cancelled photo can be sent again, as it is still in the browser's memory.
 */
export type Phase = 'waiting' | 'uploading' | 'working' | 'done' | 'failed' | 'cancelled';

export interface Photo {
  id: string;
  name: string;
  bytes: number;
  emojiId: string;
  phase: Phase;
  /** Part of it that is sent, 0 to 1. */
  sent: number;
  taskId: string | null;
  /** As it was last seen. */
  task: Task | null;
  connection: Connection;
  /** Why it failed: a reason of the server, `OFFLINE` or `UNKNOWN`. */
  problem: string | null;
}

const adapter = createEntityAdapter<Photo>();

export const photosSlice = createSlice({
  name: 'photos',
  initialState: adapter.getInitialState(),
  reducers: {
    chosen(state, { payload }: PayloadAction<Pick<Photo, 'id' | 'name' | 'bytes' | 'emojiId'>[]>) {
      adapter.addMany(
        state,
        payload.map((photo) => ({
          ...photo,
          phase: 'waiting',
          sent: 0,
          taskId: null,
          task: null,
          connection: 'stream',
          problem: null,
        })),
      );
    },
    uploading: move(['waiting'], (photo) => {
      photo.phase = 'uploading';
      photo.sent = 0;
    }),
    sent(state, { payload }: PayloadAction<{ id: string; part: number }>) {
      const photo = state.entities[payload.id];
      if (photo?.phase === 'uploading') photo.sent = Math.min(Math.max(payload.part, photo.sent), 1);
    },
    putBack: move(['uploading'], (photo) => {
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
    seen(state, { payload }: PayloadAction<{ id: string; task: Task }>) {
      const photo = state.entities[payload.id];
      if (photo?.phase === 'working') photo.task = payload.task;
    },
    connected(state, { payload }: PayloadAction<{ id: string; connection: Connection }>) {
      const photo = state.entities[payload.id];
      if (photo) photo.connection = payload.connection;
    },
    ended(state, { payload }: PayloadAction<{ id: string; task: Task }>) {
      const photo = state.entities[payload.id];
      if (photo?.phase !== 'working') return;
      photo.task = payload.task;
      const reason = payload.task.error?.reason;
      if (payload.task.state === 'TASK_STATE_DONE') photo.phase = 'done';
      else if (reason === 'CANCELLED') photo.phase = 'cancelled';
      else {
        photo.phase = 'failed';
        photo.problem = reason ?? 'UNKNOWN';
      }
    },
    failed(state, { payload }: PayloadAction<{ id: string; problem: string }>) {
      const photo = state.entities[payload.id];
      if (!photo || !open(photo)) return;
      photo.phase = 'failed';
      photo.problem = payload.problem;
    },
    cancelled: move(['waiting', 'uploading'], (photo) => {
      photo.phase = 'cancelled';
    }),
    again: move(['failed', 'cancelled'], (photo) => {
      Object.assign(photo, {
        phase: 'waiting',
        sent: 0,
        taskId: null,
        task: null,
        problem: null,
        connection: 'stream',
      });
    }),
    removed: adapter.removeOne,
    cleared: adapter.removeAll,
  },
  // They are those of who was here.
  extraReducers: (build) => build.addCase(sessionEnded, adapter.removeAll),
  selectors: {
    selectPhotos: adapter.getSelectors().selectAll,
  },
});

export const photos = photosSlice.actions;
export const { selectPhotos } = photosSlice.selectors;

/** Whether something is still to come of a photo. */
export function open(photo: Photo): boolean {
  return photo.phase === 'waiting' || photo.phase === 'uploading' || photo.phase === 'working';
}

/** A change that counts in some phases only: what comes late, from a call that was given up, changes nothing. */
function move(from: Phase[], change: (photo: Photo) => void) {
  return (state: { entities: Record<string, Photo> }, { payload }: PayloadAction<string>) => {
    const photo = state.entities[payload];
    if (photo && from.includes(photo.phase)) change(photo);
  };
}
