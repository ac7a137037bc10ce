/**
 * The order of answers on a connection. A client that breaks HTTP is told so only after the answers to its earlier
 * requests: they may be about accepted entries.
 * @module
 */
import type { ServerResponse, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { HttpError, type Problem, type ProblemFace } from '../http/problem.js';

/** How long a client may keep its half of a connection open after its last answer, in milliseconds. */
const LAST_READ = 1_000;

interface Connection {
  /** How many requests are not answered yet. */
  unanswered: number;
  /** The request whose body is being read, and how that is broken off. */
  reading: { readonly request: IncomingMessage; readonly refuse: (error: Error) => void } | undefined;
  /** What broke HTTP. Nothing that comes after it is read. */
  problem: Problem | undefined;
  /** Whether an answer has told the client of the problem. */
  isTold: boolean;
}

export class Connections {
  readonly #known = new WeakMap<Duplex, Connection>();
  readonly #face: ProblemFace;

  /** @param face for problems of no request. */
  constructor(face: ProblemFace) {
    this.#face = face;
  }

  /** To be called for every request as it begins. */
  begin(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const connection = this.#of(socket);
    connection.unanswered++;
    response.once('close', () => {
      connection.unanswered--;
      if (connection.reading?.request === request) connection.reading = undefined;
      this.#endWhenAnswered(socket, connection);
    });
  }

  /**
   * To be called when a request's body begins to be read. One body of a connection is read at a time.
   * @param refuse ends the reading with an error.
   */
  reading(request: IncomingMessage, refuse: (error: Error) => void): void {
    const connection = this.#of(request.socket);
    connection.reading = { request, refuse };
    refuseUnfinished(connection);
  }

  /** Ends a connection on which something came that is not HTTP, or did not come in time. */
  fail(socket: Duplex, problem: Problem): void {
    const connection = this.#of(socket);
    // The parser fails again at everything that comes after.
    if (connection.problem !== undefined) return;
    connection.problem = problem;
    refuseUnfinished(connection);
    this.#endWhenAnswered(socket, connection);
  }

  #endWhenAnswered(socket: Duplex, { unanswered, problem, isTold }: Connection): void {
    if (problem === undefined || unanswered > 0 || !socket.writable) return;
    socket.end(isTold ? '' : answerOf(problem, this.#face));
    setTimeout(() => socket.destroy(), LAST_READ).unref();
  }

  #of(socket: Duplex): Connection {
    const known = this.#known.get(socket);
    if (known !== undefined) return known;
    const connection = { unanswered: 0, reading: undefined, problem: undefined, isTold: false };
    this.#known.set(socket, connection);
    return connection;
  }
}

/**
 * A problem in the middle of a body is the answer to that body's request. After a whole body it is no request's, and is
 * told when the connection ends.
 */
function refuseUnfinished(connection: Connection): void {
  const { reading, problem } = connection;
  if (problem === undefined || reading === undefined || reading.request.complete) return;
  connection.isTold = true;
  reading.refuse(new HttpError(problem));
}

function answerOf(problem: Problem, face: ProblemFace): string {
  const body = face(problem);
  return `HTTP/1.1 ${problem.status} ${problem.message}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
