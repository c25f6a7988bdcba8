import { useEffect, useRef, type Dispatch } from 'react';

import { authorizedFetch, type SessionStore } from '@/lib/api/http';
import { EXPRESSIONS, type Expression } from '@/lib/expressions';
import { useAppStore } from '@/lib/store';

import type { Action, Draft } from '../utils/draft';
import { base64, resizePicture, PictureError } from '../utils/resizePicture';

/** Request a preview of every chosen picture from the server, which removes backgrounds. */
export function usePreviews(draft: Draft, dispatch: Dispatch<Action>): void {
  const store = useAppStore();
  const started = useRef(new Set<number>());
  const urls = useRef<string[]>([]);

  useEffect(() => {
    const preview = async (expression: Expression, key: number, chosen: Blob) => {
      try {
        const file = await resizePicture(chosen);
        const url = URL.createObjectURL(await requestPreview(store, file, draft.keepBackground));
        urls.current.push(url);
        dispatch({ type: 'previewed', expression, key, url, file });
      } catch (error) {
        const reason = error instanceof PictureError ? error.reason : 'failed';
        dispatch({ type: 'refused', expression, key, reason });
      }
    };
    for (const expression of EXPRESSIONS) {
      const picture = draft.pictures[expression];
      if (picture?.preview.state !== 'working' || started.current.has(picture.key)) continue;
      started.current.add(picture.key);
      void preview(expression, picture.key, picture.file);
    }
  }, [draft.pictures, draft.keepBackground, dispatch, store]);

  useEffect(() => {
    const made = urls.current;
    return () => made.forEach((url) => URL.revokeObjectURL(url));
  }, []);
}

async function requestPreview(store: SessionStore, file: Blob, keepBackground: boolean): Promise<Blob> {
  const response = await authorizedFetch(store, '/api/v1/emojis/preview', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ image: await base64(file), keep_background: keepBackground }),
  });
  if (response.status === 400) throw new PictureError('refused');
  if (!response.ok) throw new PictureError('failed');
  return response.blob();
}
