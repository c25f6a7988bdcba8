/**
 * Calls that make something, and make it once: one that is made again before it was answered has the key that it had
 * before, so the server answers it with what it made then: docs/api.md.
 */

import type { FetchArgs, FetchBaseQueryError, FetchBaseQueryMeta } from '@reduxjs/toolkit/query';

import { problemOf } from './apiErrors';

export interface CallAnswer {
  data?: unknown;
  error?: FetchBaseQueryError;
  meta?: FetchBaseQueryMeta;
}

/** A claim of a key lasts 15 seconds: who asks for longer gets an answer, or makes the call itself. */
const TRIES = 20;
const WAIT_SECONDS = 1;

/** By address: the last call there that nothing is known of. */
const unanswered = new Map<string, { body: string; key: string }>();

/** Sends a call with its key, for as long as the same one, made before, is under way. */
export async function once<Answer extends CallAnswer>(
  call: FetchArgs,
  send: (call: FetchArgs) => PromiseLike<Answer>,
): Promise<Answer> {
  const body = JSON.stringify(call.body);
  const before = unanswered.get(call.url);
  const key = before?.body === body ? before.key : newKey();
  unanswered.set(call.url, { body, key });
  const headers = { 'idempotency-key': key };
  let answer = await send({ ...call, headers });
  for (let tries = 1; isUnderWay(answer) && tries < TRIES; tries += 1) {
    await pause(Number(answer.meta?.response?.headers.get('retry-after') ?? WAIT_SECONDS));
    answer = await send({ ...call, headers });
  }
  if (isAnswered(answer) && unanswered.get(call.url)?.key === key) unanswered.delete(call.url);
  return answer;
}

/** 128 random bits. Not `randomUUID`: that is there on https only, and a phone tries out a mesh at home without. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function isUnderWay({ error }: CallAnswer): boolean {
  return error?.status === 409 && problemOf(error).reason === 'IDEMPOTENT_CALL_UNDER_WAY';
}

/** Whether it is known what became of it. A refusal had no effect. */
function isAnswered(answer: CallAnswer): boolean {
  const { error } = answer;
  return !error || (typeof error.status === 'number' && error.status < 500 && !isUnderWay(answer));
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
