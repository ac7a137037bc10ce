/**
 * A company's network for tests: an HTTP proxy, and TLS by a private authority. The proxy resolves every name that ends
 * in `.invalid` to this machine. Nothing else resolves such a name, so every request that arrives came by the proxy.
 * @module
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { listenOnFreePort } from './free-port.js';

export interface Proxy {
  /** Without a name and a password. */
  readonly url: string;
  /** The requests it got: `CONNECT log.invalid:443`, `GET http://log.invalid/checkpoint`. */
  readonly requests: string[];
  readonly close: () => void;
}

export interface ProxyOptions {
  /** The name and password that the proxy requires, `name:password`. Default: none. */
  readonly credentials?: string;
  /** The status of all answers; `never` for none, `close` to close the connection. Default: requests are passed on. */
  readonly refuse?: Refusal;
}

type Refusal = number | 'never' | 'close';

/** Starts a proxy that makes tunnels, and passes plain requests on. */
export async function startProxy({ credentials, refuse }: ProxyOptions = {}): Promise<Proxy> {
  const requests: string[] = [];
  const refusalOf = ({ headers, method = '', url = '' }: IncomingMessage): Refusal | undefined => {
    requests.push(`${method} ${url}`);
    const wanted = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
    return refuse ?? (wanted === headers['proxy-authorization'] ? undefined : 407);
  };
  const server = createServer((incoming, response) => {
    const refusal = refusalOf(incoming);
    if (typeof refusal === 'number') response.writeHead(refusal).end('<html>the proxy says no</html>');
    else if (refusal === 'close') response.destroy();
    else if (refusal === undefined) pass(incoming, response, new URL(incoming.url ?? ''));
  });
  server.on('connect', (incoming: IncomingMessage, client: Duplex, head: Buffer) => {
    client.on('error', () => undefined);
    const refusal = refusalOf(incoming);
    if (typeof refusal === 'number') client.end(`HTTP/1.1 ${refusal} No\r\nContent-Length: 0\r\n\r\n`);
    if (refusal === 'close') client.end();
    if (refusal !== undefined) return;
    const { hostname, port } = new URL(`http://${incoming.url ?? ''}`);
    const target: Socket = connect(Number(port), here(hostname), () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.write(head);
      client.pipe(target).pipe(client);
    });
    target.on('error', () => client.destroy());
  });
  return { ...(await listen(server, 'http')), requests };
}

function here(hostname: string): string {
  return hostname.endsWith('.invalid') ? '127.0.0.1' : hostname;
}

/** Passes a request on to `to`, and its answer back. */
export function pass(incoming: IncomingMessage, response: ServerResponse, to: URL): void {
  const { method, headers } = incoming;
  const options = {
    host: here(to.hostname),
    port: to.port,
    path: `${to.pathname}${to.search}`,
    method,
    headers,
  };
  const sent = request(options, (answer) => {
    response.writeHead(answer.statusCode ?? 599, answer.headers);
    answer.pipe(response);
  });
  sent.on('error', () => response.destroy());
  incoming.pipe(sent);
}

/** A server that listens, and how it ends. */
export interface Listening {
  readonly url: string;
  readonly close: () => void;
}

/** Listens on a free port of 127.0.0.1. @param scheme of the server's URL. */
export async function listen(server: Server, scheme: 'http' | 'https'): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const port = await listenOnFreePort(server);
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    close: () => {
      server.close();
      // A server no longer knows the connections that it has turned into tunnels.
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A private certificate authority in a folder. Its certificate is `ca.pem`, which no program trusts by default. */
export class PrivateAuthority {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#openssl(
      'req',
      '-x509',
      ...NEW_KEY,
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-subj',
      '/CN=Test',
      '-days',
      '2',
    );
  }

  get certificate(): string {
    return readFileSync(join(this.#folder, 'ca.pem'), 'utf8');
  }

  /** Starts a TLS server, with a certificate for `*.invalid` and for this machine. */
  serve(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<Listening> {
    writeFileSync(
      join(this.#folder, 'names'),
      'subjectAltName=DNS:log.invalid,DNS:s3.invalid,IP:127.0.0.1\n',
    );
    this.#openssl('req', ...NEW_KEY, '-keyout', 'tls.key', '-out', 'tls.csr', '-subj', '/CN=log.invalid');
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names'];
    this.#openssl('x509', '-req', '-in', 'tls.csr', '-out', 'tls.pem', ...by);
    const [key, cert] = ['tls.key', 'tls.pem'].map((name) => readFileSync(join(this.#folder, name)));
    return listen(createTlsServer({ key, cert }, handle), 'https');
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: 'ignore' });
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
