/** Upload of one photo. XMLHttpRequest, because fetch reports no upload progress. */

import { parseApiError } from '@/lib/api/apiErrors';
import type { CreateTaskResponse } from '@/lib/api/schema';

/** Answer of the server to an upload. */
export type UploadAnswer =
  | { kind: 'accepted'; taskId: string }
  | { kind: 'unauthenticated' }
  | { kind: 'retryLater'; seconds: number }
  | { kind: 'refused'; reason: string };

/** Called with the uploaded share, 0 to 1. */
export type OnProgress = (share: number) => void;

/** `key` is the idempotency key: a retry with the same key creates no second task. */
export type SendPhoto = (
  photo: Blob,
  emojiId: string,
  key: string,
  token: string,
  onProgress: OnProgress,
  signal: AbortSignal,
) => Promise<UploadAnswer>;

const TASKS = '/api/v1/faces/tasks';
const DEFAULT_RETRY_SECONDS = 2;

/** Rejects with a TypeError if there is no connection, as fetch does, or with the signal's reason. */
export const sendPhoto: SendPhoto = (photo, emojiId, key, token, onProgress, signal) =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    request.open('POST', `${TASKS}?emoji_id=${encodeURIComponent(emojiId)}`);
    request.setRequestHeader('Authorization', `Bearer ${token}`);
    request.setRequestHeader('Idempotency-Key', key);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    request.onload = () =>
      resolve(parseUploadAnswer(request.status, request.responseText, request.getResponseHeader('Retry-After')));
    request.onerror = () => reject(new TypeError('The upload failed: no connection.'));
    const stop = () => {
      request.abort();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
    request.onloadend = () => signal.removeEventListener('abort', stop);
    request.send(photo);
  });

export function parseUploadAnswer(status: number, body: string, retryAfter: string | null): UploadAnswer {
  const parsed = parseJson(body);
  if (status < 300 && parsed.task_id) return { kind: 'accepted', taskId: parsed.task_id };
  if (status === 401) return { kind: 'unauthenticated' };
  const reason = parseApiError(status, parsed).reason;
  // The quota resets tomorrow: too late for a retry.
  if (reason === 'TOO_MANY_PHOTOS_TODAY') return { kind: 'refused', reason };
  // The first call with this key is still under way: a retry gets its answer.
  if (status === 429 || reason === 'OVERLOADED' || reason === 'IDEMPOTENT_CALL_UNDER_WAY')
    return { kind: 'retryLater', seconds: Number(retryAfter) || DEFAULT_RETRY_SECONDS };
  // The gateway answers 413 without a reason.
  return { kind: 'refused', reason: status === 413 ? 'PHOTO_TOO_LARGE' : reason || 'UNKNOWN' };
}

function parseJson(body: string): Partial<CreateTaskResponse> {
  try {
    return JSON.parse(body) as Partial<CreateTaskResponse>;
  } catch {
    return {};
  }
}
