/**
 * Connections below HTTP, on which many requests are sent before the first is answered.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { ENTRIES, goodRequest, open } from './http.js';

/** The head of a submission whose body has `length` bytes. */
export function head(length: number): string {
  return `POST ${ENTRIES} HTTP/1.1\r\nHost: log\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
}

/** A submission as bytes: head and body. */
export function submission(request: object): string {
  const body = JSON.stringify(request);
  return `${head(body.length)}${body}`;
}

/** A request whose signature does not verify: it costs the log its validation, and nothing more. */
export function badSignature(): object {
  const { hashedRekordRequestV002: request } = goodRequest();
  return { hashedRekordRequestV002: { ...request, digest: randomBytes(32).toString('base64') } };
}

const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey.export({
  type: 'spki',
  format: 'der',
});

/** As `badSignature`, with a key on P-521, which takes forty times as long to validate. */
export function dearBadSignature(): object {
  const number = Buffer.concat([Buffer.of(0x02, 64, 0x01), randomBytes(63)]);
  return {
    hashedRekordRequestV002: {
      digest: randomBytes(64).toString('base64'),
      signature: {
        content: Buffer.concat([Buffer.of(0x30, 0x81, 132), number, number]).toString('base64'),
        verifier: {
          publicKey: { rawBytes: p521.toString('base64') },
          keyDetails: 'PKIX_ECDSA_P521_SHA_512',
        },
      },
    },
  };
}

/** A connection that keeps all bytes that it receives. */
export class Conversation {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  #received = '';
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        resolve();
      });
    });
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1');
      this.#wake();
    });
    void this.closed.then(() => {
      this.#wake();
    });
  }

  static async open(url: string): Promise<Conversation> {
    return new Conversation(await open(url));
  }

  /** The statuses of the answers so far, in order. */
  get statuses(): number[] {
    return [...this.#received.matchAll(/HTTP\/1\.1 ([0-9]{3}) /g)].map(([, status]) => Number(status));
  }

  get received(): string {
    return this.#received;
  }

  /** Waits for `count` answers, or the end of the connection. */
  async answers(count: number): Promise<number[]> {
    while (this.statuses.length < count && !this.socket.closed) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.statuses;
  }
}
