/**
 * The request bodies in memory: each bounded, all together, and those that are long in such a way that there is always
 * room, and time, for short ones.
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { UnavailableError } from '../errors.js';
import { HttpError, STATUS } from './problem.js';

/** Bytes of bodies in memory at once, until they are validated. */
const MAX_HELD = 128 * 1024 * 1024;

/** Bytes of these that long bodies may take. */
const MAX_HELD_LONG = 96 * 1024 * 1024;

/** Bytes of a body from which on it is long: every request for an entry but one of a large envelope is shorter. */
const LONG = 64 * 1024;

/**
 * Bytes a second of long bodies, all together: a byte costs the thread that publishes 5 ns. Of 4 MiB that is eight
 * requests a second.
 */
const LONG_RATE = 32 * 1024 * 1024;

/** Bytes of long bodies that may come at once after a time without any. */
const LONG_BURST = 8 * 1024 * 1024;

/** How often long bodies that wait for their share of the rate are read on, in milliseconds. */
const LONG_PAUSE = 20;

/** A body that is being read, or was read and waits to be validated. */
export class RequestBody {
  /** Its bytes, as they came; gone once it is released. */
  pieces: Uint8Array[] = [];
  /** Bytes of the room that it takes. */
  length = 0;
  readonly startedAt = performance.now();
  readonly #release: (body: RequestBody) => void;

  constructor(release: (body: RequestBody) => void) {
    this.#release = release;
  }

  get isLong(): boolean {
    return this.length > LONG;
  }

  /** Gives its room back, and lets go of its bytes. */
  release(): void {
    this.#release(this);
    this.pieces = [];
  }
}

/** What can be done about a body while it is being read. */
interface Reading {
  readonly refuse: (error: Error) => void;
  readonly pause: () => void;
  readonly resume: () => void;
}

export class RequestBodies {
  readonly #maxBody: number;
  #held = 0;
  #heldLong = 0;
  /** The long bodies that are being read. */
  readonly #long = new Map<RequestBody, Reading>();
  /** Those of them that wait for their share of the rate, in turn. */
  readonly #paused = new Set<Reading>();
  /** Bytes of long bodies that may be read now. */
  #allowance = LONG_BURST;
  #allowedAt = performance.now();

  /** @param maxBody the longest body, in bytes. */
  constructor(maxBody: number) {
    this.#maxBody = maxBody;
  }

  /**
   * Reads a request's body. Its bytes count from when they arrive until it is released.
   * @param onReading given what refuses the body before it has come whole.
   * @throws HttpError for one that is too long; UnavailableError where there is no room, or the client has left.
   */
  async read(
    request: IncomingMessage,
    onReading: (refuse: (error: Error) => void) => void,
  ): Promise<RequestBody> {
    const body = new RequestBody(this.#release);
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
      // Each request closes in the end, and an error is dear to make.
      if (!request.readableEnded) refuse(new UnavailableError('the client has left'));
    };
    request.on('data', onData).on('end', resolve).on('error', onLeft).on('close', onLeft);
    if (request.destroyed) onLeft();
    onReading(refuse);
    try {
      await whole;
      return body;
    } catch (error) {
      body.release();
      throw error;
    } finally {
      // The request lives until its answer, and would keep all of this until then.
      request.off('data', onData).off('end', resolve).off('error', onLeft).off('close', onLeft);
      // A client that is still sending does not read its answer: what comes is dropped.
      if (!request.readableEnded) request.resume();
      this.#long.delete(body);
      this.#paused.delete(reading);
    }
  }

  /** Takes room for more of a body. Returns why there is none for it. */
  #hold(body: RequestBody, bytes: number, reading: Reading): Error | undefined {
    if (body.length + bytes > this.#maxBody) return bodyTooLong(this.#maxBody);
    const wasLong = body.isLong;
    body.length += bytes;
    this.#held += bytes;
    if (body.isLong) {
      this.#heldLong += wasLong ? bytes : body.length;
      this.#long.set(body, reading);
      this.#slowDown(bytes, reading);
    }
    while (this.#held > MAX_HELD || this.#heldLong > MAX_HELD_LONG) {
      const slowest = this.#slowest();
      const refusal = new UnavailableError('too many requests are being read; try again');
      if (slowest === undefined || slowest === body) return refusal;
      this.#long.get(slowest)?.refuse(refusal);
      slowest.release();
    }
    return undefined;
  }

  /** Of the long bodies that are being read, the one that comes most slowly: it takes its room for longest. */
  #slowest(): RequestBody | undefined {
    const now = performance.now();
    const [first, ...others] = this.#long.keys();
    const rate = ({ length, startedAt }: RequestBody) => length / (now - startedAt);
    return others.reduce((a, b) => (a === undefined || rate(b) < rate(a) ? b : a), first);
  }

  /** Counts bytes of a long body, and stops reading it when there were too many, until it is its turn again. */
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
    // Each that is read on brings about 64 KiB, and comes last again.
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

export function bodyTooLong(maxBody: number): HttpError {
  return new HttpError(STATUS.tooLarge, `the request body is over ${maxBody} bytes (--max-body)`);
}
