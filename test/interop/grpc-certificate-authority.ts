/**
 * The stand-in for Fulcio by its other interface, gRPC over TLS, which sigstore-java speaks alone.
 * @module
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { buffer } from 'node:stream/consumers';
import type { User } from '../support/cli.js';
import type { CertificateAuthority } from './certificate-authority.js';

export interface GrpcCertificateAuthority {
  readonly url: string;
  /** The name of a file in the user's folder: the server's own certificate, PEM. */
  readonly certificate: string;
  readonly stop: () => Promise<void>;
}

const CREATE = '/dev.sigstore.fulcio.v2.CA/CreateSigningCertificate';
const INVALID_ARGUMENT = 3;

/** Starts it on a free port, beside `authority`, which certifies. */
export async function startGrpcCertificateAuthority(
  authority: Pick<CertificateAuthority, 'certify'>,
  user: User,
): Promise<GrpcCertificateAuthority> {
  const [key, certificate] = ['grpc-server.key', 'grpc-server.pem'];
  user.openssl(
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'],
    ...['-subj', '/CN=grpc-server', '-addext', 'subjectAltName=IP:127.0.0.1'],
    ...['-keyout', key, '-out', certificate],
  );
  const server = createSecureServer({
    key: await readFile(user.file(key)),
    cert: await readFile(user.file(certificate)),
  });
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    const certified = headers[':path'] === CREATE ? certify(stream, authority) : Promise.reject(new Error());
    certified.then(
      (message) => {
        answer(stream, message);
      },
      (error: unknown) => {
        refuse(stream, error instanceof Error ? error.message : '');
      },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  return {
    url: `https://127.0.0.1:${address.port}`,
    certificate,
    stop: async () => {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers a CreateSigningCertificateRequest with a SigningCertificate whose SCT is embedded. */
async function certify(
  stream: ServerHttp2Stream,
  { certify }: Pick<CertificateAuthority, 'certify'>,
): Promise<Buffer> {
  // One message: whether it is compressed, its length, and itself.
  const request = fieldsOf((await buffer(stream)).subarray(5));
  const keyRequest = fieldsOf(request(2));
  const chain = await certify({
    credentials: { oidcIdentityToken: fieldsOf(request(1))(1).toString() },
    publicKeyRequest: {
      publicKey: { content: fieldsOf(keyRequest(1))(2).toString() },
      proofOfPossession: keyRequest(2).toString('base64'),
    },
  });
  return field(2, field(1, Buffer.concat(chain.map((certificate) => field(1, Buffer.from(certificate))))));
}

function answer(stream: ServerHttp2Stream, message: Buffer): void {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.once('wantTrailers', () => {
    stream.sendTrailers({ 'grpc-status': '0' });
  });
  stream.end(Buffer.concat([prefix, message]));
}

function refuse(stream: ServerHttp2Stream, message: string): void {
  const status = { 'grpc-status': String(INVALID_ARGUMENT), 'grpc-message': encodeURIComponent(message) };
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...status }, { endStream: true });
}

const [VARINT, BYTES] = [0, 2];

/** The byte fields of a protobuf message, by number: empty where it has none. */
function fieldsOf(message: Buffer): (number: number) => Buffer {
  const fields = new Map<number, Buffer>();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message.readUInt8(at++);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const value = varint();
    if ((tag & 7) === VARINT) continue;
    if ((tag & 7) !== BYTES) throw new Error(`a field of wire type ${tag & 7}`);
    fields.set(tag >> 3, message.subarray(at, at + value));
    at += value;
  }
  return (number) => fields.get(number) ?? Buffer.alloc(0);
}

/** A byte field of a protobuf message. */
function field(number: number, value: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = value.length; ; rest >>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([Buffer.of((number << 3) | BYTES, ...length), value]);
}
