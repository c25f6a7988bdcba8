/** Photos that another app gave to ours, on their way from the service worker to the page. */

const SHARED = 'igemoji-shared';
const FIELD = 'photos';
const MAX_PHOTOS = 20;

export const SHARE_PATH = '/share-target';

/** In the service worker: keeps what was shared, and leads to where it is used. */
export async function receiveShared(request: Request, storage: CacheStorage): Promise<Response> {
  const photos = (await request.formData()).getAll(FIELD).filter((part) => part instanceof File);
  const cache = await freshCache(storage);
  await Promise.all(
    photos.slice(0, MAX_PHOTOS).map((photo, index) => {
      const headers = { 'content-type': photo.type, 'x-name': encodeURIComponent(photo.name) };
      return cache.put(`${SHARE_PATH}/${index}`, new Response(photo, { headers }));
    }),
  );
  return Response.redirect('/make?shared=1', 303);
}

async function freshCache(storage: CacheStorage): Promise<Cache> {
  await storage.delete(SHARED);
  return storage.open(SHARED);
}

/** In the page: the photos that were shared, once. */
export async function takeShared(storage: CacheStorage = caches): Promise<File[]> {
  const cache = await storage.open(SHARED);
  const kept = await cache.keys();
  const photos = await Promise.all(kept.map(async (request) => asFile((await cache.match(request))!)));
  await storage.delete(SHARED);
  return photos;
}

async function asFile(kept: Response): Promise<File> {
  const name = decodeURIComponent(kept.headers.get('x-name') ?? 'photo');
  const content = await kept.blob();
  return new File([content], name, { type: content.type });
}
