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
  /** The request whose body is being read, and what refuses it. */
  reading: { readonly request: IncomingMessage; readonly refuse: (error: Error) => void } | undefined;
  /** What was wrong: nothing that comes after is read. */
  problem: Problem | undefined;
  /** Whether the client was told the problem, by the answer to the request that has it. */
  isTold: boolean;
}

export class Connections {
  readonly #known = new WeakMap<Duplex, Connection>();

  /** To be told of every request as it begins. */
  begin(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const connection = this.#of(socket);
    connection.unanswered++;
    response.once('close', () => {
      connection.unanswered--;
      if (connection.reading?.request === request) connection.reading = undefined;
      endWhenAnswered(socket, connection);
    });
  }

  /** To be told, as a request's body is being read, what refuses it. The newest request of a connection is the one. */
  reading(request: IncomingMessage, refuse: (error: Error) => void): void {
    const connection = this.#of(request.socket);
    connection.reading = { request, refuse };
    refuseUnfinished(connection);
  }

  /** Ends a connection on which what came is not HTTP, or not in time. */
  fail(socket: Duplex, problem: Problem): void {
    const connection = this.#of(socket);
    // The parser fails again at all that comes after.
    if (connection.problem !== undefined) return;
    connection.problem = problem;
    refuseUnfinished(connection);
    endWhenAnswered(socket, connection);
  }

  #of(socket: Duplex): Connection {
    const known = this.#known.get(socket);
    if (known !== undefined) return known;
    const connection = { unanswered: 0, reading: undefined, problem: undefined, isTold: false };
    this.#known.set(socket, connection);
    return connection;
  }
}

/** In the middle of a body, the problem is the answer to that body's request. One that has come whole has none. */
function refuseUnfinished(connection: Connection): void {
  const { reading, problem } = connection;
  if (problem === undefined || reading === undefined || reading.request.complete) return;
  connection.isTold = true;
  reading.refuse(new HttpError(problem, problem.message));
}

function endWhenAnswered(socket: Duplex, { unanswered, problem, isTold }: Connection): void {
  if (problem === undefined || unanswered > 0 || !socket.writable) return;
  socket.end(isTold ? '' : answerOf(problem));
  setTimeout(() => socket.destroy(), LAST_READ).unref();
}

function answerOf(problem: Problem): string {
  const body = problemBody(problem);
  return `HTTP/1.1 ${problem.status} ${problem.message}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
