import { api } from '@/lib/api/api';
import { renewToken, sessionOf } from '@/lib/api/http';
import { tasks } from '@/lib/api/tasks';
import { originalsOf } from '@/lib/originals';
import { useAppStore, type AppStore } from '@/lib/store';
import { taskSource } from '@/lib/tasks/taskSource';

import { sendPhoto } from '../api/upload';
import { selectPhotos } from '../photosSlice';
import { createPhotoQueue, UploadError, type PhotoQueue } from '../utils/photoQueue';

const queues = new WeakMap<AppStore, PhotoQueue>();

/** Return the photo queue of the store. It continues while other pages are open. */
export function usePhotoQueue(): PhotoQueue {
  const store = useAppStore();
  let queue = queues.get(store);
  if (!queue) {
    queue = createQueueFor(store);
    queues.set(store, queue);
  }
  return queue;
}

function createQueueFor(store: AppStore): PhotoQueue {
  const originals = originalsOf(store);
  const queue = createPhotoQueue({
    dispatch: store.dispatch,
    photos: () => selectPhotos(store.getState()),
    send: sendPhoto,
    source: {
      ...taskSource(store),
      cancel: (taskId) => store.dispatch(tasks.endpoints.cancelTask.initiate({ task_id: taskId })).unwrap(),
    },
    async token(renew) {
      const { accessToken } = sessionOf(store);
      if (accessToken && !renew) return accessToken;
      const renewed = await renewToken(store, accessToken);
      const { accessToken: newToken } = sessionOf(store);
      if (renewed && newToken) return newToken;
      // The session is kept while offline.
      throw sessionOf(store).status === 'authenticated' ? new TypeError('offline') : new UploadError('UNAUTHENTICATED');
    },
    keepOriginal: (taskId, file) => originals.keep(taskId, file),
    onResult: () => store.dispatch(api.util.invalidateTags(['MyResults', 'Ranking'])),
  });
  let user = sessionOf(store).user?.id;
  store.subscribe(() => {
    const before = user;
    // Set first: the calls below change the store and call this listener again.
    user = sessionOf(store).user?.id;
    if (before !== undefined && user !== before) {
      queue.clear();
      originals.clear();
    }
  });
  return queue;
}
