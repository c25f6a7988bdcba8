import { describe, expect, it } from 'vitest';

import { readServerSentEvents } from './serverSentEvents';

function streamOf(...chunks: (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(typeof chunk === 'string' ? encoder.encode(chunk) : chunk);
      controller.close();
    },
  });
}

async function collect(body: ReadableStream<Uint8Array>): Promise<string[]> {
  const events = [];
  for await (const event of readServerSentEvents(body)) events.push(event);
  return events;
}

describe('readServerSentEvents', () => {
  it('yields events in order', async () => {
    expect(await collect(streamOf('data: {"a":1}\n\ndata: {"a":2}\n\n'))).toEqual(['{"a":1}', '{"a":2}']);
  });

  it('handles chunks that split a Hangul syllable or a line break', async () => {
    const bytes = new TextEncoder().encode('data: 민지\r\n\r\ndata: 2\r\n\r\n');
    const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
    expect(await collect(streamOf(...single))).toEqual(['민지', '2']);
  });

  it('joins the lines of one event and ignores comments and other fields', async () => {
    expect(await collect(streamOf(': hello\nid: 7\ndata: a\ndata:b\n\n'))).toEqual(['a\nb']);
  });

  it('drops an incomplete event at the end of the connection', async () => {
    expect(await collect(streamOf('data: whole\n\ndata: ha'))).toEqual(['whole']);
  });

  it('cancels the connection when the reader stops early', async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('data: 1\n\n')),
      cancel: () => {
        cancelled = true;
      },
    });
    for await (const event of readServerSentEvents(body)) {
      expect(event).toBe('1');
      break;
    }
    expect(cancelled).toBe(true);
  });
});
