/**
 * A proxy before a real S3 server. It records each call of one log, and can delay the server's answer, drop it, or give
 * another. Calls are passed on as they were signed, with their `Host` header.
 * @module
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { MemoryStore } from './memory-store.js';
import { listenOnFreePort } from './free-port.js';

/**
 *   none     the connection stays open, and silent
 *   reset    the connection breaks
 *   half     the connection ends in the middle of the real answer
 *   short    the real answer with half of its body, as if that were all
 *   403…     a status that is not the server's
 */
export type Answer = 'none' | 'reset' | 'half' | 'short' | keyof typeof ERRORS;

/** A fault of one call. */
export interface Fault {
  /** The server sees the call only when this has settled, and never where `acts` is false. */
  readonly before?: Promise<void>;
  readonly acts: boolean;
  /** The server's answer is held back until this settles. */
  readonly after?: Promise<void>;
  /** Default: the server's answer. */
  readonly answer?: Answer;
}

/** The kind of a call. A create or a swap is a conditional PUT; `other` is a call that no log should send. */
export type Kind = 'create' | 'swap' | 'read' | 'delete' | 'delete many' | 'other';

export interface Call {
  readonly kind: Kind;
  /** Below the log's prefix. For `delete many`, all paths with spaces between them. */
  readonly path: string;
  /** For example `create tile/0/000.p/1`, and from its second time on `read checkpoint (2)`. */
  readonly name: string;
  /** The value of `If-None-Match` or `If-Match`. */
  readonly condition: string | undefined;
  /** Bytes sent. */
  readonly bytes: number;
  /** The status of the server's answer, once it has come. */
  status: number | undefined;
  /** Settles when the server has answered the call. */
  readonly done: Promise<void>;
}

/** S3's error codes for these statuses. */
const ERRORS = {
  403: 'AccessDenied',
  404: 'NoSuchKey',
  409: 'ConditionalRequestConflict',
  412: 'PreconditionFailed',
  500: 'InternalError',
  503: 'SlowDown',
} as const;

/** Headers that belong to a connection, and are not passed on. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'expect']);

/** The connections to servers, of all proxies. */
const AGENT = new Agent({ keepAlive: true });

/** An answer, as the server gave it. */
interface Real {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

export class S3Proxy {
  readonly url: string;
  readonly calls: Call[] = [];
  /** The log's objects on the server, and every write that the server has done, in order. */
  readonly taken: MemoryStore;
  readonly #endpoint: URL;
  readonly #folder: string;
  readonly #fault: (call: Call) => Fault | undefined;
  readonly #close: () => Promise<void>;
  /** Writes reach the server one at a time, so that they are recorded in the order in which the server does them. */
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(
    url: string,
    endpoint: string,
    { bucket, prefix, taken, fault }: ProxyOptions,
    close: () => Promise<void>,
  ) {
    this.url = url;
    this.#endpoint = new URL(endpoint);
    this.#folder = `/${bucket}/${prefix}`;
    this.taken = taken ?? new MemoryStore();
    this.#fault = fault ?? (() => undefined);
    this.#close = close;
  }

