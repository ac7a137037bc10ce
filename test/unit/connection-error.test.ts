/**
 * Why a server could not be asked, in words.
 */
import { describe, expect, it } from 'vitest';
import { connectionReason } from '#src/node/connection-error.js';

function coded(code: string, message = code): Error {
  return Object.assign(new Error(message), { code });
}

/** undici's error for a connection that ends before its answer does. */
function closed(socket?: object): Error {
  return Object.assign(coded('UND_ERR_SOCKET', 'other side closed'), { socket });
}

/** undici's error for an answer of these bytes. */
function noHttp(data: string): Error {
  return Object.assign(new Error('Expected HTTP/'), { name: 'HTTPParserError', data });
}

describe('a server that could not be asked', () => {
  it.each([
    [
      'https',
      coded('EPROTO', 'SSL routines:ssl3_get_record:wrong version number'),
      /^it does not answer in TLS: does it speak http:/,
    ],
    ['https', coded('CERT_HAS_EXPIRED'), /^its certificate has expired/],
    ['https', coded('UNABLE_TO_GET_ISSUER_CERT_LOCALLY'), /--ca-cert FILE, or NODE_EXTRA_CA_CERTS=FILE/],
    ['http', noHttp('\u0015\u0003\u0001'), /^its answer is no HTTP: does it speak https:\/\/\?$/],
    ['http', noHttp('SSH-2.0-OpenSSH_9.2'), /^its answer is no HTTP$/],
    ['https', noHttp('\u0015\u0003\u0001'), /^its answer is no HTTP$/],
    ['http', closed(), /^it closed the connection without an answer$/],
    [
      'http',
      closed({ remoteAddress: '192.0.2.1', remotePort: 3128, bytesRead: 0 }),
      /^192\.0\.2\.1:3128 closed the connection without an answer$/,
    ],
    ['http', closed({ bytesRead: 9 }), /^it closed the connection before its answer ended$/],
    [
      'http',
      coded('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1'),
      /^connect ECONNREFUSED 127\.0\.0\.1:1$/,
    ],
    [
      'https',
      coded('ECONNRESET', 'Client network socket disconnected before secure TLS connection was established'),
      /^it closed the connection before TLS was made$/,
    ],
    ['http', coded('ECONNRESET', 'read ECONNRESET'), /^it closed the connection \(ECONNRESET\)$/],
    ['http', coded('constructor', 'anything'), /^anything$/],
  ])('by %s: %s', (scheme, error, reason) => {
    expect(connectionReason(error, `${scheme}://log.example/`)).toMatch(reason);
  });

  it.each([
    ['http://log.example:443', /without an answer: does it speak https:\/\/\?$/],
    ['http://log.example:8443', /without an answer: does it speak https:\/\/\?$/],
    ['https://log.example', /without an answer$/],
    ['http://log.example:3000', /without an answer$/],
  ])('and closed the connection at %s', (url, reason) => {
    expect(connectionReason(closed(), url)).toMatch(reason);
  });

  it('at several addresses of a name is described by the first', () => {
    const refused = ['::1', '127.0.0.1'].map((address) => new Error(`connect ECONNREFUSED ${address}:1`));
    expect(connectionReason(new AggregateError(refused), 'http://localhost:1')).toBe(
      'connect ECONNREFUSED ::1:1',
    );
  });
});
