import { describe, expect, it } from 'vitest';

import { http, HttpResponse, refusal, server } from '@/test/server';

import { parseUploadAnswer, sendPhoto } from './upload';

const never = new AbortController().signal;
const TASKS = '*/api/v1/faces/tasks';

describe('the answer to an upload', () => {
  it('is the task if the photo is accepted', () => {
    expect(parseUploadAnswer(202, '{"task_id":"t"}', null)).toEqual({ kind: 'accepted', taskId: 't' });
  });

  it('is a retry time under a rate limit', () => {
    expect(parseUploadAnswer(429, '{"code":8,"message":"","details":[]}', '7')).toEqual({
      kind: 'retryLater',
      seconds: 7,
    });
    expect(parseUploadAnswer(429, '', null)).toEqual({ kind: 'retryLater', seconds: 2 });
  });

  it('is a retry time under load shedding', () => {
    const body = JSON.stringify({ code: 14, message: '', details: [{ '@type': '', reason: 'OVERLOADED' }] });
    expect(parseUploadAnswer(503, body, '1')).toEqual({ kind: 'retryLater', seconds: 1 });
  });

  it('is a refusal when the daily quota is used up', () => {
    const body = JSON.stringify({ code: 8, message: '', details: [{ '@type': '', reason: 'TOO_MANY_PHOTOS_TODAY' }] });
    expect(parseUploadAnswer(429, body, '40000')).toEqual({ kind: 'refused', reason: 'TOO_MANY_PHOTOS_TODAY' });
  });

  it('is a retry time while the same upload is under way', () => {
    const body = JSON.stringify({
      code: 10,
      message: '',
      details: [{ '@type': '', reason: 'IDEMPOTENT_CALL_UNDER_WAY' }],
    });
    expect(parseUploadAnswer(409, body, '1')).toEqual({ kind: 'retryLater', seconds: 1 });
  });

  it('is unauthenticated for an invalid token', () => {
    expect(parseUploadAnswer(401, '', null)).toEqual({ kind: 'unauthenticated' });
  });

  it('is the reason of a refusal in any format', () => {
    const body = JSON.stringify({ code: 3, message: '', details: [{ '@type': '', reason: 'PHOTO_DAMAGED' }] });
    expect(parseUploadAnswer(400, body, null)).toEqual({ kind: 'refused', reason: 'PHOTO_DAMAGED' });
    expect(parseUploadAnswer(413, 'Payload Too Large', null)).toEqual({ kind: 'refused', reason: 'PHOTO_TOO_LARGE' });
    expect(parseUploadAnswer(502, '<html>', null)).toEqual({ kind: 'refused', reason: 'UNKNOWN' });
  });
});

describe('sendPhoto', () => {
  it('sends the bytes with the token and the template', async () => {
    server.use(
      http.post(TASKS, async ({ request }) => {
        const sent = await request.text();
        const to = new URL(request.url).searchParams.get('emoji_id');
        const by = request.headers.get('authorization');
        const key = request.headers.get('idempotency-key');
        return HttpResponse.json({ task_id: [sent, to, key, by].join(' ') }, { status: 202 });
      }),
    );
    const answer = await sendPhoto(new Blob(['bytes']), 'cats', 'key', 'token', () => undefined, never);
    expect(answer).toEqual({ kind: 'accepted', taskId: 'bytes cats key Bearer token' });
  });

  it('returns the reason of a refusal', async () => {
    server.use(http.post(TASKS, () => refusal(400, 'PHOTO_TRUNCATED')));
    const answer = await sendPhoto(new Blob(['bytes']), 'cats', 'key', 'token', () => undefined, never);
    expect(answer).toEqual({ kind: 'refused', reason: 'PHOTO_TRUNCATED' });
  });

  it('rejects with a TypeError without a connection', async () => {
    server.use(http.post(TASKS, () => HttpResponse.error()));
    await expect(sendPhoto(new Blob(['x']), 'cats', 'key', 'token', () => undefined, never)).rejects.toThrow(TypeError);
  });

  it('stops on abort', async () => {
    server.use(http.post(TASKS, () => new Promise<never>(() => undefined)));
    const controller = new AbortController();
    const sending = sendPhoto(new Blob(['x']), 'cats', 'key', 'token', () => undefined, controller.signal);
    controller.abort();
    await expect(sending).rejects.toThrow(/abort/i);
  });
});
