/**
 * Bundles through `verifyBundle`: what is verified, and what never is.
 */
// @peculiar/x509 needs it loaded first.
import 'reflect-metadata';
import { generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import { X509CertificateGenerator } from '@peculiar/x509';
// Not by the package's index: that loads nock, which replaces node:http for the whole process.
import { fulcioHandler, initializeCA, initializeCTLog } from '@sigstore/mock/dist/fulcio/index.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { canonicalBody } from '#src/kinds/canonical-body.js';
import { hashedrekord, hashedRekordJson } from '#src/kinds/hashedrekord-0.0.2.js';
import { artifactOfBytes, type Artifact } from '#src/sigstore/verify/node/artifact-signature.js';
import { publicKeyHint, type SigstoreBundle } from '#src/sigstore/bundle/sigstore-bundle.js';
import { parsePem } from '#src/pem.js';
import { entryOf, type TransparencyLogEntry } from '#src/sigstore/bundle/transparency-log-entry.js';
import {
  parseTrustedRoot,
  trustedLogFromVerifierKey,
  type TrustedLog,
  type TrustedRoot,
} from '#src/sigstore/trust/trusted-root.js';
import {
  verifyBundle,
  type IdentityPolicy,
  type SignerPolicy,
} from '#src/sigstore/verify/node/verify-bundle.js';
import { encodeText } from '#tiles-spec/bytes.js';
import {
  ED25519,
  encodeBase64,
  encodeHex,
  formatCheckpoint,
  formatNote,
  formatVerifierKey,
  leafHash,
  nodeHash,
  openCheckpoint,
  readKeyId,
  sha256,
  signNote,
} from '#tiles-spec/index.js';
import { isTyped, jsonFile, pemFile } from '../../support/public-bundles.js';

const ARTIFACT = encodeText('an artifact');
const DIGEST = sha256(ARTIFACT);

const p256Key = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spkiOf = (key: KeyObject) => new Uint8Array(key.export({ type: 'spki', format: 'der' }));
const signed = (message: Uint8Array, key: KeyObject) => new Uint8Array(sign('sha256', message, key));

/** A log of two entries, the second of which is asked for. */
interface TestLog {
  readonly trusted: TrustedLog;
  readonly entry: (body: Uint8Array) => TransparencyLogEntry;
}

/** A log of the type of Stele's and Rekor v2's. */
function testLog(name: string): TestLog {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const vkey = formatVerifierKey({ name, type: ED25519, publicKey: spkiOf(publicKey).subarray(-32) });
  const trusted = trustedLogFromVerifierKey(vkey);
  const { keyId } = trusted.verifier;
  const signer = { name, keyId, sign: (text: Uint8Array) => new Uint8Array(sign(null, text, privateKey)) };
  return {
    trusted,
    entry: (body) => {
      const sibling = leafHash(encodeText('{}'));
      const root = nodeHash(sibling, leafHash(body));
      const note = signNote(formatCheckpoint({ origin: name, size: 2, root, extensions: [] }), signer);
      const checkpoint = openCheckpoint(note, trusted.verifier);
      const kindVersion = { kind: 'hashedrekord', version: '0.0.2' };
      return entryOf({ ...kindVersion, index: 1, body, proof: [sibling], checkpoint }, trusted.logId);
    },
  };
}

type Material = { readonly publicKey: Uint8Array } | { readonly x509Certificate: Uint8Array };

/** The body of a signature over the artifact by a P-256 key, bare or in a certificate, as the log makes it. */
function bodyOf(signature: Uint8Array, material: Material): Uint8Array {
  const key =
    'publicKey' in material
      ? ({ form: 'publicKey', der: material.publicKey } as const)
      : ({ form: 'certificate', der: material.x509Certificate } as const);
  const spec = hashedRekordJson({
    data: { algorithm: 'SHA2_256', digest: DIGEST },
    signature: { content: signature, verifier: { ...key, keyDetails: 'PKIX_ECDSA_P256_SHA_256' } },
  });
  return canonicalBody(hashedrekord, spec);
}

function bundleOf(
  signature: Uint8Array,
  material: SigstoreBundle['material'],
  ...entries: readonly TransparencyLogEntry[]
): SigstoreBundle {
  const content = {
    type: 'messageSignature',
    digestAlgorithm: 'SHA2_256',
    digest: DIGEST,
    signature,
  } as const;
  return { content, material, entries, timestamps: [] };
}

/** What is verified, and how: a good one, or one with something changed. */
interface Verification {
  readonly bundle: SigstoreBundle;
  readonly logs: readonly TrustedLog[];
  readonly policy: SignerPolicy | undefined;
  readonly artifact: Artifact | undefined;
}

const run = ({ bundle, logs, policy, artifact }: Verification) =>
  verifyBundle(bundle, logs, policy, artifact);

/** What keeps it from being verified: what was not checked, or what is wrong. */
async function refusalOf(verification: Verification): Promise<string> {
  try {
    const { verified, notChecked } = await run(verification);
    expect(verified).toBe(notChecked.length === 0);
    return verified ? 'it was verified' : `not checked: ${notChecked.join(', ')}`;
  } catch (error) {
    if (!isTyped(error)) throw error;
    return error.message;
  }
}

const NONE = { certificateAuthorities: [], ctlogs: [], timestampAuthorities: [] };
const log = testLog('log.example');
const otherLog = testLog('other.example');
const key = p256Key();
const publicKey = spkiOf(key.publicKey);
const hint = (spki: Uint8Array) => ({ type: 'publicKey', hint: publicKeyHint(spki) }) as const;
const signature = signed(ARTIFACT, key.privateKey);
const entry = log.entry(bodyOf(signature, { publicKey }));

describe('a bundle by a key', () => {
  const good: Verification = {
    bundle: bundleOf(signature, hint(publicKey), entry),
    logs: [log.trusted, otherLog.trusted],
    policy: { publicKey },
    artifact: artifactOfBytes(ARTIFACT),
  };

  it('is verified, and what was shown is told', async () => {
    const { verified, notChecked, signer, entries } = await run(good);
    expect({ verified, notChecked, signer }).toEqual({
      verified: true,
      notChecked: [],
      signer: { type: 'given key', publicKey },
    });
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({ index: 1, log: log.trusted, hashes: entry.proof?.hashes });
  });

  it('shows each hash of the proofs, and the entries before the signer', async () => {
    const made: string[] = [];
    const shown: number[] = [];
    const more = otherLog.entry(bodyOf(signature, { publicKey }));
    await expect(
      verifyBundle(
        bundleOf(signature, hint(publicKey), entry, more),
        good.logs,
        good.policy,
        artifactOfBytes(encodeText('another')),
        {
          sha: ({ logId }) => {
            const of = [log, otherLog].findIndex(
              ({ trusted }) => encodeHex(trusted.logId) === encodeHex(logId),
            );
            return (bytes) => {
              made.push(`${of}: ${bytes[0] ?? -1}`);
              return sha256(bytes);
            };
          },
          onEntries: (entries) => shown.push(...entries.map(({ index }) => index)),
        },
      ),
    ).rejects.toThrow(/over another artifact/);
    expect(made).toEqual(['0: 0', '0: 1', '1: 0', '1: 1']);
    expect(shown).toEqual([1, 1]);
  });

  it('is verified whatever is in logs that are not trusted', async () => {
    const bundle = bundleOf(signature, hint(publicKey), testLog('a').entry(encodeText('{}')), entry);
    expect((await run({ ...good, bundle })).entries).toHaveLength(1);
  });

  const stranger = p256Key();
  const strangers = spkiOf(stranger.publicKey);
  const othersSignature = signed(ARTIFACT, stranger.privateKey);
  const others = log.entry(bodyOf(othersSignature, { publicKey: strangers }));
  const unproved = { ...entry, proof: { ...(entry.proof as Required<typeof entry>['proof']), hashes: [] } };
  const withEntries = (...entries: TransparencyLogEntry[]) => ({
    bundle: bundleOf(signature, hint(publicKey), ...entries),
  });

  it.each<[string, Partial<Verification>, RegExp]>([
    ['nobody says who signed', { policy: undefined }, /^not checked: public key$/],
    ['nobody says what was signed', { artifact: undefined }, /^not checked: artifact$/],
    [
      'nobody says anything',
      { policy: undefined, artifact: undefined },
      /^not checked: public key, artifact$/,
    ],
    ['it is of another artifact', { artifact: artifactOfBytes(DIGEST) }, /over another artifact/],
    ['it is by another key', { policy: { publicKey: strangers } }, /by another public key/],
    [
      'an identity is demanded',
      { policy: { identity: 'a', issuer: 'b', authorities: NONE } },
      /has no certificate with an identity/,
    ],
    ['no log is trusted', { logs: [] }, /none of the trusted logs \(there are none\)/],
    [
      'its log is not trusted',
      { logs: [otherLog.trusted] },
      /none of the trusted logs \(other\.example with id \S+\)/,
    ],
    ['it has no entry', withEntries(), /has no log entry/],
    ["its entry is another signature's", withEntries(others), /another signature/],
    ["one of its entries is another signature's", withEntries(entry, others), /another signature/],
    ['its entry is not proved', withEntries(unproved), /too short/],
    ['one of its entries is not proved', withEntries(entry, unproved), /too short/],
    [
      'the signature is not by the key that is logged',
      { bundle: bundleOf(othersSignature, hint(publicKey), log.entry(forged(othersSignature))) },
      /^the bundle's signature is refused/,
    ],
  ])('is never verified when %s', async (_what, change, message) => {
    expect(await refusalOf({ ...good, ...change })).toMatch(message);
  });

  /** What no honest log takes: a body with a signature that is not by its key. */
  function forged(other: Uint8Array): Uint8Array {
    const honest = new TextDecoder().decode(bodyOf(signature, { publicKey }));
    return encodeText(honest.replace(encodeBase64(signature), encodeBase64(other)));
  }
});

describe('a signature that is good by a second key', () => {
  // Of an ECDSA signature, up to four keys can be computed by which it is good.
  const second = [0, 1, 2, 3].flatMap((recovery) => {
    try {
      const point = p256.Signature.fromBytes(signature, 'der')
        .addRecoveryBit(recovery)
        .recoverPublicKey(DIGEST)
        .toBytes(false);
      const spki = Buffer.concat([publicKey.subarray(0, -65), point]);
      const keyOf = { key: spki, format: 'der', type: 'spki' } as const;
      return !spki.equals(publicKey) && verify('sha256', ARTIFACT, keyOf, signature)
        ? [new Uint8Array(spki)]
        : [];
    } catch {
      return [];
    }
  })[0];
  let certificate: Uint8Array;

  beforeAll(async () => {
    const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
      'sign',
      'verify',
    ]);
    const made = await X509CertificateGenerator.createSelfSigned({ keys, name: 'CN=nobody' });
    const der = Buffer.from(made.rawData);
    // Nobody judges it: its own signature may be wrong.
    if (second === undefined) throw new Error('no second key');
    der.set(second, der.indexOf(Buffer.from(made.publicKey.rawData)));
    certificate = new Uint8Array(der);
  });

  it('and logged under it, bare or in a certificate, is not verified by the first', async () => {
    if (second === undefined) throw new Error('no second key');
    const material = { type: 'certificate', der: certificate } as const;
    const inCertificate = log.entry(bodyOf(signature, { x509Certificate: certificate }));
    const bare = log.entry(bodyOf(signature, { publicKey: second }));
    for (const bundle of [
      bundleOf(signature, material, inCertificate),
      bundleOf(signature, hint(publicKey), inCertificate),
      bundleOf(signature, hint(publicKey), bare),
      bundleOf(signature, hint(publicKey), entry, bare),
    ]) {
      const verification = { bundle, logs: [log.trusted], artifact: artifactOfBytes(ARTIFACT) };
      expect(await refusalOf({ ...verification, policy: { publicKey } })).toMatch(/by another public key/);
    }
    const bundle = bundleOf(signature, material, inCertificate);
    const verification = { bundle, logs: [log.trusted], artifact: artifactOfBytes(ARTIFACT) };
    expect(await refusalOf({ ...verification, policy: { publicKey: second } })).toBe('it was verified');
    expect(await refusalOf({ ...verification, policy: undefined })).toBe('not checked: certificate');
  });
});

