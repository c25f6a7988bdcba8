/**
 * Idempotency keys for calls that create something: a call that is repeated before its outcome is known carries the key
 * of the first one, so that the server replays its answer instead of creating twice (docs/api.md).
 */

import type { FetchArgs, FetchBaseQueryError, FetchBaseQueryMeta } from '@reduxjs/toolkit/query';

import { toApiError } from './apiErrors';

export interface CallAnswer {
  data?: unknown;
  error?: FetchBaseQueryError;
  meta?: FetchBaseQueryMeta;
}

/** A claim of a key lasts 15 seconds: after that a retry gets the stored answer, or makes the call itself. */
const MAX_TRIES = 20;
const DEFAULT_RETRY_SECONDS = 1;

/** Keys of the calls whose outcome is not known: the latest one for each URL. */
export class IdempotencyKeys {
  readonly #unanswered = new Map<string, { body: string; key: string }>();

  /** Return the key of the unanswered call with the same URL and body, or a new one. */
  claim(url: string, body: string): string {
    const before = this.#unanswered.get(url);
    const key = before?.body === body ? before.key : newKey();
    this.#unanswered.set(url, { body, key });
    return key;
  }

  release(url: string, key: string): void {
    if (this.#unanswered.get(url)?.key === key) this.#unanswered.delete(url);
  }
}

/** Send a call with its key, and retry while an earlier call with the same key is under way. */
export async function sendWithKey<Answer extends CallAnswer>(
  keys: IdempotencyKeys,
  call: FetchArgs,
  send: (call: FetchArgs) => PromiseLike<Answer>,
): Promise<Answer> {
  const key = keys.claim(call.url, JSON.stringify(call.body));
  const headers = { 'idempotency-key': key };
  let answer = await send({ ...call, headers });
  for (let tries = 1; isUnderWay(answer) && tries < MAX_TRIES; tries += 1) {
    await pause(Number(answer.meta?.response?.headers.get('retry-after') ?? DEFAULT_RETRY_SECONDS));
    answer = await send({ ...call, headers });
  }
  if (isFinal(answer)) keys.release(call.url, key);
  return answer;
}

/** 128 random bits. Not `randomUUID`, which needs https: a phone may use a mesh in the home network without. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function isUnderWay({ error }: CallAnswer): boolean {
  return error?.status === 409 && toApiError(error).reason === 'IDEMPOTENT_CALL_UNDER_WAY';
}

/** Return whether the outcome is known. A refused call had no effect. */
function isFinal(answer: CallAnswer): boolean {
  const { error } = answer;
  return !error || (typeof error.status === 'number' && error.status < 500 && !isUnderWay(answer));
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
