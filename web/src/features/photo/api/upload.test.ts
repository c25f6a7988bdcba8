import { describe, expect, it } from 'vitest';

import { http, HttpResponse, refusal, server } from '@/test/server';

import { answer, sendPhoto } from './upload';

const never = new AbortController().signal;
const TASKS = '*/api/v1/faces/tasks';

describe('what the server says to an upload', () => {
  it('is the task, where the photo is accepted', () => {
    expect(answer(202, '{"task_id":"t"}', null)).toEqual({ kind: 'accepted', taskId: 't' });
  });

  it('is when to come back, where there is too much to do', () => {
    expect(answer(429, '{"code":8,"message":"","details":[]}', '7')).toEqual({ kind: 'later', seconds: 7 });
    expect(answer(429, '', null)).toEqual({ kind: 'later', seconds: 2 });
  });

  it('is when to come back, where the gateway has no room at this moment', () => {
    const body = JSON.stringify({ code: 14, message: '', details: [{ '@type': '', reason: 'OVERLOADED' }] });
    expect(answer(503, body, '1')).toEqual({ kind: 'later', seconds: 1 });
  });

  it('is a refusal, where there is nothing to wait for before tomorrow', () => {
    const body = JSON.stringify({ code: 8, message: '', details: [{ '@type': '', reason: 'TOO_MANY_PHOTOS_TODAY' }] });
    expect(answer(429, body, '40000')).toEqual({ kind: 'refused', reason: 'TOO_MANY_PHOTOS_TODAY' });
  });

  it('is when to come back, where the same upload has not ended', () => {
    const body = JSON.stringify({
      code: 10,
      message: '',
      details: [{ '@type': '', reason: 'IDEMPOTENT_CALL_UNDER_WAY' }],
    });
    expect(answer(409, body, '1')).toEqual({ kind: 'later', seconds: 1 });
  });

  it('is that the token is no good', () => {
    expect(answer(401, '', null)).toEqual({ kind: 'unauthenticated' });
  });

  it('is the reason of a refusal, in whatever shape it comes', () => {
    const body = JSON.stringify({ code: 3, message: '', details: [{ '@type': '', reason: 'PHOTO_DAMAGED' }] });
    expect(answer(400, body, null)).toEqual({ kind: 'refused', reason: 'PHOTO_DAMAGED' });
    expect(answer(413, 'Payload Too Large', null)).toEqual({ kind: 'refused', reason: 'PHOTO_TOO_LARGE' });
    expect(answer(502, '<html>', null)).toEqual({ kind: 'refused', reason: 'UNKNOWN' });
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
    const said = await sendPhoto(new Blob(['bytes']), 'cats', 'key', 'token', () => undefined, never);
    expect(said).toEqual({ kind: 'accepted', taskId: 'bytes cats key Bearer token' });
  });

  it('tells the reason of a refusal', async () => {
    server.use(http.post(TASKS, () => refusal(400, 'PHOTO_TRUNCATED')));
    const said = await sendPhoto(new Blob(['bytes']), 'cats', 'key', 'token', () => undefined, never);
    expect(said).toEqual({ kind: 'refused', reason: 'PHOTO_TRUNCATED' });
  });

  it('rejects as fetch does where there is no connection', async () => {
    server.use(http.post(TASKS, () => HttpResponse.error()));
    await expect(sendPhoto(new Blob(['x']), 'cats', 'key', 'token', () => undefined, never)).rejects.toThrow(TypeError);
  });

  it('stops when it is told to', async () => {
    server.use(http.post(TASKS, () => new Promise<never>(() => undefined)));
    const leaving = new AbortController();
    const sending = sendPhoto(new Blob(['x']), 'cats', 'key', 'token', () => undefined, leaving.signal);
    leaving.abort();
    await expect(sending).rejects.toThrow(/abort/i);
  });
});
