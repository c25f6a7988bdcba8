import { useEffect, useState } from 'react';

import { authorizedFetch } from '@/lib/api/http';
import { useAppStore } from '@/lib/store';

export interface ResultImage {
  blob: Blob;
  /** A `blob:` URL, valid while the result is shown. */
  url: string;
  version: number;
}

/** Load the result of a task. After a revision the old result is shown until the new one is loaded. */
export function useResultImage(path: string | undefined, version: number) {
  const store = useAppStore();
  const [image, setImage] = useState<ResultImage | null>(null);
  const [failed, setFailed] = useState<number | null>(null);
  const [tries, setTries] = useState(0);

  useEffect(() => {
    if (!path) return;
    const controller = new AbortController();
    authorizedFetch(store, path, { signal: controller.signal })
      .then(async (response) => {
        if (!response.ok) throw new Error(`${path}: ${String(response.status)}`);
        const blob = await response.blob();
        if (controller.signal.aborted) return;
        setImage({ blob, url: URL.createObjectURL(blob), version });
        setFailed(null);
      })
      .catch(() => {
        if (!controller.signal.aborted) setFailed(version);
      });
    return () => controller.abort();
  }, [path, version, tries, store]);

  useEffect(() => {
    if (image) return () => URL.revokeObjectURL(image.url);
  }, [image]);

  return { image, failed: failed === version, retry: () => setTries((count) => count + 1) };
}