describe('a bundle by a certificate', () => {
  const alice = { identity: 'alice@example.com', issuer: 'https://issuer.example' };
  const rekor = p256Key();
  const rekorSpki = spkiOf(rekor.publicKey);
  const rekorId = sha256(rekorSpki);
  let certificate: Uint8Array;
  let material: SigstoreBundle['material'];
  let trustedRoot: TrustedRoot;
  let proved: TransparencyLogEntry;
  /** Unix seconds, at which the certificate is good. */
  let time: number;

  const alicesKey = p256Key();
  const alicesSignature = signed(ARTIFACT, alicesKey.privateKey);

  beforeAll(async () => {
    const clock = new Date(Math.floor(Date.now() / 1000) * 1000);
    time = clock.getTime() / 1000 + 60;
    const ctLog = await initializeCTLog(p256Key(), clock);
    const authority = await initializeCA(p256Key(), ctLog, clock);
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const { response } = await fulcioHandler(authority).fn(
      JSON.stringify({
        credentials: {
          oidcIdentityToken: `${part({ alg: 'none' })}.${part({ sub: alice.identity, iss: alice.issuer })}.${part({})}`,
        },
        publicKeyRequest: {
          publicKey: { content: alicesKey.publicKey.export({ format: 'pem', type: 'spki' }) },
        },
      }),
    );
    const answer = JSON.parse(response as string) as {
      signedCertificateEmbeddedSct: { chain: { certificates: [string] } };
    };
    certificate = parsePem(answer.signedCertificateEmbeddedSct.chain.certificates[0], 'certificate')[0].der;
    material = { type: 'certificate', der: certificate };
    proved = log.entry(bodyOf(alicesSignature, { x509Certificate: certificate }));
    const validFor = { start: '2024-01-01T00:00:00Z' };
    const keyed = (url: string, keyDetails: string, spki: Uint8Array, logId: Uint8Array) => ({
      baseUrl: url,
      hashAlgorithm: 'SHA2_256',
      publicKey: { rawBytes: encodeBase64(spki), keyDetails, validFor },
      logId: { keyId: encodeBase64(logId) },
    });
    const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
      new Uint8Array(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
    const ecdsa = 'PKIX_ECDSA_P256_SHA_256';
    const file = jsonFile({
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [
        keyed('https://log.example', 'PKIX_ED25519', log.trusted.spki, log.trusted.logId),
        keyed('https://rekor.example', ecdsa, rekorSpki, rekorId),
      ],
      certificateAuthorities: [
        {
          subject: { organization: 's', commonName: 's' },
          uri: 'https://ca.example',
          certChain: { certificates: [{ rawBytes: encodeBase64(bytesOf(authority.rootCertificate)) }] },
          validFor,
        },
      ],
      ctlogs: [keyed('https://ct.example', ecdsa, bytesOf(ctLog.publicKey), bytesOf(ctLog.logID))],
      timestampAuthorities: [],
    });
    trustedRoot = parseTrustedRoot(file);
  });

  /** An entry of a log of Rekor v1, with its promise. */
  function promised(spec: object): TransparencyLogEntry {
    const body = jsonFile({ apiVersion: '0.0.1', kind: 'hashedrekord', spec });
    const root = leafHash(body);
    const text = formatCheckpoint({ origin: 'rekor.example - 1', size: 1, root, extensions: [] });
    const noteSignature = {
      name: 'rekor.example',
      keyId: readKeyId(rekorId),
      signature: signed(encodeText(text), rekor.privateKey),
    };
    const statement = {
      body: encodeBase64(body),
      integratedTime: time,
      logID: encodeHex(rekorId),
      logIndex: 42,
    };
    return {
      index: 42,
      logId: rekorId,
      kind: 'hashedrekord',
      version: '0.0.1',
      integratedTime: time,
      promise: signed(jsonFile(statement), rekor.privateKey),
      proof: {
        index: 0,
        size: 1,
        root,
        hashes: [],
        checkpoint: new TextDecoder().decode(formatNote({ text, signatures: [noteSignature] })),
      },
      body,
    };
  }

  const own = () =>
    promised({
      data: { hash: { algorithm: 'sha256', value: encodeHex(DIGEST) } },
      signature: {
        content: encodeBase64(alicesSignature),
        publicKey: { content: encodeBase64(encodeText(pemFile('CERTIFICATE', certificate))) },
      },
    });
  const somebodys = () =>
    promised({
      data: { hash: { algorithm: 'sha256', value: encodeHex(DIGEST) } },
      signature: {
        content: encodeBase64(signature),
        publicKey: { content: encodeBase64(encodeText(pemFile('PUBLIC KEY', publicKey))) },
      },
    });
  const by = (change: Partial<IdentityPolicy> = {}) => ({
    ...alice,
    authorities: trustedRoot.authorities,
    ...change,
  });
  const verification = (...entries: TransparencyLogEntry[]): Verification => ({
    bundle: bundleOf(alicesSignature, material, ...entries),
    logs: trustedRoot.logs as TrustedLog[],
    policy: by(),
    artifact: artifactOfBytes(ARTIFACT),
  });

  it('is verified at the time of its own promise', async () => {
    const { verified, signer, entries } = await run(verification(proved, own()));
    expect({ verified, signer }).toEqual({
      verified: true,
      signer: { type: 'identity', ...alice, timestamps: 1 },
    });
    expect(entries.map(({ index }) => index)).toEqual([1, 0]);
  });

  it('is not at the time of the promise of somebody else\u2019s entry', async () => {
    expect(await refusalOf(verification(proved, somebodys()))).toMatch(/another signature/);
  });

  it('is not at the time of the promise of a log that is in the trusted root alone', async () => {
    const onlyOne = { ...verification(proved, own()), logs: [log.trusted] };
    expect(await refusalOf(onlyOne)).toMatch(/timestamp/);
  });

  it.each<[string, () => Partial<Verification>, RegExp]>([
    ['nobody says who signed', () => ({ policy: undefined }), /^not checked: certificate$/],
    ['nobody says what was signed', () => ({ artifact: undefined }), /^not checked: artifact$/],
    [
      'nobody says anything',
      () => ({ policy: undefined, artifact: undefined }),
      /^not checked: certificate, artifact$/,
    ],
    ['it is of another artifact', () => ({ artifact: artifactOfBytes(DIGEST) }), /over another artifact/],
    ['no time is shown', () => verification(proved), /timestamp/],
    [
      'it is of another identity',
      () => ({ policy: by({ identity: 'bob@example.com' }) }),
      /of alice@example\.com, not of bob@example\.com/,
    ],
    [
      'the identity is by another provider',
      () => ({ policy: by({ issuer: 'https://other.example' }) }),
      /not by https:\/\/other\.example/,
    ],
    [
      'no authority is trusted',
      () => ({ policy: by({ authorities: NONE }) }),
      /no valid certificate path|not shown to be good/,
    ],
    [
      'an authority is none',
      () => ({ policy: by({ authorities: { ...NONE, certificateAuthorities: [{}] } }) }),
      /^trusted root: an authority in it cannot be used/,
    ],
    ['it is by another key', () => ({ policy: { publicKey } }), /by another public key/],
    ['no log is trusted', () => ({ logs: [] }), /there are none/],
  ])('is never verified when %s', async (_what, change, message) => {
    expect(await refusalOf({ ...verification(proved, own()), ...change() })).toMatch(message);
  });

  it('says what the certificate says, where it is not checked', async () => {
    const { verified, signer } = await run({ ...verification(proved), policy: undefined });
    expect({ verified, signer }).toEqual({
      verified: false,
      signer: { type: 'logged certificate', der: certificate, names: [alice.identity] },
    });
  });
});
