/**
 * The order of answers on a connection: a client that breaks HTTP is told so after the answers to what it sent before,
 * which may be accepted entries.
 * @module
 */
import type { ServerResponse, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { HttpError, problemBody, type Problem } from './problem.js';

/** How long a peer that keeps its half open holds a connection after its last answer, in milliseconds. */
const LAST_READ = 1_000;

interface Connection {
  /** Requests that are not answered yet. */
  unanswered: number;
  /** Refuses the request whose body is being read. */
  refuse: ((error: Error) => void) | undefined;
  /** What is to be done once all is answered, of a connection that failed. */
  end: (() => void) | undefined;
}

export class Connections {
  readonly #known = new WeakMap<Duplex, Connection>();

  /** To be told of every request as it begins. */
  begin({ socket }: IncomingMessage, response: ServerResponse): void {
    const connection = this.#of(socket);
    connection.unanswered++;
    response.once('close', () => {
      connection.unanswered--;
      if (connection.unanswered === 0) connection.end?.();
    });
  }

  /** To be told, as the body of a connection's newest request is being read, what refuses it; undefined when it is not. */
  reading({ socket }: IncomingMessage, refuse: ((error: Error) => void) | undefined): void {
    this.#of(socket).refuse = refuse;
  }

  /** Ends a connection on which what came is not HTTP, or not in time. */
  fail(socket: Duplex, problem: Problem): void {
    const connection = this.#of(socket);
    const { refuse, unanswered } = connection;
    // The parser fails again at all that comes after.
    if (connection.end !== undefined) return;
    if (refuse === undefined) {
      connection.end = () => {
        endWith(socket, answerOf(problem));
      };
      if (unanswered === 0) connection.end();
    } else {
      // In the middle of a body the problem is the answer to its own request.
      connection.end = () => {
        endWith(socket, '');
      };
      refuse(new HttpError(problem, problem.message));
    }
  }

  #of(socket: Duplex): Connection {
    const known = this.#known.get(socket);
    if (known !== undefined) return known;
    const connection = { unanswered: 0, refuse: undefined, end: undefined };
    this.#known.set(socket, connection);
    return connection;
  }
}

function answerOf(problem: Problem): string {
  const body = problemBody(problem);
  return `HTTP/1.1 ${problem.status} ${problem.message}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function endWith(socket: Duplex, text: string): void {
  if (!socket.writable) return;
  socket.end(text);
  setTimeout(() => socket.destroy(), LAST_READ).unref();
}
