/**
 * Entries that others made, and every kind of key, through the daemon's HTTP interface: what is logged is known byte for
 * byte, and what must not be logged is refused by name.
 */
import { createHash, createPublicKey } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TransparencyLogEntry } from '@sigstore/protobuf-specs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALGORITHMS, type Algorithm } from '#src/signatures/algorithms.js';
import {
  decodeBase64,
  ED25519,
  encodeBase64,
  encodeHex,
  formatVerifierKey,
  keyHash,
  noteVerifier,
  parseVerifierKey,
} from '#tiles-spec/index.js';
import { startDaemon, withFolder, type Daemon } from '../../support/daemon.js';
import { OpenSsl, type Signed } from '../../support/openssl-keys.js';
import { describeWithVectors, listVectors, readVectorJson, readVectorText } from '../../support/vectors.js';
import {
  hashedRekordRequest,
  post,
  proveAnswer,
  readBack,
  refusal,
  submit,
  verifierJson,
  type Answer,
  type RequestVerifier,
} from '../../support/submission.js';

let folder: string;
let daemon: Daemon;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stele-'));
  // Most submissions here come one by one: they need not wait for others.
  daemon = await startDaemon(folder, ['--batch-age', '10ms']);
});

afterAll(async () => {
  await daemon.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Submits, proves the answer, and finds the entry in the log. */
async function logged(request: object | string): Promise<{ answer: Answer; body: string; leaf: string }> {
  const answer = await submit(daemon.url, request);
  const proved = proveAnswer(answer, daemon.verifier);
  await readBack(daemon.url, daemon.verifier, proved);
  return { answer, body: Buffer.from(proved.body).toString(), leaf: encodeHex(proved.leaf) };
}

/** rekor-tiles' own unit test's constants, as rekor-tiles logs them. */
const KNOWN = {
  digest: 'WzUT9YDIOXIS/yyPRZwZnvwMkOQ1Sl81M63wo//zpTA=',
  signature:
    'MEYCIQC59oLS3MsCqm0xCxPOy+8FdQK4RYCZE036s3q1ECfcagIhAJ4ATXlCSdFrklKAS8No0PsAE9uLi37TCbIfRXASJTTb',
  key: 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeLw7gX40qy1z7JUhGMAaaDITbV7p2D+C5G9xPEsy/PVAo9H0mgS4NYzpGirkXxBht+IvvL19WR1X9ANXha5ldQ==',
  body: '{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":"WzUT9YDIOXIS/yyPRZwZnvwMkOQ1Sl81M63wo//zpTA="},"signature":{"content":"MEYCIQC59oLS3MsCqm0xCxPOy+8FdQK4RYCZE036s3q1ECfcagIhAJ4ATXlCSdFrklKAS8No0PsAE9uLi37TCbIfRXASJTTb","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256","publicKey":{"rawBytes":"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeLw7gX40qy1z7JUhGMAaaDITbV7p2D+C5G9xPEsy/PVAo9H0mgS4NYzpGirkXxBht+IvvL19WR1X9ANXha5ldQ=="}}}}}}',
  leaf: '9f7de180887c06919d4a3e1487998bb04246d40db05589f4287e7a3ec794d250',
};

describe('a known answer', () => {
  const request = {
    hashedRekordRequestV002: {
      digest: KNOWN.digest,
      signature: {
        content: KNOWN.signature,
        verifier: { publicKey: { rawBytes: KNOWN.key }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' },
      },
    },
  };

  it('is given, body and leaf hash', async () => {
    const { body, leaf } = await logged(request);
    expect(body).toBe(KNOWN.body);
    expect(body).toHaveLength(489);
    expect(leaf).toBe(KNOWN.leaf);
  });

  it('is given to every spelling that protobuf has for the request', async () => {
    const urlSafe = (base64: string) => base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
    const { answer } = await logged(request);
    const again = await logged({
      hashed_rekord_request_v002: {
        digest: urlSafe(KNOWN.digest),
        signature: {
          content: urlSafe(KNOWN.signature),
          verifier: { public_key: { raw_bytes: urlSafe(KNOWN.key) }, key_details: 5 },
        },
      },
    });
    expect(again.body).toBe(KNOWN.body);
    expect(again.answer.logIndex).toBe(answer.logIndex);
  });

  it('has exactly the fields that clients demand, zeros written out', async () => {
    const { status, headers, text } = await post(daemon.url, request);
    expect(status).toBe(201);
    expect(headers.get('cache-control')).toBe('no-store');
    const answer = JSON.parse(text) as Answer;
    expect(Object.keys(answer)).toEqual([
      'logIndex',
      'logId',
      'kindVersion',
      'integratedTime',
      'inclusionPromise',
      'inclusionProof',
      'canonicalizedBody',
    ]);
    expect(answer).toEqual({
      logIndex: expect.stringMatching(/^\d+$/) as string,
      logId: { keyId: encodeBase64(keyHash(parseVerifierKey(daemon.verifierKey))) },
      kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
      integratedTime: '0',
      inclusionPromise: null,
      inclusionProof: {
        logIndex: answer.logIndex,
        rootHash: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/) as string,
        treeSize: expect.stringMatching(/^\d+$/) as string,
        hashes: expect.any(Array) as string[],
        checkpoint: { envelope: expect.stringMatching(/^127\.0\.0\.1\n\d+\n/) as string },
      },
      canonicalizedBody: Buffer.from(KNOWN.body).toString('base64'),
    });

    const entry = TransparencyLogEntry.fromJSON(answer);
    expect(entry.logIndex).toBe(answer.logIndex);
    expect(entry.inclusionPromise).toBeUndefined();
    expect(entry.inclusionProof?.hashes.map(encodeBase64)).toEqual(answer.inclusionProof.hashes);
    expect(entry.inclusionProof?.checkpoint).toEqual(answer.inclusionProof.checkpoint);
    expect(entry.canonicalizedBody.toString()).toBe(KNOWN.body);
  });

  it('of a log of one entry has zeros and an empty proof', async () => {
    await withFolder(async (data) => {
      const log = await startDaemon(data);
      try {
        const { logIndex, inclusionProof } = await submit(log.url, request);
        expect(logIndex).toBe('0');
        expect(inclusionProof).toMatchObject({
          logIndex: '0',
          treeSize: '1',
          hashes: [],
          rootHash: Buffer.from(KNOWN.leaf, 'hex').toString('base64'),
        });
      } finally {
        await log.stop();
      }
    });
  });
});

/** What a test uses of a trusted root. */
interface OwnLogs {
  readonly tlogs: [
    { readonly publicKey: { readonly rawBytes: string }; readonly logId: { readonly keyId: string } },
  ];
}

describeWithVectors("rekor-tiles' own answer", () => {
  it('is given to its request, body byte for byte', async () => {
    const { canonicalizedBody, kindVersion } = readVectorJson('trust', 'answer.json') as Answer;
    const { answer } = await logged(readVectorText('trust', 'request.json'));
    expect(answer.canonicalizedBody).toBe(canonicalizedBody);
    expect(answer.kindVersion).toEqual(kindVersion);
  });

  it('verifies with its key, and our formula gives its log id', () => {
    const answer = readVectorJson('trust', 'answer.json') as Answer;
    const [log] = (readVectorJson('trust', 'trusted_root.json') as OwnLogs).tlogs;
    const key = {
      name: '127.0.0.1',
      type: ED25519,
      publicKey: decodeBase64(log.publicKey.rawBytes).subarray(-32),
    } as const;
    expect(encodeBase64(keyHash(key))).toBe(log.logId.keyId);
    expect(answer.logId.keyId).toBe(log.logId.keyId);
    expect(proveAnswer(answer, noteVerifier(parseVerifierKey(formatVerifierKey(key)))).index).toBe(28);
  });
});

/** What a test uses of a bundle. */
interface BundleFile {
  readonly verificationMaterial: {
    readonly certificate?: { readonly rawBytes: string };
    readonly x509CertificateChain?: { readonly certificates: [{ readonly rawBytes: string }] };
    readonly tlogEntries: [{ readonly kindVersion: object; readonly canonicalizedBody: string }];
  };
  readonly messageSignature?: {
    readonly messageDigest: { readonly digest: string };
    readonly signature: string;
  };
  readonly dsseEnvelope?: {
    readonly payload: string;
    readonly payloadType: string;
    readonly signatures: [{ readonly sig: string }];
  };
}

/** The certificate of a bundle, or the key beside it. */
function bundleVerifier(
  { verificationMaterial: { certificate, x509CertificateChain } }: BundleFile,
  folder: string,
): RequestVerifier {
  const keyDetails = 'PKIX_ECDSA_P256_SHA_256';
  const rawBytes = certificate?.rawBytes ?? x509CertificateChain?.certificates[0].rawBytes;
  if (rawBytes !== undefined) return { form: 'x509Certificate', der: decodeBase64(rawBytes), keyDetails };
  const key = createPublicKey(readVectorText(folder, 'key.pub'));
  return { form: 'publicKey', der: key.export({ format: 'der', type: 'spki' }), keyDetails };
}

/** The requests by which a bundle's signature can be logged. */
function bundleRequests(bundle: BundleFile, verifier: RequestVerifier): object[] {
  const { messageSignature, dsseEnvelope } = bundle;
  if (messageSignature !== undefined) {
    const { messageDigest, signature } = messageSignature;
    return [hashedRekordRequest(decodeBase64(messageDigest.digest), decodeBase64(signature), verifier)];
  }
  if (dsseEnvelope === undefined) throw new Error('the bundle has no content');
  // DSSE's pre-authentication encoding, once more.
  const { payloadType, payload, signatures } = dsseEnvelope;
  const bytes = Buffer.from(payload, 'base64');
  const signed = Buffer.concat([
    Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${bytes.length} `),
    bytes,
  ]);
  return [
    { dsseRequestV002: { envelope: dsseEnvelope, verifiers: [verifierJson(verifier)] } },
    hashedRekordRequest(
      createHash('sha256').update(signed).digest(),
      decodeBase64(signatures[0].sig),
      verifier,
    ),
  ];
}

describeWithVectors("others' bundles", () => {
  const FILE = 'bundle.sigstore.json';
  const folders = listVectors('bundles')
    .filter((path) => path.endsWith(FILE))
    .map((path) => path.slice(0, -FILE.length - 1));
  const good = folders.filter((path) => !path.endsWith('_fail'));

  it('are all there', () => {
    expect(good).toHaveLength(10);
  });

  it.each(good)('%s can be logged', async (path) => {
    const bundle = readVectorJson(path, FILE) as BundleFile;
    const answers = [];
    for (const request of bundleRequests(bundle, bundleVerifier(bundle, path))) {
      answers.push((await logged(request)).answer);
    }

    // However it was asked for, it is one entry.
    expect(new Set(answers.map(({ logIndex }) => logIndex)).size).toBe(1);
    const [entry] = bundle.verificationMaterial.tlogEntries;
    const [answer] = answers;
    // Of a bundle whose log wrote the same kind, the entry is the same.
    if (JSON.stringify(entry.kindVersion) === JSON.stringify(answer?.kindVersion)) {
      expect(answer?.canonicalizedBody).toBe(entry.canonicalizedBody);
    }
  });

  it.each([
    ['rekor2-happy-path', '78470eff2921878c2141726b650bf349099c37850a731f287a6accf35d40441f'],
    ['rekor2-dsse-happy-path', 'fe40655a0f968947de630c778c0f68bd52c68a40c5a25fc1a3a4edd6ab3c2f99'],
  ])('%s has the leaf hash that it has in its own log', async (name, expected) => {
    const path = `bundles/${name}`;
    const bundle = readVectorJson(path, FILE) as BundleFile;
    for (const request of bundleRequests(bundle, bundleVerifier(bundle, path))) {
      expect((await logged(request)).leaf).toBe(expected);
    }
  });

  it("whose signature is not its certificate's cannot", async () => {
    const path = 'bundles/rekor2-dsse-invalid-sig_fail';
    const bundle = readVectorJson(path, FILE) as BundleFile;
    for (const request of bundleRequests(bundle, bundleVerifier(bundle, path))) {
      expect(await refusal(daemon.url, request)).toMatch(/^signature: does not verify/);
    }
  });

  it.each(['cosign-key', 'cosign-keyless', 'cosign-attest'])(
    '%s has the entry that it has in its own log',
    async (name) => {
      const bundle = readVectorJson('trust', `${name}.bundle.json`) as BundleFile;
      const { canonicalizedBody } = bundle.verificationMaterial.tlogEntries[0];
      const { data, signature } = (
        JSON.parse(Buffer.from(canonicalizedBody, 'base64').toString()) as {
          spec: { hashedRekordV002: { data: { digest: string }; signature: object } };
        }
      ).spec.hashedRekordV002;
      const { answer } = await logged({ hashedRekordRequestV002: { digest: data.digest, signature } });
      expect(answer.canonicalizedBody).toBe(canonicalizedBody);
    },
  );
});

/** Labels that Sigstore has, and a log of digests cannot or does not take. */
const OTHER_LABELS = ['PKIX_ED25519', 'PKIX_RSA_PSS_2048_SHA256', 'PKIX_ECDSA_P384_SHA_256', 'ML_DSA_65'];

describe.each(ALGORITHMS)('a signature by $keyDetails', (algorithm) => {
  const { keyDetails } = algorithm;
  let signed: Signed;
  let stranger: Signed;

  beforeAll(() => {
    const openssl = new OpenSsl();
    try {
      signed = openssl.signed(algorithm, Buffer.from(`an artifact for ${keyDetails}`));
      stranger = openssl.signed(algorithm, Buffer.from('something else'));
    } finally {
      openssl.remove();
    }
  });

  const asKey = ({ key }: Signed, label: string = keyDetails): RequestVerifier => ({
    form: 'publicKey',
    der: key,
    keyDetails: label,
  });
  const asCertificate = ({ certificate }: Signed, label: string = keyDetails): RequestVerifier => ({
    form: 'x509Certificate',
    der: certificate,
    keyDetails: label,
  });
  const bothForms = [asKey, asCertificate];
  const request = (verifier: RequestVerifier, digest: Uint8Array = signed.digest) =>
    hashedRekordRequest(digest, signed.signature, verifier);

  /** The body that rekor-tiles writes, in its words. */
  const bodyOf = (digestAlgorithm: Algorithm['digestAlgorithm'], verifier: string) =>
    `{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"${digestAlgorithm}","digest":"${signed.digest.toString('base64')}"},"signature":{"content":"${signed.signature.toString('base64')}","verifier":{"keyDetails":"${keyDetails}",${verifier}}}}}}`;

  it('is logged with its public key', async () => {
    const { body } = await logged(request(asKey(signed)));
    const key = signed.key.toString('base64');
    expect(body).toBe(bodyOf(algorithm.digestAlgorithm, `"publicKey":{"rawBytes":"${key}"}`));
  });

  it('is logged with its certificate', async () => {
    const { body } = await logged(request(asCertificate(signed)));
    const certificate = signed.certificate.toString('base64');
    expect(body).toBe(bodyOf(algorithm.digestAlgorithm, `"x509Certificate":{"rawBytes":"${certificate}"}`));
  });

  it('is logged with a public key that came as a certificate', async () => {
    const plain = await logged(request(asKey(signed)));
    const disguised = await logged(request({ ...asKey(signed), form: 'x509Certificate' }));
    expect(disguised.body).toBe(plain.body);
    expect(disguised.answer.logIndex).toBe(plain.answer.logIndex);
  });

  it('is refused over another digest', async () => {
    for (const form of bothForms) {
      expect(await refusal(daemon.url, request(form(signed), stranger.digest))).toMatch(/^signature: /);
      const short = signed.digest.subarray(1);
      expect(await refusal(daemon.url, request(form(signed), short))).toBe(
        `digest: is ${short.length} bytes; ${algorithm.digestAlgorithm} has ${signed.digest.length}`,
      );
    }
  });

  it('is refused with another key', async () => {
    for (const form of bothForms) {
      expect(await refusal(daemon.url, request(form(stranger)))).toMatch(/^signature: /);
    }
  });

  it('is refused by any other label', async () => {
    for (const form of bothForms) {
      for (const label of [...OTHER_LABELS, ...ALGORITHMS.map((other) => other.keyDetails)]) {
        if (label === keyDetails) continue;
        const other = ALGORITHMS.find((known) => known.keyDetails === label);
        const message = await refusal(daemon.url, request(form(signed, label)));
        // A digest that the label's hash cannot have made is named first.
        if (
          other !== undefined &&
          other.digestLength !== algorithm.digestLength &&
          message.startsWith('digest:')
        ) {
          expect(message).toBe(
            `digest: is ${algorithm.digestLength} bytes; ${other.digestAlgorithm} has ${other.digestLength}`,
          );
        } else {
          expect(message).toContain(`keyDetails: `);
          expect(message).toContain(label);
        }
      }
    }
  });
});
