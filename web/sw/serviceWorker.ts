/**
 * The service worker: the app starts without a network, and takes photos that other apps share.
 *
 * It keeps the app's own files. What the API answers it never keeps: photos are private.
 */

/// <reference lib="webworker" />

import { receiveShared, SHARE_PATH } from './shareTarget';

declare const self: ServiceWorkerGlobalScope;

/** The files of this build, put in by vite.config.ts. Their names change with what is in them. */
declare const FILES: readonly string[];
declare const VERSION: string;

const APP = `igemoji-app-${VERSION}`;
const PAGE = '/';

self.addEventListener('install', (event) => {
  void self.skipWaiting();
  event.waitUntil(caches.open(APP).then((cache) => cache.addAll([PAGE, ...FILES])));
});

self.addEventListener('activate', (event) => {
  event.waitUntil(forgetOthers().then(() => self.clients.claim()));
});

async function forgetOthers(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith('igemoji-app-') && name !== APP).map((name) => caches.delete(name)),
  );
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== self.location.origin) return;
  if (request.method === 'POST' && pathname === SHARE_PATH) event.respondWith(receiveShared(request, caches));
  if (request.method !== 'GET' || pathname.startsWith('/api/')) return;
  if (request.mode === 'navigate') event.respondWith(fromNetworkFirst(request));
  else if (pathname.startsWith('/assets/')) event.respondWith(fromCacheFirst(request));
});

async function fromNetworkFirst(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const page = await caches.match(PAGE);
    if (page) return page;
    throw error;
  }
}

/** Fonts and pictures are kept when they are first used: nobody needs all of them. */
async function fromCacheFirst(request: Request): Promise<Response> {
  const kept = await caches.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) {
    const cache = await caches.open(APP);
    await cache.put(request, answer.clone());
  }
  return answer;
}
