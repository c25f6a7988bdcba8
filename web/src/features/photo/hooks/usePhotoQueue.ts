import { useStore } from 'react-redux';

import { renew, sessionOf } from '@/lib/api/http';
import { tasks } from '@/lib/api/tasks';
import type { AppStore } from '@/app/store';

import { taskSource } from '@/lib/tasks/taskSource';
import { originals } from '@/lib/originals';
import { selectPhotos } from '../photosSlice';
import { createPhotoQueue, Refused, type PhotoQueue } from '../utils/photoQueue';
import { sendPhoto } from '../api/upload';

const queues = new WeakMap<AppStore, PhotoQueue>();

/** The queue of the app's store. It goes on whatever screen is open. */
export function usePhotoQueue(): PhotoQueue {
  const store = useStore() as AppStore;
  let queue = queues.get(store);
  if (!queue) {
    queue = queueOf(store);
    queues.set(store, queue);
  }
  return queue;
}

function queueOf(store: AppStore): PhotoQueue {
  const queue = createPhotoQueue({
    dispatch: store.dispatch,
    photos: () => selectPhotos(store.getState()),
    send: sendPhoto,
    source: {
      ...taskSource(store),
      cancel: (taskId) => store.dispatch(tasks.endpoints.cancelTask.initiate({ task_id: taskId })).unwrap(),
    },
    async token(again) {
      const { accessToken } = sessionOf(store);
      if (accessToken && !again) return accessToken;
      const there = await renew(store, accessToken);
      const { accessToken: renewed } = sessionOf(store);
      if (there && renewed) return renewed;
      // Whoever is offline stays logged in.
      throw sessionOf(store).status === 'authenticated' ? new TypeError('offline') : new Refused('UNAUTHENTICATED');
    },
    keepOriginal: originals.keep,
    onResult: () => store.dispatch(tasks.util.invalidateTags(['MyResults', 'Ranking'])),
  });
  let user = sessionOf(store).user?.id;
  store.subscribe(() => {
    const before = user;
    // First, as what follows changes the store, and so comes here again.
    user = sessionOf(store).user?.id;
    if (before !== undefined && user !== before) {
      queue.clear();
      originals.clear();
    }
  });
  return queue;
}
