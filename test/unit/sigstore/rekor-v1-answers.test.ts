import { expect, it } from 'vitest';
import { artifactOfDigests, verifyArtifactSignature } from '#src/sigstore/verify/node/artifact-signature.js';
import type { SigstoreBundle } from '#src/sigstore/bundle/sigstore-bundle.js';
import { readEntry } from '#src/kinds/read-entry.js';
import { nodeSuite } from '#src/signatures/node/suite.js';
import { matchEntry } from '#src/sigstore/verify/entry-match.js';
import { verifyLoggedEntry } from '#src/sigstore/verify/entry-proof.js';
import { parsePem } from '#src/pem.js';
import { readPublicKeyFile } from '#src/keys/node/public-key-file.js';
import type { TransparencyLogEntry } from '#src/sigstore/bundle/transparency-log-entry.js';
import { parseTrustedRoot } from '#src/sigstore/trust/trusted-root.js';
import { decodeBase64, encodeBase64, ProofError, sha256 } from '#tiles-spec/index.js';
import { describeWithVectors, listVectors, readVectorJson } from '../../support/vectors.js';
import { jsonFile } from '../../support/public-bundles.js';

interface Answer {
  readonly kind: string;
  readonly request: { readonly apiVersion: string; readonly spec: unknown };
  readonly status: number;
  readonly response: unknown;
}

interface LogEntryV1 {
  readonly body: string;
  readonly integratedTime: number;
  readonly logID: string;
  readonly logIndex: number;
  readonly verification: {
    readonly signedEntryTimestamp: string;
    readonly inclusionProof: {
      readonly checkpoint: string;
      readonly hashes: readonly string[];
      readonly logIndex: number;
      readonly rootHash: string;
      readonly treeSize: number;
    };
  };
}

const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));

/** An answer of Rekor v1's API as the message that bundles have. */
function entryOf({ kind, request, response }: Answer): TransparencyLogEntry {
  const [entry] = Object.values(response as Record<string, LogEntryV1>);
  if (entry === undefined) throw new Error('no entry');
  const { inclusionProof: proof, signedEntryTimestamp } = entry.verification;
  return {
    index: entry.logIndex,
    logId: hex(entry.logID),
    kind,
    version: request.apiVersion,
    integratedTime: entry.integratedTime,
    promise: decodeBase64(signedEntryTimestamp),
    proof: {
      index: proof.logIndex,
      size: proof.treeSize,
      root: hex(proof.rootHash),
      hashes: proof.hashes.map(hex),
      checkpoint: proof.checkpoint,
    },
    body: decodeBase64(entry.body),
  };
}

