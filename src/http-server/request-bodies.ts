/**
 * The request bodies in memory. Each is bounded, and all of them together. Long ones are bounded and slowed down once
 * more, so that there is always room and time for short ones.
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { UnavailableError } from '../errors.js';
import type { BodyRequest } from '../http/answer.js';
import { bodyTooLong } from './body-headers.js';
import type { Connections } from './connections.js';
import { HttpError } from '../http/problem.js';

/** Bytes of all bodies in memory. */
const MAX_BODY_BYTES = 128 * 1024 * 1024;

/** Bytes of long bodies in memory, which count to the former too. */
const MAX_LONG_BODY_BYTES = 96 * 1024 * 1024;

/** A body of more bytes is long. Every request for an entry is shorter, unless it brings a large envelope. */
const LONG = 64 * 1024;

/**
 * Bytes a second of long bodies, all together. A byte costs the thread that publishes 5 ns; bodies of 4 MiB come eight
 * a second.
 */
const LONG_RATE = 32 * 1024 * 1024;

/** Bytes of long bodies that may come at once after a time without any. */
const LONG_BURST = 8 * 1024 * 1024;

/** How often long bodies that wait for their share of the rate are read on, in milliseconds. */
const LONG_PAUSE = 20;

const CLIENT_LEFT = 'the client has left';

/** A body that is being read, or has come and waits to be validated. */
export class RequestBody implements BodyRequest {
  pieces: Uint8Array[] = [];
  /** Bytes that count against the limits. */
  length = 0;
  readonly connection: object;
  readonly startedAt = performance.now();
  #hasEnded = false;
  #onEnd: () => void = () => undefined;
  readonly #release: (body: RequestBody) => void;

  constructor(connection: object, release: (body: RequestBody) => void) {
    this.connection = connection;
    this.#release = release;
  }

  get isLong(): boolean {
    return this.length > LONG;
  }

  release(): void {
    this.#release(this);
    this.pieces = [];
  }

  onEnd(listener: () => void): void {
    if (this.#hasEnded) listener();
    else this.#onEnd = listener;
  }

  /** To be called when the client has its answer, or has left. */
  end(): void {
    this.#hasEnded = true;
    this.#onEnd();
    this.release();
  }
}

/** How the reading of a body is steered. */
interface Reading {
  readonly refuse: (error: Error) => void;
  readonly pause: () => void;
  readonly resume: () => void;
}

export class RequestBodies {
  readonly #maxBody: number;
  readonly #connections: Connections;
  /** Bytes of all bodies, and of long ones. */
  #held = 0;
  #heldLong = 0;
  /** The long bodies that are being read. */
  readonly #long = new Map<RequestBody, Reading>();
  /** The readings of long bodies that wait for their share of the rate, the next one first. */
  readonly #paused = new Set<Reading>();
  /** Bytes of long bodies that may be read now. */
  #allowance = LONG_BURST;
  #allowedAt = performance.now();

  /**
   * @param maxBody the longest body, in bytes.
   * @param connections can break off the reading of a body.
   */
  constructor(maxBody: number, connections: Connections) {
    this.#maxBody = maxBody;
    this.#connections = connections;
  }

  /**
   * Reads a request's body. Its bytes count against the limits from their arrival until `release`.
   * @throws HttpError for a body that is too long, or that breaks HTTP; UnavailableError where there is no room, or the
   *   client has left.
   */
  async read(request: IncomingMessage): Promise<RequestBody> {
    const body = new RequestBody(request.socket, this.#release);
    let resolve!: () => void;
    let refuse!: (error: Error) => void;
    const whole = new Promise<void>((settle, reject) => {
      resolve = settle;
      refuse = reject;
    });
    const reading = { refuse, pause: () => request.pause(), resume: () => request.resume() };
    const onData = (piece: Buffer) => {
      const refusal = this.#hold(body, piece.length, reading);
      if (refusal === undefined) body.pieces.push(piece);
      else refuse(refusal);
    };
    const onLeft = () => {
      // Every request closes in the end, and an error costs a stack trace: make none for a body that has come.
      if (!request.readableEnded) refuse(new UnavailableError(CLIENT_LEFT));
    };
    request.on('data', onData).on('end', resolve).on('error', onLeft).on('close', onLeft);
    if (request.destroyed) onLeft();
    this.#connections.reading(request, refuse);
    try {
      await whole;
      return body;
    } catch (error) {
      body.release();
      throw error;
    } finally {
      // The request lives until its answer is sent, and its listeners would keep the body's pieces until then.
      request.off('data', onData).off('end', resolve).off('error', onLeft).off('close', onLeft);
      // A client that is still sending does not read its answer: take the rest of the body, and drop it.
      if (!request.readableEnded) request.resume();
      this.#long.delete(body);
      this.#paused.delete(reading);
    }
  }

  /** Counts more bytes of a body. Returns why there is no room for them, if there is none. */
  #hold(body: RequestBody, bytes: number, reading: Reading): Error | undefined {
    if (body.length + bytes > this.#maxBody) return new HttpError(bodyTooLong(this.#maxBody));
    const wasLong = body.isLong;
    body.length += bytes;
    this.#held += bytes;
    if (body.isLong) {
      this.#heldLong += wasLong ? bytes : body.length;
      this.#long.set(body, reading);
      this.#slowDown(bytes, reading);
    }
    while (this.#held > MAX_BODY_BYTES || this.#heldLong > MAX_LONG_BODY_BYTES) {
      const slowest = this.#slowest();
      const refusal = new UnavailableError('too many requests are being read; try again');
      if (slowest === undefined || slowest === body) return refusal;
      this.#long.get(slowest)?.refuse(refusal);
      slowest.release();
    }
    return undefined;
  }

  /** The long body that comes most slowly: it would take its room for longest. */
  #slowest(): RequestBody | undefined {
    const now = performance.now();
    const [first, ...others] = this.#long.keys();
    const rate = ({ length, startedAt }: RequestBody) => length / (now - startedAt);
    return others.reduce((a, b) => (a === undefined || rate(b) < rate(a) ? b : a), first);
  }

  /** Takes bytes of a long body from the allowance. Once that is used up, the body is read on when its turn comes. */
  #slowDown(bytes: number, reading: Reading): void {
    this.#allowance -= bytes;
    if (this.#allowance > 0) return;
    reading.pause();
    this.#paused.add(reading);
    if (this.#paused.size === 1) setTimeout(this.#readOn, LONG_PAUSE);
  }

  readonly #readOn = (): void => {
    const now = performance.now();
    const grown = this.#allowance + ((now - this.#allowedAt) * LONG_RATE) / 1000;
    this.#allowance = Math.min(grown, LONG_BURST);
    this.#allowedAt = now;
    // A body that is read on brings about 64 KiB until it is paused again, behind all others.
    let turns = Math.ceil(this.#allowance / LONG);
    for (const reading of this.#paused) {
      if (turns-- <= 0) break;
      this.#paused.delete(reading);
      reading.resume();
    }
    if (this.#paused.size > 0) setTimeout(this.#readOn, LONG_PAUSE);
  };

  readonly #release = (body: RequestBody): void => {
    this.#held -= body.length;
    if (body.isLong) this.#heldLong -= body.length;
    body.length = 0;
    this.#long.delete(body);
  };
}
