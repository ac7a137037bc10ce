/**
 * What goes wrong between a store and its bucket: each has an error of its own kind, which says what and where.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { ConfigurationError, UnreachableError } from '#src/errors.js';
import { S3Store } from '#src/store/s3.js';
import type { S3Options } from '#src/store/s3-place.js';
import type { ObjectStore } from '#src/store/store.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { s3Error, startS3Proxy, type S3Fault } from '../../support/s3-recorder.js';
import { describeWithS3 } from '../../support/with-s3.js';

const BYTES = encodeText('0123456789');

/** Every call that a store has. */
const CALLS: Readonly<Record<string, (store: ObjectStore) => Promise<unknown>>> = {
  create: (store) => store.create('tile/0/001', BYTES),
  read: (store) => store.read('tile/0/000'),
  readRange: (store) => store.readRange('tile/0/000', 2, 5),
  replace: (store) => store.replace('tile/0/000', BYTES, 'e'),
  delete: (store) => store.delete(['tile/0/001']),
  stat: (store) => store.stat('tile/0/000'),
};

const READS = ['read', 'readRange'] as const;

type Code = UnreachableError['code'];

describeWithS3('a bucket', (server) => {
  let bucket: string;

  beforeAll(async () => {
    bucket = await server.newBucket();
    const store = new S3Store({ bucket, prefix: 'log/' }, { endpoint: server.endpoint, pathStyle: true });
    expect(await store.create('tile/0/000', BYTES)).toBe(true);
    store.close();
  });

  async function withStore<T>(
    use: (store: S3Store) => Promise<T>,
    { name = bucket, ...options }: S3Options & { name?: string } = {},
  ): Promise<T> {
    const store = new S3Store(
      { bucket: name, prefix: 'log/' },
      { endpoint: server.endpoint, pathStyle: true, ...options },
    );
    try {
      return await use(store);
    } finally {
      store.close();
    }
  }

  async function withFault<T>(
    fault: S3Fault,
    use: (store: S3Store, requests: readonly string[]) => Promise<T>,
    options: S3Options = {},
  ): Promise<T> {
    const proxy = await startS3Proxy(server, fault);
    try {
      return await withStore((store) => use(store, proxy.requests), {
        endpoint: proxy.endpoint,
        ...options,
      });
    } finally {
      await proxy.close();
    }
  }

  /** Demands that a call fails so, and says where. */
  async function expectUnreachable(call: Promise<unknown>, code: Code, message: RegExp): Promise<void> {
    const error: unknown = await call.then(
      (value) => value,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error).toMatchObject({ code });
    const text = (error as Error).message;
    expect(text).toMatch(/^s3:\/\/\S+ at http:\/\/\S+: (get|put|delete) log\/tile\/0\/00[01]: [^\n]+$/);
    expect(text).toMatch(message);
    expect(text).not.toMatch(/undefined|\[object/);
  }

  describe.each(Object.entries(CALLS))('%s', (name, call) => {
    it('of a bucket that there is not', () =>
      withStore(
        (store) => expectUnreachable(call(store), 'refused', /the server answers 404 NoSuchBucket: /),
        {
          name: 'no-such-bucket',
        },
      ));

    it('with another secret, and with a key that nobody has', async () => {
      for (const [variable, message] of [
        ['AWS_SECRET_ACCESS_KEY', /the server answers 403 SignatureDoesNotMatch: /],
        [
          'AWS_ACCESS_KEY_ID',
          /the server answers 40[34] (InvalidAccessKeyId|AccessDenied|XAdminUserNotFound): /,
        ],
      ] as const) {
        vi.stubEnv(variable, 'another');
        await withStore((store) => expectUnreachable(call(store), 'refused', message));
        vi.unstubAllEnvs();
      }
    });

    it('without credentials', async () => {
      for (const variable of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(variable, undefined);
      // The other places where they might be.
      vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
      vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere');
      vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
      const refusal = withStore(call);
      await expect(refusal).rejects.toMatchObject({ name: 'UnreachableError', code: 'no-credentials' });
      await expect(refusal).rejects.toThrow(/: there are no credentials \(AWS_ACCESS_KEY_ID and /);
      vi.unstubAllEnvs();
    });

    it('without a region, on AWS', async () => {
      for (const region of [undefined, '']) {
        vi.stubEnv('AWS_REGION', region);
        vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
        const refusal = withStore(call, { endpoint: undefined });
        await expect(refusal).rejects.toThrow(ConfigurationError);
        await expect(refusal).rejects.toThrow(/: give the region, by --s3-region or AWS_REGION$/);
        vi.unstubAllEnvs();
      }
    });

    it('from a port at which nobody listens', () =>
      withStore((store) => expectUnreachable(call(store), 'unreachable', /ECONNREFUSED/), {
        endpoint: 'http://127.0.0.1:1',
      }));

    it('from a server whose error has no end', async () => {
      let sent = 0;
      const piece = Buffer.alloc(65_536, '<');
      const endless: S3Fault = (_request, _real, response) => {
        response.writeHead(500, { 'content-type': 'application/xml' });
        const write = () => {
          while (!response.destroyed && response.write(piece)) sent += piece.length;
        };
        response.on('drain', write);
        write();
        return 'answered';
      };
      await withFault(endless, (store) =>
        expectUnreachable(call(store), 'busy', /: the server answers 500 without an error of S3$/),
      );
      // What is in the sockets' buffers, and no more.
      expect(sent).toBeLessThan(2 ** 24);
    });

    it('from a server that accepts, and says nothing', () =>
      withFault(
        () => 'answered',
        (store) => expectUnreachable(call(store), 'timeout', /: no whole answer within 0\.3(01)? s$/),
        { timeout: 300 },
      ));

    it('from a server that closes the connection', () =>
      withFault(
        (_request, _real, response) => {
          response.destroy();
          return 'answered';
        },
        (store) => expectUnreachable(call(store), 'unreachable', /closed the connection/),
      ));

    it('from a server that is no HTTP server', async () => {
      const other = await startTalker('220 mail.example ESMTP\r\n');
      await withStore((store) => expectUnreachable(call(store), 'unreachable', /its answer is no HTTP$/), {
        endpoint: other.endpoint,
      });
      other.server.close();
    });

    it.each<[string, S3Fault, Code, RegExp]>([
      ['that asks for patience', () => s3Error(503, 'SlowDown'), 'busy', /answers 503 SlowDown: so it is$/],
      ['that failed', () => s3Error(500, 'InternalError'), 'busy', /answers 500 InternalError: so it is$/],
      [
        'where others write too',
        () => s3Error(409, 'ConditionalRequestConflict'),
        'busy',
        /answers 409 Cond/,
      ],
      ['that limits requests', () => s3Error(429, 'TooManyRequests'), 'busy', /answers 429 TooMany/],
      [
        'that forbids it',
        () => s3Error(403, 'AccessDenied'),
        'refused',
        /answers 403 AccessDenied: so it is$/,
      ],
      ['that refuses the request', () => s3Error(400, 'BadRequest'), 'refused', /answers 400 BadRequest/],
      ['that sends elsewhere', () => s3Error(301, 'PermanentRedirect'), 'refused', /answers 301 PermanentR/],
      ['whose proxy has a page', () => page(502), 'busy', /answers 502 /],
      ['whose proxy wants a login', () => page(407), 'refused', /answers 407 /],
      ['that knows no such page', () => page(404), 'refused', /answers 404 /],
      [
        'that knows no such method',
        () => ({ status: 501, body: new Uint8Array(0) }),
        'refused',
        /answers 501 /,
      ],
    ])('from a server %s', (_, fault, code, message) =>
      withFault(fault, async (store, requests) => {
        await expectUnreachable(call(store), code, message);
        // Whoever called tries again, and nobody else does.
        expect(requests).toHaveLength(1);
        expect(requests[0]).toContain(name === 'create' || name === 'delete' ? '001' : '000');
      }),
    );
  });

  describe.each(READS)('%s', (name) => {
    const status = name === 'read' ? 200 : 206;
    const part = name === 'read' ? {} : { 'content-range': 'bytes 2-4/10' };
    const read = CALLS[name] as (store: ObjectStore) => Promise<unknown>;

    it('of an answer that breaks off, at its length or without one', async () => {
      for (const headers of [{ 'content-length': '3' }, {}] as const) {
        const fault: S3Fault = (_request, _real, response) => {
          response.writeHead(status, { etag: '"e"', ...part, ...headers });
          response.write('01', () => response.destroy());
          return 'answered';
        };
        await withFault(fault, (store) =>
          expectUnreachable(read(store), 'interrupted', /other side closed|ECONNRESET/),
        );
      }
    });

    it('of an answer that never ends', () =>
      withFault(
        (_request, _real, response) => {
          response.writeHead(status, { etag: '"e"', ...part }).write('01');
          return 'answered';
        },
        (store) => expectUnreachable(read(store), 'timeout', /: no whole answer within 0\.3 s$/),
        { timeout: 300 },
      ));

    it('of a page, with 200', () =>
      withFault(
        () => page(200),
        (store) => expectUnreachable(read(store), 'refused', /the answer has no body, or no ETag$/),
      ));
  });

  describe('delete of many', () => {
    const paths = ['tile/0/000.p/1', 'tile/0/000.p/2', 'tile/0/000.p/3'];
    const answer =
      (errors: string): S3Fault =>
      () => ({
        status: 200,
        headers: { 'content-type': 'application/xml' },
        body: encodeText(`<?xml version="1.0"?><DeleteResult>${errors}</DeleteResult>`),
      });
    const error = (key: string, code: string) =>
      `<Error><Key>log/${key}</Key><Code>${code}</Code><Message>so it is</Message></Error>`;

    it.each([
      ['AccessDenied', 'refused'],
      ['InternalError', 'busy'],
      ['SlowDown', 'busy'],
    ] as const)('from a server that does all, it says, but %s', (code, kind) =>
      withFault(answer(error('tile/0/000.p/2', code) + error('tile/0/000.p/3', code)), async (store) => {
        const deleting = store.delete(paths);
        await expect(deleting).rejects.toThrow(UnreachableError);
        await expect(deleting).rejects.toMatchObject({ code: kind });
        await expect(deleting).rejects.toThrow(
          `: delete log/tile/0/000.p/1 and 2 others: the server does not delete log/tile/0/000.p/2 and 1 others: ${code}: so it is`,
        );
      }),
    );

    it('from a server to which it is an error that one is not there', () =>
      withFault(answer(error('tile/0/000.p/2', 'NoSuchKey')), (store) => store.delete(paths)));

    it('is one request for a thousand', () =>
      withFault(
        () => undefined,
        async (store, requests) => {
          for (const path of paths) await store.create(path, encodeText('x'));
          const many = Array.from({ length: 1_000 }, (_, i) => `staging/${i}`);
          const before = requests.length;
          await store.delete([...many, ...paths]);
          expect(requests.slice(before)).toStrictEqual(['POST ', 'POST ']);
          for (const path of paths) expect(await store.stat(path)).toBeUndefined();
        },
      ));

    it.each([405, 501])('goes one by one where the server has no such request (%s)', (status) =>
      withFault(
        ({ method }) => (method === 'POST' ? s3Error(status, 'NotImplemented') : undefined),
        async (store, requests) => {
          for (const path of paths) await store.create(path, encodeText('x'));
          const before = requests.length;
          await store.delete(paths);
          await store.delete(paths);
          // It is asked once.
          const singly = paths.map((path) => `DELETE log/${path}`);
          expect(requests.slice(before)).toStrictEqual(['POST ', ...singly, ...singly]);
          for (const path of paths) expect(await store.stat(path)).toBeUndefined();
        },
      ),
    );
  });

  it('readRange of more than was asked for, or of another part', async () => {
    for (const [part, body, message] of [
      ['bytes 2-4/10', '2345', /the answer is over 3 bytes$/],
      ['bytes 0-2/10', '012', /the answer is of bytes 0-2\/10, and not of the range that was asked for$/],
      [undefined, '0123456789', /the answer is of all, and not of the range that was asked for$/],
    ] as const) {
      await withFault(
        () => ({ status: 206, headers: { etag: '"e"', 'content-range': part }, body: encodeText(body) }),
        (store) => expectUnreachable(store.readRange('tile/0/000', 2, 5), 'refused', message),
      );
    }
  });

  it('readRange of the beginning, from a server that has no ranges, is the beginning', () =>
    withFault(
      () => ({ status: 200, headers: { etag: '"e"', 'content-length': '10' }, body: BYTES }),
      async (store) => {
        const part = { size: 10, etag: 'e' };
        expect(await store.readRange('tile/0/000', 0, 4)).toEqual({ ...part, bytes: Buffer.from('0123') });
        expect(await store.readRange('tile/0/000', 0, 20)).toEqual({ ...part, bytes: Buffer.from(BYTES) });
      },
    ));

  it('and no more of it is read, though it goes on without end', () =>
    withFault(
      (_request, _real, response) => {
        response.writeHead(200, { etag: '"e"', 'content-length': String(2 ** 40) });
        const pour = () => {
          while (response.write(Buffer.alloc(65_536)));
        };
        response.on('drain', pour).on('error', () => undefined);
        pour();
        return 'answered';
      },
      async (store) => {
        const part = await store.readRange('tile/0/000', 0, 100);
        expect(part?.bytes).toHaveLength(100);
        expect(part?.size).toBe(2 ** 40);
        // Nor of what is too long to be read at all.
        await expect(store.read('tile/0/000')).rejects.toThrow(/^tile\/0\/000 has over 8192 bytes/);
      },
    ));
});

function page(status: number) {
  return { status, headers: { 'content-type': 'text/html' }, body: encodeText('<html><p>Hello, &nbsp;') };
}

/** A server that says something to whoever connects. */
async function startTalker(words: string): Promise<{ server: Server; endpoint: string }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(words);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  return { server, endpoint: `http://127.0.0.1:${address.port}` };
}
