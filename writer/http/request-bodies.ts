/**
 * The request bodies in memory: each bounded, all together, and those that are long so that there is always room for
 * short ones.
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { UnavailableError } from '../../src/errors.js';
import { HttpError, STATUS } from './problem.js';

/** Bytes of bodies in memory at once, until they are validated. */
const MAX_HELD = 128 * 1024 * 1024;

/** Bytes of these that long bodies may take. */
const MAX_HELD_LONG = 96 * 1024 * 1024;

/** Bytes of a body from which on it is long: every request for an entry but one of a large envelope is shorter. */
const LONG = 64 * 1024;

/** A body that is being read, or was read and waits to be validated. */
export class RequestBody {
  bytes: Uint8Array = new Uint8Array(0);
  /** How many bytes it has taken of the room so far. */
  length = 0;
  readonly startedAt = performance.now();
  readonly #release: (body: RequestBody) => void;

  constructor(release: (body: RequestBody) => void) {
    this.#release = release;
  }

  get isLong(): boolean {
    return this.length > LONG;
  }

  /** Gives its room back. Nobody may use its bytes any more. */
  release(): void {
    this.#release(this);
    this.bytes = new Uint8Array(0);
  }
}

export class RequestBodies {
  readonly #maxBody: number;
  #held = 0;
  #heldLong = 0;
  /** What refuses each long body that is being read. */
  readonly #readingLong = new Map<RequestBody, (error: Error) => void>();

  /** @param maxBody the longest body, in bytes. */
  constructor(maxBody: number) {
    this.#maxBody = maxBody;
  }

  /**
   * Reads a request's body. Its bytes count from when they arrive until it is released.
   * @param onReading given what refuses the body while it is being read.
   * @throws HttpError for one that is too long; UnavailableError where there is no room, or the client has left.
   */
  async read(
    request: IncomingMessage,
    onReading: (refuse: ((error: Error) => void) | undefined) => void,
  ): Promise<RequestBody> {
    const body = new RequestBody(this.#release);
    const chunks: Uint8Array[] = [];
    let settle!: () => void;
    let refuse!: (error: Error) => void;
    const whole = new Promise<void>((resolve, reject) => {
      settle = resolve;
      refuse = reject;
    });
    const onData = (chunk: Buffer) => {
      try {
        this.#hold(body, chunk.length, refuse);
        chunks.push(chunk);
      } catch (error) {
        refuse(error as Error);
      }
    };
    const onLeft = () => {
      refuse(new UnavailableError('the client has left'));
    };
    request.on('data', onData).on('end', settle).on('error', onLeft).on('close', onLeft);
    if (request.destroyed) onLeft();
    onReading(refuse);
    try {
      await whole;
      body.bytes = chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
      return body;
    } catch (error) {
      body.release();
      // The answer is read by a client that has sent all: what is still to come is dropped as it comes.
      request.off('data', onData).resume();
      throw error;
    } finally {
      this.#readingLong.delete(body);
      onReading(undefined);
    }
  }

  /** Takes room for more of a body. @throws as `read`. */
  #hold(body: RequestBody, bytes: number, refuse: (error: Error) => void): void {
    if (body.length + bytes > this.#maxBody) throw bodyTooLong(this.#maxBody);
    const wasLong = body.isLong;
    body.length += bytes;
    this.#held += bytes;
    if (body.isLong) {
      this.#heldLong += wasLong ? bytes : body.length;
      this.#readingLong.set(body, refuse);
    }
    while (this.#held > MAX_HELD || this.#heldLong > MAX_HELD_LONG) {
      const slowest = this.#slowest();
      const refusal = new UnavailableError('too many requests are being read; try again');
      if (slowest === undefined || slowest === body) throw refusal;
      this.#readingLong.get(slowest)?.(refusal);
      slowest.release();
    }
  }

  /** Of the long bodies that are being read, the one that comes most slowly: it takes its room for longest. */
  #slowest(): RequestBody | undefined {
    const now = performance.now();
    const [first, ...others] = this.#readingLong.keys();
    const rate = ({ length, startedAt }: RequestBody) => length / (now - startedAt);
    return others.reduce((a, b) => (a === undefined || rate(b) < rate(a) ? b : a), first);
  }

  readonly #release = (body: RequestBody): void => {
    this.#held -= body.length;
    if (body.isLong) this.#heldLong -= body.length;
    body.length = 0;
    this.#readingLong.delete(body);
  };
}

export function bodyTooLong(maxBody: number): HttpError {
  return new HttpError(STATUS.tooLarge, `the request body is over ${maxBody} bytes (--max-body)`);
}
