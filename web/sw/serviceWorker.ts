/**
 * Service worker: lets the app start offline, and receives photos that other apps share.
 *
 * It caches the app's own files. It never caches answers of the API, because photos are private.
 */

/// <reference lib="webworker" />

import { receiveSharedPhotos, SHARE_PATH } from './shareTarget';

declare const self: ServiceWorkerGlobalScope;

/** The files of this build, inserted by vite.config.ts. Their names contain a hash of the content. */
declare const FILES: readonly string[];
declare const VERSION: string;

const APP = `igemoji-app-${VERSION}`;
const PAGE = '/';

self.addEventListener('install', (event) => {
  void self.skipWaiting();
  event.waitUntil(caches.open(APP).then((cache) => cache.addAll([PAGE, ...FILES])));
});

self.addEventListener('activate', (event) => {
  event.waitUntil(deleteOldCaches().then(() => self.clients.claim()));
});

async function deleteOldCaches(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith('igemoji-app-') && name !== APP).map((name) => caches.delete(name)),
  );
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== self.location.origin) return;
  if (request.method === 'POST' && pathname === SHARE_PATH) event.respondWith(receiveSharedPhotos(request, caches));
  if (request.method !== 'GET' || pathname.startsWith('/api/')) return;
  if (request.mode === 'navigate') event.respondWith(networkFirst(request));
  else if (pathname.startsWith('/assets/')) event.respondWith(cacheFirst(request));
});

async function networkFirst(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const page = await caches.match(PAGE);
    if (page) return page;
    throw error;
  }
}

/** Cache fonts and pictures on first use, as no user needs all of them. */
async function cacheFirst(request: Request): Promise<Response> {
  const cached = await caches.match(request);
  if (cached) return cached;
  const response = await fetch(request);
  if (response.ok) {
    const cache = await caches.open(APP);
    await cache.put(request, response.clone());
  }
  return response;
}
