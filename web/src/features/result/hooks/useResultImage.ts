import { useEffect, useState } from 'react';
import { useStore } from 'react-redux';

import { authorizedFetch } from '@/lib/api/http';
import type { AppStore } from '@/app/store';

export interface ResultImage {
  blob: Blob;
  /** `blob:`, as long as the photo is shown. */
  url: string;
  version: number;
}

/** The finished photo. When it is composed anew, the one before stays until the new one is there. */
export function useResultImage(path: string | undefined, version: number) {
  const store = useStore() as AppStore;
  const [image, setImage] = useState<ResultImage | null>(null);
  const [failed, setFailed] = useState<number | null>(null);
  const [tries, setTries] = useState(0);

  useEffect(() => {
    if (!path) return;
    const leaving = new AbortController();
    authorizedFetch(store, path, { signal: leaving.signal })
      .then(async (answer) => {
        if (!answer.ok) throw new Error(`${path}: ${String(answer.status)}`);
        const blob = await answer.blob();
        if (leaving.signal.aborted) return;
        setImage({ blob, url: URL.createObjectURL(blob), version });
        setFailed(null);
      })
      .catch(() => {
        if (!leaving.signal.aborted) setFailed(version);
      });
    return () => leaving.abort();
  }, [path, version, tries, store]);

  useEffect(() => {
    if (image) return () => URL.revokeObjectURL(image.url);
  }, [image]);

  return { image, failed: failed === version, retry: () => setTries((count) => count + 1) };
}
