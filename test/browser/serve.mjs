// Serves the page of this folder and the modules that it imports, as they ship: no bundler is between. To look at it:
//
//     npm run build && node test/browser/serve.mjs
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath, URL } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
};

/** Folders of the project that are served, and nothing else of it. */
const SERVED =
  /^\/(test\/browser|dist\/(reader|tiles-spec|src)|node_modules\/(@noble|canonicalize|zod))\/[\w./-]+$/;

/** Serves the page on a free port of this machine, unless told which. Returns the server, and the page's URL. */
export async function servePage(port = 0) {
  const server = createServer((request, response) => {
    void answer(new URL(request.url ?? '', 'http://localhost').pathname, response);
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${server.address().port}/test/browser/index.html` };
}

async function answer(path, response) {
  const type = TYPES[extname(path)];
  const bytes =
    type !== undefined && SERVED.test(path)
      ? await readFile(join(ROOT, path)).catch(() => undefined)
      : undefined;
  if (bytes === undefined) response.writeHead(404).end();
  else response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache' }).end(bytes);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log((await servePage(8080)).url);
