import { useEffect, useState } from 'react';

import { authorizedFetch } from '../api/http';
import { useAppStore } from '../store';

/** Load a picture that needs the access token. `url` is a `blob:` URL, or null until the picture is loaded. */
export function useAuthenticatedImage(path: string | undefined): { url: string | null; failed: boolean } {
  const store = useAppStore();
  const [loaded, setLoaded] = useState<{ path: string; url: string | null } | null>(null);

  useEffect(() => {
    if (!path) return;
    const controller = new AbortController();
    let url: string | null = null;
    fetchWithRetries(() => authorizedFetch(store, path, { signal: controller.signal }))
      .then(async (response) => {
        if (!response.ok) throw new Error(`${path}: ${response.status}`);
        url = URL.createObjectURL(await response.blob());
        if (controller.signal.aborted) URL.revokeObjectURL(url);
        else setLoaded({ path, url });
      })
      .catch(() => {
        if (!controller.signal.aborted) setLoaded({ path, url: null });
      });
    return () => {
      controller.abort();
      if (url) URL.revokeObjectURL(url);
    };
  }, [path, store]);

  const current = loaded?.path === path ? loaded : null;
  return { url: current?.url ?? null, failed: current !== null && current.url === null };
}

const MAX_TRIES = 4;

/** Retry while the service is overloaded. */
async function fetchWithRetries(send: () => Promise<Response>): Promise<Response> {
  for (let tries = 1; ; tries += 1) {
    const response = await send();
    if (![429, 503].includes(response.status) || tries === MAX_TRIES) return response;
    const seconds = Number(response.headers.get('retry-after') ?? 1);
    await new Promise((resolve) => setTimeout(resolve, 1000 * Math.min(seconds, 5)));
  }
}
