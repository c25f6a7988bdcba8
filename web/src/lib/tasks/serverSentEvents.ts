/** Server-sent events out of a byte stream (WHATWG HTML, 9.2.6), as far as the gateway sends them: `data` and comments. */

/** Yields the data of each event; several `data` lines of one event are joined by line breaks. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      rest += decoder.decode(value, { stream: !done });
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      // What stands after the last line break goes on in the next chunk; an event that the end cuts off is none.
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line === '' && data.length > 0) {
          yield data.join('\n');
          data = [];
        } else if (line.startsWith('data:')) {
          data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
        }
      }
      if (done) return;
    }
  } finally {
    // Also where the caller has heard enough: the connection must not stay open.
    await reader.cancel().catch(() => undefined);
  }
}
