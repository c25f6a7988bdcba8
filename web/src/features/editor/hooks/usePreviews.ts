import { useEffect, useRef, type Dispatch } from 'react';
import { useStore } from 'react-redux';

import { authorizedFetch, type SessionStore } from '@/lib/api/http';
import { EXPRESSIONS, type Expression } from '@/lib/expressions';

import type { Action, Draft } from '../utils/draft';
import { base64, fitPicture, PictureRefused } from '../utils/resizePicture';

/** Has every picture that was chosen shown as it would be stored: the server knows how backgrounds leave. */
export function usePreviews(draft: Draft, dispatch: Dispatch<Action>): void {
  const store = useStore() as SessionStore;
  const started = useRef(new Set<number>());
  const urls = useRef<string[]>([]);

  useEffect(() => {
    const preview = async (expression: Expression, key: number, chosen: Blob) => {
      try {
        const file = await fitPicture(chosen);
        const url = URL.createObjectURL(await askPreview(store, file, draft.keepBackground));
        urls.current.push(url);
        dispatch({ type: 'previewed', expression, key, url, file });
      } catch (error) {
        const fault = error instanceof PictureRefused ? error.fault : 'failed';
        dispatch({ type: 'refused', expression, key, fault });
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

async function askPreview(store: SessionStore, file: Blob, keepBackground: boolean): Promise<Blob> {
  const answer = await authorizedFetch(store, '/api/v1/emojis/preview', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ image: await base64(file), keep_background: keepBackground }),
  });
  if (answer.status === 400) throw new PictureRefused('refused');
  if (!answer.ok) throw new PictureRefused('failed');
  return answer.blob();
}
