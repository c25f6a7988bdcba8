import { describe, expect, it } from 'vitest';
import { readEvents } from './serverSentEvents';

function streamOf(...chunks: (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(typeof chunk === 'string' ? encoder.encode(chunk) : chunk);
      controller.close();
    },
  });
}

async function all(body: ReadableStream<Uint8Array>): Promise<string[]> {
  const events = [];
  for await (const event of readEvents(body)) events.push(event);
  return events;
}

describe('readEvents', () => {
  it('yields one event after the other', async () => {
    expect(await all(streamOf('data: {"a":1}\n\ndata: {"a":2}\n\n'))).toEqual(['{"a":1}', '{"a":2}']);
  });

  it('does not mind where the network cuts, in the middle of a Hangul syllable and of a line break too', async () => {
    const bytes = new TextEncoder().encode('data: 민지\r\n\r\ndata: 2\r\n\r\n');
    const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
    expect(await all(streamOf(...single))).toEqual(['민지', '2']);
  });

  it('joins the lines of one event and passes over comments and other fields', async () => {
    expect(await all(streamOf(': hello\nid: 7\ndata: a\ndata:b\n\n'))).toEqual(['a\nb']);
  });

  it('does not take an event that the end of the connection cut off', async () => {
    expect(await all(streamOf('data: whole\n\ndata: ha'))).toEqual(['whole']);
  });

  it('lets go of the connection when the reader has heard enough', async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('data: 1\n\n')),
      cancel: () => {
        cancelled = true;
      },
    });
    for await (const event of readEvents(body)) {
      expect(event).toBe('1');
      break;
    }
    expect(cancelled).toBe(true);
  });
});
