/**
 * Why a server could not be asked, in words.
 */
import { describe, expect, it } from 'vitest';
import { connectionReason } from '#src/node/connection-error.js';

function coded(code: string, message = code): Error {
  return Object.assign(new Error(message), { code });
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
    ['http', coded('HPE_INVALID_CONSTANT', 'Expected HTTP/'), /^its answer is no HTTP: does it speak https:/],
    ['http', coded('UND_ERR_SOCKET', 'other side closed'), /^other side closed: does it speak https:/],
    ['https', coded('UND_ERR_SOCKET', 'other side closed'), /^other side closed$/],
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

  it('at several addresses of a name is described by the first', () => {
    const refused = ['::1', '127.0.0.1'].map((address) => new Error(`connect ECONNREFUSED ${address}:1`));
    expect(connectionReason(new AggregateError(refused), 'http://localhost:1')).toBe(
      'connect ECONNREFUSED ::1:1',
    );
  });
});
