/**
 * Faults between a reader and the files: connections, headers, statuses, redirects, encodings.
 */
import { brotliCompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { at, BUNDLE, FULL, type Answer, type HostileCase } from '../support/hostile-log.js';

/** Writes raw bytes, without the headers that Node would add, and leaves the connection open. */
const raw = (text: string): Answer => {
  return (response) => response.socket?.write(text);
};

const redirect = (location: string, status = 302): Answer => {
  return (response) => response.writeHead(status, { location }).end('elsewhere');
};

export const HTTP_CASES: readonly HostileCase[] = [
  {
    name: 'no answer',
    fault: at(FULL, () => undefined),
    timeout: 300,
    error: ['UnreachableError', 'timeout', FULL, /tile\/0\/002: no whole answer within 0\.3 s$/],
    advances: false,
  },
  {
    name: 'headers, and no body',
    fault: at(FULL, raw('HTTP/1.1 200 OK\r\ncontent-length: 8192\r\n\r\n')),
    timeout: 300,
    error: ['UnreachableError', 'timeout', FULL, /no whole answer within 0\.3 s$/],
    advances: false,
  },
  {
    name: 'a byte now and then',
    fault: at(FULL, (response) => {
      const timer = setInterval(() => response.write('x'), 50);
      response.on('close', () => {
        clearInterval(timer);
      });
    }),
    timeout: 500,
    error: ['UnreachableError', 'timeout', FULL, /no whole answer within 0\.5 s$/],
    advances: false,
  },
  {
    name: 'headers without an end, slowly',
    fault: at(FULL, (response) => {
      response.socket?.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => response.socket?.write('x-more: 1\r\n'), 50);
      response.socket?.on('close', () => {
        clearInterval(timer);
      });
    }),
    timeout: 500,
    error: ['UnreachableError', 'timeout', FULL, /no whole answer within 0\.5 s$/],
    advances: false,
  },
  {
    name: 'headers without an end, fast',
    fault: at(FULL, raw(`HTTP/1.1 200 OK\r\n${'x-more: 1\r\n'.repeat(10_000)}`)),
    error: ['UnreachableError', 'unreachable', FULL, /tile\/0\/002: Headers Overflow/],
    advances: false,
  },
  {
    name: 'no HTTP',
    fault: at(FULL, raw('SSH-2.0-OpenSSH_9.2\r\n')),
    error: ['UnreachableError', 'unreachable', FULL, /tile\/0\/002: .*(its answer is no HTTP|Invalid)/],
    advances: false,
  },
  {
    name: 'a connection that closes',
    fault: at(FULL, (response) => response.socket?.destroy()),
    error: ['UnreachableError', 'unreachable', FULL, /tile\/0\/002: .*closed the connection/],
    advances: false,
  },
  {
    name: 'a body that breaks off',
    fault: at(BUNDLE, (response) => {
      response.writeHead(200, { 'content-length': 5000 }).write('x', () => response.socket?.destroy());
    }),
    error: [
      'UnreachableError',
      'interrupted',
      BUNDLE,
      /entries\/001: (other side closed|.*closed the connection|.*abort)/,
    ],
  },
  {
    name: 'the same once, and then the whole',
    fault: (logs) => (path, response, count) => {
      if (path !== BUNDLE || count % 2 === 1) return false;
      response.writeHead(200, { 'content-length': logs.log.file(BUNDLE).length }).write('x', () => {
        response.socket?.destroy();
      });
      return true;
    },
    retries: 1,
  },
  {
    name: 'a body without an end',
    fault: at(FULL, (response) => {
      const write = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', write);
      write();
    }),
    error: ['UnexpectedAnswerError', 'too-large', FULL, /has over 8192 bytes$/],
    advances: false,
  },
  {
    name: 'a Content-Length that is too small',
    fault: at(FULL, (response, { log }) => {
      response.socket?.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n');
      response.socket?.write(log.file(FULL));
    }),
    error: ['FormatError', 'format', FULL, /: a tile of width 256 has 8192 bytes, not 100$/],
    advances: false,
  },
  {
    name: 'two lengths',
    fault: at(FULL, raw('HTTP/1.1 200 OK\r\ncontent-length: 100\r\ncontent-length: 8192\r\n\r\n')),
    error: ['UnreachableError', 'unreachable', FULL, /tile\/0\/002: .*content-length/i],
    advances: false,
  },
  {
    name: 'brotli, which nobody asked for',
    fault: at(FULL, (response, { log }) => {
      response.writeHead(200, { 'content-encoding': 'br' }).end(brotliCompressSync(log.file(FULL)));
    }),
    error: ['UnexpectedAnswerError', 'encoding', FULL, /has the encoding "br"$/],
    advances: false,
  },
  {
    name: 'gzip that is none',
    fault: at(FULL, (response, { log }) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(log.file(FULL));
    }),
    error: ['FormatError', 'format', FULL, /^tile\/0\/002: gzip: incorrect header check$/],
    advances: false,
  },
  {
    name: 'a tile that a proxy has compressed',
    fault: at(FULL, (response, { log }) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(log.file(FULL)));
    }),
  },
  {
    name: 'bundles that a proxy has decompressed',
    fault: at(BUNDLE, (response, { log }) => response.end(gunzipSync(log.file(BUNDLE)))),
  },
  {
    name: 'bundles without their Content-Encoding',
    fault: at(BUNDLE, (response, { log }) => response.end(log.file(BUNDLE))),
  },
  ...[
    [204, 'refused'],
    [206, 'refused'],
    [304, 'refused'],
    [401, 'refused', ': a gate before the log wants its token .STELE_TOKEN.'],
    [403, 'refused'],
    [500, 'busy'],
    [502, 'busy'],
    [429, 'busy'],
  ].map(([status, code, hint = '']): HostileCase => ({
    name: `status ${status ?? 0}`,
    fault: at(FULL, (response, { log }) => response.writeHead(Number(status)).end(log.file(FULL))),
    error: [
      'UnreachableError',
      String(code),
      FULL,
      new RegExp(`tile/0/002: the server answers ${status ?? 0}${hint}$`),
    ],
    advances: false,
  })),
  {
    name: 'status 503 with Retry-After, once',
    fault: (logs) => (path, response, count) => {
      if (path !== FULL || count % 2 === 1) return false;
      response.writeHead(503, { 'retry-after': '0' }).end();
      return logs.log.size > 0;
    },
    retries: 1,
  },
  {
    name: 'a redirect to another origin',
    fault: (_, __, elsewhere) => (path, response) => {
      response.writeHead(302, { location: `${elsewhere.url}/${path}` }).end();
      return true;
    },
  },
  {
    name: 'a redirect to itself',
    fault: at(FULL, redirect('002')),
    error: ['UnexpectedAnswerError', 'redirect', FULL, /over 3 redirects$/],
    advances: false,
  },
  {
    name: 'a thousand redirects',
    fault: () => (path, response, count) => {
      if (!path.startsWith(FULL)) return false;
      redirect(`/log/${FULL}?${count}${path.length}`)(response, undefined as never, count);
      return true;
    },
    error: ['UnexpectedAnswerError', 'redirect', FULL, /over 3 redirects$/],
    advances: false,
  },
  ...['file:///etc/passwd', 'javascript:alert(1)', 'ftp://127.0.0.1/', 'data:,x', 'http://', ''].map(
    (location): HostileCase => ({
      name: `a redirect to "${location}"`,
      fault: at(FULL, redirect(location)),
      error: [
        'UnexpectedAnswerError',
        'redirect',
        FULL,
        location === ''
          ? /over 3 redirects$/
          : new RegExp(`redirected to "${location.replace(/[()]/g, '\\$&')}"$`),
      ],
      advances: false,
    }),
  ),
  {
    name: 'a redirect to nowhere',
    fault: at(FULL, (response) => response.writeHead(301).end()),
    error: ['UnexpectedAnswerError', 'redirect', FULL, /redirected to ""$/],
    advances: false,
  },
  {
    name: 'a page for every path',
    fault: () => (_, response) => {
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<!doctype html><p>Log in here.\n\n</p>\n');
      return true;
    },
    error: [
      'FormatError',
      'format',
      'checkpoint',
      /^checkpoint: note has "<\/p>" where a signature line belongs$/,
    ],
    advances: false,
  },
  {
    name: '404 for every path',
    fault: () => (_, response) => {
      response.writeHead(404).end();
      return true;
    },
    error: ['UnreachableError', 'no-log', 'checkpoint', /^there is no checkpoint: no log is here$/],
    advances: false,
  },
  {
    name: '403 for the checkpoint',
    fault: at('checkpoint', (response) => response.writeHead(403).end()),
    error: ['UnreachableError', 'refused', 'checkpoint', /checkpoint: the server answers 403$/],
    advances: false,
  },
];