  /** Starts a proxy before the server at `endpoint`. */
  static async start(endpoint: string, options: ProxyOptions): Promise<S3Proxy> {
    const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, outgoing) => {
      // The client may have gone before there is an answer.
      proxy.#handle(incoming, outgoing).catch(() => outgoing.destroy());
    });
    const port = await listenOnFreePort(server);
    const proxy = new S3Proxy(`http://127.0.0.1:${port}`, endpoint, options, async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    });
    return proxy;
  }

  /** Waits for the writes that are on their way to the server. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  /** Breaks all connections. */
  async stop(): Promise<void> {
    await this.#close();
    await this.idle();
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = Buffer.concat(await incoming.toArray());
    let done!: () => void;
    const call = this.#callOf(incoming, body, new Promise((resolve) => (done = resolve)));
    this.calls.push(call);
    const fault = this.#fault(call);
    let real: Real | undefined;
    try {
      await fault?.before;
      if (fault?.acts !== false) real = await this.#act(call, incoming, body);
    } finally {
      done();
    }
    await fault?.after;
    answer(outgoing, real, fault?.answer);
  }

  #callOf(incoming: IncomingMessage, body: Buffer, done: Promise<void>): Call {
    const { pathname, searchParams } = new URL(incoming.url ?? '', this.#endpoint);
    const isMany = incoming.method === 'POST' && searchParams.has('delete');
    const keys = isMany ? keysIn(pathname, body) : [decodeURIComponent(pathname)];
    const isOfLog = keys.every((key) => key.startsWith(this.#folder));
    const path = isOfLog
      ? keys.map((key) => key.slice(this.#folder.length)).join(' ')
      : `outside of the log: ${keys.join(' ')}`;
    const { 'if-none-match': ifNoneMatch, 'if-match': ifMatch } = incoming.headers;
    const ofOne = isMany ? 'delete many' : kindOf(incoming);
    const kind = isOfLog ? ofOne : 'other';
    const first = `${kind === 'other' ? String(incoming.method) : kind} ${path}`;
    const times = this.calls.filter((each) => each.kind === kind && each.path === path).length;
    return {
      kind,
      path,
      name: times === 0 ? first : `${first} (${times + 1})`,
      condition: ifNoneMatch ?? ifMatch,
      bytes: body.length,
      status: undefined,
      done,
    };
  }

  /** Passes a call to the server, and records a write that the server has done. */
  #act(call: Call, incoming: IncomingMessage, body: Buffer): Promise<Real> {
    const act = async () => {
      const real = await this.#forward(incoming, body);
      call.status = real.status;
      if (call.kind !== 'read' && real.status < 300) this.#take(call, body);
      return real;
    };
    if (call.kind === 'read') return act();
    const acted = this.#writing.then(act);
    this.#writing = acted.catch(() => undefined);
    return acted;
  }

  #take({ kind, path }: Call, body: Buffer): void {
    assert.notEqual(kind, 'other');
    if (kind !== 'delete' && kind !== 'delete many') {
      this.taken.plant(path, body);
      return;
    }
    // S3 answers 204 also to the deletion of an object that does not exist. That is no write.
    for (const each of path.split(' '))
      if (this.taken.peek(each) !== undefined) this.taken.plant(each, undefined);
  }

  async #forward(incoming: IncomingMessage, body: Buffer): Promise<Real> {
    const { hostname, port } = this.#endpoint;
    const outgoing = request({
      host: hostname,
      port,
      method: incoming.method,
      path: incoming.url,
      headers: endToEnd(incoming.headers),
      agent: AGENT,
    });
    const [response] = (await once(outgoing.end(body), 'response')) as [IncomingMessage];
    const chunks = (await response.toArray()) as Buffer[];
    return {
      status: response.statusCode ?? 0,
      headers: endToEnd(response.headers),
      body: Buffer.concat(chunks),
    };
  }
}

export interface ProxyOptions {
  readonly bucket: string;
  /** The prefix of the log's keys. Calls for other keys are of the kind `other`. */
  readonly prefix: string;
  /** The log's objects that the server holds already. Default: none. */
  readonly taken?: MemoryStore;
  readonly fault?: (call: Call) => Fault | undefined;
}

/** The keys in a request that deletes many, each with the bucket before it, as in a path. */
function keysIn(pathname: string, body: Buffer): string[] {
  const bucket = pathname.replace(/\/$/, '');
  return [...body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) => `${bucket}/${key}`);
}

function kindOf({ method, headers }: IncomingMessage): Kind {
  if (method === 'GET') return 'read';
  if (method === 'DELETE') return 'delete';
  if (method !== 'PUT') return 'other';
  if (headers['if-none-match'] === '*') return 'create';
  return headers['if-match'] === undefined ? 'other' : 'swap';
}

function endToEnd(headers: NodeJS.Dict<string | string[]>): Record<string, string | string[]> {
  const kept = Object.entries(headers).filter(
    (header): header is [string, string | string[]] => header[1] !== undefined && !HOP_BY_HOP.has(header[0]),
  );
  return Object.fromEntries(kept);
}

/** Answers a call. `real` is the server's answer, undefined where the server was not asked. */
function answer(outgoing: ServerResponse, real: Real | undefined, wanted: Answer | undefined): void {
  const { socket } = outgoing;
  if (socket === null || socket.destroyed || wanted === 'none') return;
  if (typeof wanted === 'number') {
    send(outgoing, {
      status: wanted,
      headers: { 'content-type': 'application/xml' },
      body: Buffer.from(
        `<?xml version="1.0"?><Error><Code>${ERRORS[wanted]}</Code><Message>${wanted}</Message></Error>`,
      ),
    });
    return;
  }
  if (wanted === 'reset') {
    socket.resetAndDestroy();
    return;
  }
  assert.ok(real, 'only the server has an answer');
  const { headers, body } = real;
  const half = body.subarray(0, Math.floor(body.length / 2));
  if (wanted === 'half') {
    const head = [
      `HTTP/1.1 ${real.status} ${outgoing.statusMessage}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`),
    ].join('\r\n');
    // An answer without a body ends in the middle of its head.
    if (body.length === 0) socket.end(head.slice(0, head.length / 2));
    else socket.end(Buffer.concat([Buffer.from(`${head}\r\n\r\n`), half]));
    return;
  }
  send(outgoing, wanted === 'short' ? { ...real, body: half } : real);
}

function send(outgoing: ServerResponse, { status, headers, body }: Real): void {
  outgoing.writeHead(status, { ...headers, 'content-length': String(body.length) });
  outgoing.end(body);
}
