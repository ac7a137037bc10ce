/**
 * Requests and answers as plain values. Code that answers requests knows no server, so that one piece of it serves
 * the daemon, a gateway and a browser.
 * @module
 */
import type { Problem, ProblemFace } from './problem.js';

/** A request whose body does not matter. */
export interface HttpRequest {
  readonly method: string;
  /** The path and the query, undecoded: see `originForm`. */
  readonly target: string;
  /** Names are in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A request whose body has arrived whole. */
export interface BodyRequest {
  /** The bytes in the pieces in which they arrived; none after `release`. */
  readonly pieces: readonly Uint8Array[];
  /** Of the body, in bytes; 0 after `release`. */
  readonly length: number;
  /** One object for all requests of a connection. */
  readonly connection: object;
  /**
   * Has `listener` called once the client has its answer or has left; at once where it has left already. One listener a
   * request.
   */
  onEnd(listener: () => void): void;
  /** Gives the body's memory back. The server does so when the answer is sent; sooner makes room for other requests. */
  release(): void;
}

/** Names are in lower case. */
export type AnswerHeaders = Readonly<Record<string, string>>;

/** The answer to a request: its content, or why there is none. */
export type Answer = Content | Refusal;

export interface Content {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body?: string | HeldBody;
}

/** A problem is sent in the JSON of the route's API, and never cached. */
export interface Refusal extends Problem {
  readonly headers?: AnswerHeaders;
}

/** The bytes of an answer that count against a limit on memory until `close` is called. */
export interface HeldBody {
  /** In bytes. */
  readonly length: number;
  /** All bytes, or piece by piece, each read when it is asked for. A piece that cannot be read throws. */
  readonly content: Uint8Array | AsyncGenerator<Uint8Array>;
  /** To be called once, when the client has taken the answer or has left. */
  readonly close: () => void;
}

/** Hears of the answers of all routes, and of every 404. Refusals of broken HTTP, and of an `Expect`, are not reported. */
export interface AnswerObserver {
  /** @param seconds from the request's headers to the end of its answer. */
  onAnswer(method: string, status: number, seconds: number): void;
}

/** GET and HEAD of a path or, where the path ends in `/*`, of all paths below it. */
export interface ReadRoute {
  readonly path: string;
  /** @throws an error that is answered as `problemOf` says. */
  readonly answer: (request: HttpRequest) => Answer | Promise<Answer>;
  /** Default: the server's. */
  readonly face?: ProblemFace | undefined;
}

/** POST of a JSON body to a path. */
export interface PostRoute {
  readonly path: string;
  /** Called before any of the body is read. Returns why the request is not taken; undefined where it is. */
  readonly refusal: () => Problem | undefined;
  /** @throws an error that is answered as `problemOf` says. */
  readonly answer: (request: BodyRequest) => Promise<Answer>;
  /** For clients that use another method: what to do. */
  readonly hint: string;
  /** Default: the server's. */
  readonly face?: ProblemFace | undefined;
}
