/** Parser for server-sent events (WHATWG HTML, 9.2.6), limited to what the gateway sends: `data` and comments. */

/** Yield the data of each event; several `data` lines of one event are joined by line breaks. */
export async function* readServerSentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      rest += decoder.decode(value, { stream: !done });
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      // An incomplete line continues in the next chunk; an incomplete event at the end is dropped.
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
    // Also if the caller stops early: the connection must not stay open.
    await reader.cancel().catch(() => undefined);
  }
}
