/** Web share target: photos from other apps pass from the service worker to the page through a cache. */

const CACHE_NAME = 'igemoji-shared';
const FIELD = 'photos';
const MAX_PHOTOS = 20;

export const SHARE_PATH = '/share-target';

/** In the service worker: store the shared photos, and redirect to the page that uses them. */
export async function receiveSharedPhotos(request: Request, storage: CacheStorage): Promise<Response> {
  const photos = (await request.formData()).getAll(FIELD).filter((part) => part instanceof File);
  const cache = await emptyCache(storage);
  await Promise.all(
    photos.slice(0, MAX_PHOTOS).map((photo, index) => {
      const headers = { 'content-type': photo.type, 'x-name': encodeURIComponent(photo.name) };
      return cache.put(`${SHARE_PATH}/${index}`, new Response(photo, { headers }));
    }),
  );
  return Response.redirect('/make?shared=1', 303);
}

async function emptyCache(storage: CacheStorage): Promise<Cache> {
  await storage.delete(CACHE_NAME);
  return storage.open(CACHE_NAME);
}

/** In the page: return the shared photos, and remove them from the cache. */
export async function takeSharedPhotos(storage: CacheStorage = caches): Promise<File[]> {
  const cache = await storage.open(CACHE_NAME);
  const stored = await cache.keys();
  const photos = await Promise.all(stored.map(async (request) => toFile((await cache.match(request))!)));
  await storage.delete(CACHE_NAME);
  return photos;
}

async function toFile(stored: Response): Promise<File> {
  const name = decodeURIComponent(stored.headers.get('x-name') ?? 'photo');
  const content = await stored.blob();
  return new File([content], name, { type: content.type });
}
