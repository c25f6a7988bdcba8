/** One photo on its way to the server. XMLHttpRequest, since fetch tells nothing of how far an upload is. */

import { fromStatus } from '@/lib/api/apiErrors';
import type { CreateTaskResponse } from '@/lib/api/schema';

/** What the server said to an upload. */
export type UploadAnswer =
  | { kind: 'accepted'; taskId: string }
  | { kind: 'unauthenticated' }
  | { kind: 'later'; seconds: number }
  | { kind: 'refused'; reason: string };

/** Parts of an upload that were sent, 0 to 1. */
export type OnSent = (part: number) => void;

/** `key` is the same for an upload that is made again: the server takes it once, whatever became of its answer. */
export type SendPhoto = (
  photo: Blob,
  emojiId: string,
  key: string,
  token: string,
  onSent: OnSent,
  signal: AbortSignal,
) => Promise<UploadAnswer>;

const TASKS = '/api/v1/faces/tasks';
const RETRY_SECONDS = 2;

/** Rejects with a TypeError where there is no connection, as fetch does, and with the signal's reason. */
export const sendPhoto: SendPhoto = (photo, emojiId, key, token, onSent, signal) =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    request.open('POST', `${TASKS}?emoji_id=${encodeURIComponent(emojiId)}`);
    request.setRequestHeader('Authorization', `Bearer ${token}`);
    request.setRequestHeader('Idempotency-Key', key);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.upload.onprogress = ({ loaded, total }) => onSent(total > 0 ? loaded / total : 0);
    request.onload = () =>
      resolve(answer(request.status, request.responseText, request.getResponseHeader('Retry-After')));
    request.onerror = () => reject(new TypeError('there is no connection'));
    const stop = () => {
      request.abort();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
    request.onloadend = () => signal.removeEventListener('abort', stop);
    request.send(photo);
  });

export function answer(status: number, body: string, retryAfter: string | null): UploadAnswer {
  const said = parsed(body);
  if (status < 300 && said.task_id) return { kind: 'accepted', taskId: said.task_id };
  if (status === 401) return { kind: 'unauthenticated' };
  const reason = fromStatus(status, said).reason;
  // Tomorrow is too far away to wait for.
  if (reason === 'TOO_MANY_PHOTOS_TODAY') return { kind: 'refused', reason };
  // Of a call under way, the first one with this key has not ended: its answer is what this one will get.
  if (status === 429 || reason === 'OVERLOADED' || reason === 'IDEMPOTENT_CALL_UNDER_WAY')
    return { kind: 'later', seconds: Number(retryAfter) || RETRY_SECONDS };
  // The gateway, which knows no photos, answers 413 too.
  return { kind: 'refused', reason: status === 413 ? 'PHOTO_TOO_LARGE' : reason || 'UNKNOWN' };
}

function parsed(body: string): Partial<CreateTaskResponse> {
  try {
    return JSON.parse(body) as Partial<CreateTaskResponse>;
  } catch {
    return {};
  }
}
