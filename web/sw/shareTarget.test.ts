import { expect, test } from 'vitest';

import { receiveSharedPhotos, SHARE_PATH, takeSharedPhotos } from './shareTarget';

/** In-memory fake of the browser's cache storage. */
function memoryCaches(): CacheStorage {
  const all = new Map<string, Map<string, Response>>();
  const storage = {
    open: (name: string) => {
      const kept = all.get(name) ?? new Map<string, Response>();
      all.set(name, kept);
      return Promise.resolve({
        put: (key: string, value: Response) => Promise.resolve(void kept.set(key, value)),
        keys: () => Promise.resolve([...kept.keys()]),
        match: (key: string) => Promise.resolve(kept.get(key)),
      });
    },
    delete: (name: string) => Promise.resolve(all.delete(name)),
  };
  return storage as unknown as CacheStorage;
}

function sharing(...photos: File[]): Request {
  const form = new FormData();
  photos.forEach((photo) => form.append('photos', photo));
  return { url: `http://igemoji.test${SHARE_PATH}`, formData: () => Promise.resolve(form) } as unknown as Request;
}

const photo = (name: string) => new File([name], name, { type: 'image/jpeg' });

test('shared photos reach the page once, with their names', async () => {
  const storage = memoryCaches();
  const redirect = Response.redirect;
  Response.redirect = (url, status) => new Response(null, { status, headers: { location: String(url) } });
  try {
    const answer = await receiveSharedPhotos(sharing(photo('생일.jpg'), photo('b.jpg')), storage);
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe('/make?shared=1');
  } finally {
    Response.redirect = redirect;
  }
  expect((await takeSharedPhotos(storage)).map(({ name, type }) => [name, type])).toEqual([
    ['생일.jpg', 'image/jpeg'],
    ['b.jpg', 'image/jpeg'],
  ]);
  expect(await takeSharedPhotos(storage)).toEqual([]);
});