describeWithVectors("Rekor v1's answers", () => {
  const answers = listVectors('rekor-v1-answers')
    .map((file) => [file.split('/')[1] ?? '', readVectorJson(...file.split('/')) as Answer] as const)
    .filter(([, { status }]) => status === 201);
  const answer = (name: string): Answer => readVectorJson('rekor-v1-answers', `${name}.json`) as Answer;

  const api = readVectorJson('rekor-v1-api.json') as { path: string; responseBody: string }[];
  const pem = api.find(({ path }) => path === '/api/v1/log/publicKey')?.responseBody ?? '';
  const [{ der: spki }] = parsePem(pem, 'public key');
  const { logs } = parseTrustedRoot(
    jsonFile({
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [
        {
          baseUrl: 'https://rekor.local',
          hashAlgorithm: 'SHA2_256',
          publicKey: {
            rawBytes: encodeBase64(spki),
            keyDetails: 'PKIX_ECDSA_P256_SHA_256',
            validFor: { start: '2026-01-01T00:00:00Z' },
          },
          logId: { keyId: encodeBase64(sha256(spki)) },
        },
      ],
    }),
  );

  it('verify: promise, checkpoint and proof of each', () => {
    expect(answers.length).toBeGreaterThan(100);
    for (const [name, each] of answers) {
      const entry = entryOf(each);
      const version = (JSON.parse(Buffer.from(entry.body).toString()) as { apiVersion: string }).apiVersion;
      const shown = verifyLoggedEntry({ ...entry, version }, logs);
      expect([name, shown.index, shown.promise]).toEqual([name, entry.index, true]);
    }
  });

  interface Envelope {
    readonly payload: string;
    readonly payloadType: string;
    readonly signatures: readonly { readonly sig: string }[];
  }

  /** The bundle of the signature that a request has, by a key that only the request tells. */
  function bundleOf({ kind, request }: Answer): { bundle: SigstoreBundle; verifier: string } {
    const bundle = (content: SigstoreBundle['content']): SigstoreBundle => ({
      content,
      material: { type: 'publicKey', hint: '' },
      entries: [],
      timestamps: [],
    });
    const dsse = ({ payload, payloadType, signatures: [first] }: Envelope, twice: boolean) => {
      const bytes = (text: string) => decodeBase64(twice ? Buffer.from(text, 'base64').toString() : text);
      return bundle({
        type: 'dsseEnvelope',
        payload: bytes(payload),
        payloadType,
        signature: bytes(first?.sig ?? ''),
      });
    };
    if (kind === 'dsse') {
      const { proposedContent } = request.spec as {
        proposedContent: { envelope: string; verifiers: [string] };
      };
      const envelope = JSON.parse(proposedContent.envelope) as Envelope;
      return { bundle: dsse(envelope, false), verifier: proposedContent.verifiers[0] };
    }
    if (kind === 'intoto') {
      const { content } = request.spec as {
        content: { envelope: Envelope & { signatures: [{ publicKey: string }] } };
      };
      return { bundle: dsse(content.envelope, true), verifier: content.envelope.signatures[0].publicKey };
    }
    const { data, signature } = request.spec as {
      data: { hash: { algorithm: string; value: string } };
      signature: { content: string; publicKey: { content: string } };
    };
    const algorithm = { sha256: 'SHA2_256', sha384: 'SHA2_384', sha512: 'SHA2_512' }[data.hash.algorithm];
    return {
      bundle: bundle({
        type: 'messageSignature',
        digestAlgorithm: algorithm as 'SHA2_256',
        digest: hex(data.hash.value),
        signature: decodeBase64(signature.content),
      }),
      verifier: signature.publicKey.content,
    };
  }

  it.each([
    'dsse-fresh',
    'dsse-rsa',
    'dsse-text-type',
    'dsse-cert',
    'intoto-002-fresh',
    'intoto-002-repo',
    'hashedrekord-p256-sha256',
    'hashedrekord-p384-sha384',
    'hashedrekord-p521-sha512',
    'hashedrekord-ed25519ph-sha512',
    'hashedrekord-rsa4096-sha256',
    'hashedrekord-upper-hex',
    'hashedrekord-cert-sans',
  ])('%s: its body is that of its signature, which verifies', (name) => {
    const each = answer(name);
    const { bundle, verifier } = bundleOf(each);
    const logged = readEntry(entryOf(each).body);
    const { spki: key } = readPublicKeyFile(decodeBase64(verifier), 'key');
    const matched = matchEntry(bundle, logged, nodeSuite, key);
    const { content } = bundle;
    const names = { SHA2_256: 'sha256', SHA2_384: 'sha384', SHA2_512: 'sha512' } as const;
    const artifact =
      content.type === 'messageSignature'
        ? artifactOfDigests({ [names[content.digestAlgorithm]]: content.digest })
        : undefined;
    verifyArtifactSignature(bundle, key, artifact, matched);

    const refuses = (changed: Partial<SigstoreBundle['content']>, message: RegExp) => {
      const other = { ...bundle, content: { ...content, ...changed } as SigstoreBundle['content'] };
      expect(() => matchEntry(other, logged, nodeSuite, key)).toThrow(ProofError);
      expect(() => matchEntry(other, logged, nodeSuite, key)).toThrow(message);
    };
    refuses({ signature: content.signature.slice(1) }, /another signature/);
    if (content.type === 'dsseEnvelope')
      refuses({ payload: content.payload.slice(1) }, /digest is not that of/);
    else refuses({ digest: content.digest.slice(1) }, /another digest/);
    expect(() => matchEntry(bundle, logged, nodeSuite, spki)).toThrow(/by another public key/);
    const material = { type: 'certificate', der: key } as const;
    expect(() => matchEntry({ ...bundle, material }, logged, nodeSuite)).toThrow(
      /a certificate|another certificate/,
    );
  });

  it.each([
    ['intoto-001-fresh', /intoto 0\.0\.1, whose signature this version of Stele cannot read/],
    ['rekord-x509-p256', /rekord 0\.0\.1, whose signature this version/],
    ['dsse-two-sigs', /has 2 signatures, and a Sigstore bundle has one/],
    ['dsse-fresh', /of another signature/],
  ])("%s: another entry's body", (name, message) => {
    const { bundle } = bundleOf(answer('dsse-rsa'));
    const logged = readEntry(entryOf(answer(name)).body);
    expect(() => matchEntry(bundle, logged, nodeSuite)).toThrow(ProofError);
    expect(() => matchEntry(bundle, logged, nodeSuite)).toThrow(message);
  });
});
