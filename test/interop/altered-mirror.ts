/**
 * A mirror of a log that serves some of its files with one byte changed. The log behind it may grow meanwhile.
 * @module
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** One byte of each file whose path matches; from the end where negative. */
export interface Alteration {
  readonly path: RegExp;
  readonly at: number;
}

/** Runs `use` with the URL of a mirror. Fails when no altered file was fetched: then nothing was tried. */
export async function withMirror<T>(
  log: string,
  { path, at }: Alteration,
  use: (url: string) => Promise<T>,
): Promise<T> {
  let altered = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const asked = request.url ?? '';
    // Decompressed, and served so.
    const original = await fetch(`${log}${asked}`);
    const bytes = Buffer.from(await original.arrayBuffer());
    if (original.ok && path.test(asked)) {
      const place = (at + bytes.length) % bytes.length;
      bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
      altered += 1;
    }
    response.writeHead(original.status).end(bytes);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  try {
    const result = await use(`http://127.0.0.1:${address.port}`);
    if (altered === 0) throw new Error(`nothing that matches ${String(path)} was fetched`);
    return result;
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
}
