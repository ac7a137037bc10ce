/**
 * Certificates with any content: DER that is put together here, and signed by a test authority.
 * @module
 */
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { newCertificateLog, type CertificateLog } from '../interop/certificate-log.js';

/** An element: tag, the shortest length, and content. */
export function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat(content);
  const length = bytes.length.toString(16);
  const digits = Buffer.from(length.padStart(length.length + (length.length % 2), '0'), 'hex');
  const prefix = bytes.length < 0x80 ? digits : Buffer.concat([Buffer.of(0x80 + digits.length), digits]);
  return Buffer.concat([Buffer.of(tag), prefix, bytes]);
}

export const sequence = (...content: readonly Uint8Array[]): Buffer => der(0x30, ...content);
export const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text));

/** An OBJECT IDENTIFIER by its dotted decimal. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const base128 = (number: number): number[] =>
    number < 128 ? [number] : [...base128(Math.floor(number / 128)).map((byte) => byte | 0x80), number % 128];
  return der(6, Buffer.from([40 * first + second, ...rest].flatMap(base128)));
}

/** An extension; `value` is the content of its OCTET STRING. */
export function extension(id: string, value: Uint8Array, critical?: Uint8Array): Buffer {
  return sequence(oid(id), ...(critical === undefined ? [] : [critical]), der(4, value));
}

export const TRUE = der(1, Buffer.of(0xff));
export const SAN = '2.5.29.17';

/** The extension with these GeneralNames. */
export const subjectAltNames = (...names: readonly Uint8Array[]): Buffer =>
  extension(SAN, sequence(...names));

/** The extensions in which Fulcio names the identity provider: the present one, and the old one. */
export const oidcIssuer = (url: string): Buffer => extension('1.3.6.1.4.1.57264.1.8', utf8(url));
export const elderOidcIssuer = (url: string): Buffer => extension('1.3.6.1.4.1.57264.1.1', Buffer.from(url));

const USAGES = '2.5.29.37';
/** The key usages of a Fulcio certificate. */
export const CODE_SIGNING = extension(USAGES, sequence(oid('1.3.6.1.5.5.7.3.3')));
/** The key usages of a web server's certificate. */
export const SERVER_AUTHENTICATION = extension(USAGES, sequence(oid('1.3.6.1.5.5.7.3.1')));

const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const DAY = 24 * 3600_000;

/** A certificate authority with a certificate transparency log. */
export interface Authority {
  /** The root's certificate. */
  readonly root: Buffer;
  readonly certificateLog: CertificateLog;
  /** A certificate with these extensions, valid for a day around now. It has an SCT unless `isLogged` is false. */
  readonly issue: (key: KeyObject, extensions: readonly Uint8Array[], isLogged?: boolean) => Buffer;
  /** A certificate of an authority below the root that has issued nothing. */
  readonly intermediate: (name: string, notAfter?: Date) => Buffer;
}

/** @param extensions of the root, beside its basic constraints. */
export function newAuthority(name: string, ...extensions: readonly Uint8Array[]): Authority {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificateLog = newCertificateLog();
  const make = (parts: Omit<Parts, 'issuer'>) => signed(toBeSigned({ ...parts, issuer: name }), privateKey);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const isAuthority = extension('2.5.29.19', sequence(TRUE), TRUE);
  return {
    root: make({ subject: name, publicKey, extensions: [isAuthority, ...extensions] }),
    certificateLog,
    issue: (key, own, isLogged = true) => {
      const parts = { subject: '', issuer: name, publicKey: key };
      const issuerKeyHash = createHash('sha256').update(spki).digest();
      const tbs = toBeSigned({ ...parts, extensions: own });
      const sct = certificateLog.sctExtension(issuerKeyHash, tbs, new Date());
      const logged = isLogged ? [extension('1.3.6.1.4.1.11129.2.4.2', sct)] : [];
      return make({ ...parts, extensions: [...own, ...logged] });
    },
    intermediate: (subject, notAfter) =>
      make({
        subject,
        publicKey,
        extensions: [isAuthority],
        ...(notAfter === undefined ? {} : { notAfter }),
      }),
  };
}

interface Parts {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Uint8Array[];
  readonly notAfter?: Date;
}

function toBeSigned({ subject, issuer, publicKey, extensions, notAfter }: Parts): Buffer {
  const end = notAfter ?? new Date(Date.now() + DAY);
  return sequence(
    der(0xa0, der(2, Buffer.of(2))),
    der(2, Buffer.of(0x2a)),
    ECDSA_WITH_SHA256,
    nameOf(issuer),
    sequence(timeOf(new Date(end.getTime() - 2 * DAY)), timeOf(end)),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  );
}

function signed(tbs: Buffer, key: KeyObject): Buffer {
  return sequence(tbs, ECDSA_WITH_SHA256, der(3, Buffer.of(0), sign('sha256', tbs, key)));
}

/** A distinguished name with one attribute, or with none. */
function nameOf(text: string): Buffer {
  return sequence(...(text === '' ? [] : [der(0x31, sequence(oid('2.5.4.3'), utf8(text)))]));
}

/** UTCTime. */
function timeOf(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(0x17, Buffer.from(digits.slice(2)));
}
