/**
 * Sigstore's JavaScript client, unmodified: `@sigstore/sign` submits to the daemon, and `@sigstore/verify` accepts what
 * comes of it with the trust files that the daemon serves.
 */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleFromJSON, bundleToJSON, ValidationError, type Bundle } from 'sigstore-bundle-latest';
import { PublicKeyDetails, SigningConfig, TrustedRoot } from '@sigstore/protobuf-specs';
import {
  bundleBuilderFromSigningConfig,
  DSSEBundleBuilder,
  FulcioSigner,
  MessageSignatureBundleBuilder,
  RekorWitness,
  TSAWitness,
  type BundleBuilder,
  type Signer,
  type Witness,
} from '@sigstore/sign';
import {
  toSignedEntity,
  toTrustMaterial,
  VerificationError,
  Verifier,
  type TrustMaterial,
} from 'sigstore-verify-latest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeBase64, encodeBase64 } from '#tiles-spec/index.js';
import { startDaemon, withFolder, type Daemon } from '../../support/daemon.js';
import { identityOf, ISSUER, startStandIns, type StandIns } from '../../support/sigstore-stand-ins.js';
import {
  answerOf,
  hashedRekordRequest,
  proveAnswer,
  readBack,
  submit,
  type ProvedAnswer,
} from '../../support/submission.js';

const SUBJECT = 'https://builder.example/release';

/** The two forms of bundle. Of DSSE, the artifact is in the bundle. */
const FORMS = [
  { form: 'DSSE', bundleType: 'dsseEnvelope', Builder: DSSEBundleBuilder },
  { form: 'message-signature', bundleType: 'messageSignature', Builder: MessageSignatureBundleBuilder },
] as const;

let standIns: StandIns;
let folder: string;
let daemon: Daemon;

beforeAll(async () => {
  standIns = await startStandIns();
  folder = await mkdtemp(join(tmpdir(), 'stele-'));
  daemon = await startDaemon(folder);
});

afterAll(async () => {
  await daemon.stop();
  await standIns.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A file that the log serves. */
async function served(name: string): Promise<string> {
  const response = await fetch(`${daemon.url}/${name}`);
  expect(response.status).toBe(200);
  return response.text();
}

/** What `@sigstore/verify` trusts, given a `trusted_root.json`. */
function trust(trustedRoot: string, keys?: Parameters<typeof toTrustMaterial>[1]): TrustMaterial {
  return toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(trustedRoot)), keys);
}

/** The daemon's trust file, to which the stand-ins are added and nothing else is done. */
async function fullTrust(): Promise<TrustMaterial> {
  const root = await served('trusted_root.json');
  const [tlogs] = /"tlogs":\[.*?\],(?="certificateAuthorities")/.exec(root) ?? [];
  const completed = standIns.addTo(root);
  if (tlogs === undefined) throw new Error('trusted_root.json has no tlogs');
  expect(completed).toContain(tlogs);
  return trust(completed);
}

const rekor = () => new RekorWitness({ rekorBaseURL: daemon.url, majorApiVersion: 2 });

/** Signs with a certificate of the stand-in authority, with a time stamp beside the log's entry. */
function keyless(Builder: (typeof FORMS)[number]['Builder'], log: Witness = rekor()): BundleBuilder {
  return new Builder({
    signer: new FulcioSigner({ fulcioBaseURL: standIns.url, identityProvider: identityOf(SUBJECT) }),
    witnesses: [log, new TSAWitness({ tsaBaseURL: standIns.url })],
  });
}

function newArtifact() {
  return { data: randomBytes(100), type: 'application/vnd.example+json' };
}

/** The bundle as a file keeps it. */
function throughJson(bundle: Bundle): Bundle {
  return bundleFromJSON(JSON.parse(JSON.stringify(bundleToJSON(bundle))));
}

/** Verifies what a bundle has of the log with our own code, without the log and then from its files. */
async function verifyOurselves(bundle: Bundle): Promise<ProvedAnswer> {
  const [entry, ...more] = bundle.verificationMaterial.tlogEntries;
  if (entry === undefined) throw new Error('the bundle has no log entry');
  expect(more).toEqual([]);
  const proved = proveAnswer(answerOf(entry), daemon.verifier);
  await readBack(daemon.url, daemon.verifier, proved);
  return proved;
}

describe.each(FORMS)('$form bundles', ({ Builder, bundleType }) => {
  it('are accepted at the default thresholds, signed with a certificate', async () => {
    const artifact = newArtifact();
    const bundle = throughJson(await keyless(Builder).create(artifact));

    const signer = new Verifier(await fullTrust()).verify(toSignedEntity(bundle, artifact.data), {
      subjectAlternativeName: SUBJECT,
      extensions: { issuer: ISSUER },
    });

    expect(signer.identity?.subjectAlternativeName).toBe(SUBJECT);
    const [entry] = bundle.verificationMaterial.tlogEntries;
    expect(entry?.kindVersion).toEqual({ kind: 'hashedrekord', version: '0.0.2' });
    const { body } = await verifyOurselves(bundle);
    expect(Buffer.from(body).toString()).toContain('"x509Certificate":');
  });

  it('are accepted with the served trust file as it is, signed with a bare key', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const rawBytes = publicKey.export({ format: 'der', type: 'spki' });
    const hint = createHash('sha256').update(rawBytes).digest('base64');
    const signer: Signer = {
      sign: (data) =>
        Promise.resolve({
          signature: sign('sha256', data, privateKey),
          key: {
            $case: 'publicKey',
            publicKey: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
            hint,
          },
        }),
    };
    const artifact = newArtifact();
    const bundle = throughJson(await new Builder({ signer, witnesses: [rekor()] }).create(artifact));

    const key = {
      rawBytes,
      keyDetails: PublicKeyDetails.PKIX_ECDSA_P256_SHA_256,
      validFor: { start: new Date(0), end: undefined },
    };
    const material = trust(await served('trusted_root.json'), { [hint]: key });
    new Verifier(material, { timestampThreshold: 0 }).verify(toSignedEntity(bundle, artifact.data));

    // The client sends the key in the certificate's field; it is logged as what it is.
    const { body } = await verifyOurselves(bundle);
    expect(Buffer.from(body).toString()).toContain(`"publicKey":{"rawBytes":"${encodeBase64(rawBytes)}"}`);
  });

  it('are made from the served signing configuration', async () => {
    const config: unknown = JSON.parse(await served('signing_config.json'));
    const service = (url: string) => ({
      url,
      majorApiVersion: 1,
      validFor: { start: '2024-01-01T00:00:00Z' },
      operator: 'stand-in',
    });
    const signingConfig = SigningConfig.fromJSON({
      ...(config as object),
      caUrls: [service(standIns.url)],
      tsaUrls: [service(`${standIns.url}/api/v1/timestamp`)],
    });
    const artifact = newArtifact();
    const bundle = await bundleBuilderFromSigningConfig({
      signingConfig,
      bundleType,
      identityProvider: identityOf(SUBJECT),
    }).create(artifact);

    new Verifier(await fullTrust()).verify(toSignedEntity(throughJson(bundle), artifact.data));
    await verifyOurselves(bundle);
  });

  it('have the same entry when they are submitted again', async () => {
    const { log, submissions } = remembered(rekor());
    const first = await keyless(Builder, log).create(newArtifact());
    const [submission] = submissions;
    if (submission === undefined) throw new Error('nothing was submitted');
    const { index, body } = await verifyOurselves(first);

    const again = await rekor().testify(...submission);
    const [entry] = again.tlogEntries;
    if (entry === undefined) throw new Error('the client has no log entry');
    expect(proveAnswer(answerOf(entry), daemon.verifier)).toMatchObject({ index, body });

    // 201 again, which the client does not show.
    expect((await submit(daemon.url, requestFor(body))).logIndex).toBe(String(index));
  });
});

/** A witness that keeps what it is asked to testify. */
function remembered(witness: RekorWitness) {
  const submissions: Parameters<RekorWitness['testify']>[] = [];
  const log: Witness = {
    testify: (...submission) => {
      submissions.push(submission);
      return witness.testify(...submission);
    },
  };
  return { log, submissions };
}

/** The request for a logged body. */
function requestFor(body: Uint8Array): object {
  const { data, signature } = (JSON.parse(Buffer.from(body).toString()) as LoggedBody).spec.hashedRekordV002;
  return { hashedRekordRequestV002: { digest: data.digest, signature } };
}

interface LoggedBody {
  readonly spec: {
    readonly hashedRekordV002: { readonly data: { readonly digest: string }; readonly signature: object };
  };
}

it('an entry keeps its index over a restart', async () => {
  await withFolder(async (data) => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const requests = Array.from({ length: 3 }, (_, i) => {
      const message = Buffer.from(`artifact ${i}`);
      return hashedRekordRequest(
        createHash('sha256').update(message).digest(),
        sign('sha256', message, privateKey),
        {
          form: 'publicKey',
          der: publicKey.export({ format: 'der', type: 'spki' }),
          keyDetails: 'PKIX_ECDSA_P256_SHA_256',
        },
      );
    });
    const run = async () => {
      const log = await startDaemon(data);
      try {
        const answers = [];
        for (const request of requests) {
          const answer = await submit(log.url, request);
          const proved = proveAnswer(answer, log.verifier);
          await readBack(log.url, log.verifier, proved);
          answers.push({ index: answer.logIndex, body: answer.canonicalizedBody, logId: answer.logId.keyId });
        }
        const size = (await (await fetch(`${log.url}/checkpoint`)).text()).split('\n')[1];
        return { answers, size, verifierKey: log.verifierKey };
      } finally {
        await log.stop();
      }
    };
    const before = await run();
    expect(before.answers.map(({ index }) => index)).toEqual(['0', '1', '2']);
    expect(before.size).toBe('3');
    expect(await run()).toEqual(before);
  });
});

describe('a bundle that was tampered with', () => {
  interface Entry {
    logIndex: string;
    logId: { keyId: string };
    inclusionProof?: {
      logIndex: string;
      treeSize: string;
      rootHash: string;
      hashes: string[];
      checkpoint: { envelope: string };
    };
    canonicalizedBody: string;
  }
  type Proof = NonNullable<Entry['inclusionProof']>;

  const artifact = newArtifact();
  let json: string;
  let other: Entry;
  let trusted: TrustMaterial;

  const entryOf = (bundle: string) => {
    const parsed = JSON.parse(bundle) as { verificationMaterial: { tlogEntries: [Entry] } };
    return { parsed, entry: parsed.verificationMaterial.tlogEntries[0] };
  };

  const verify = (bundle: unknown) => {
    new Verifier(trusted).verify(toSignedEntity(bundleFromJSON(bundle), artifact.data));
  };

  beforeAll(async () => {
    const builder = keyless(MessageSignatureBundleBuilder);
    other = entryOf(JSON.stringify(bundleToJSON(await builder.create(newArtifact())))).entry;
    json = JSON.stringify(bundleToJSON(await builder.create(artifact)));
    trusted = await fullTrust();
  });

  const withProof = (change: (proof: Proof) => void) => (entry: Entry) => {
    if (entry.inclusionProof === undefined) throw new Error('the entry has no proof');
    change(entry.inclusionProof);
  };
  const inEnvelope = (change: (lines: string[]) => void) =>
    withProof(({ checkpoint }) => {
      const lines = checkpoint.envelope.split('\n');
      change(lines);
      checkpoint.envelope = lines.join('\n');
    });

  it('is accepted as long as it was not', () => {
    verify(JSON.parse(json));
  });

  it('is refused: no proof at all', () => {
    const { parsed, entry } = entryOf(json);
    delete entry.inclusionProof;
    expect(() => {
      verify(parsed);
    }).toThrow(ValidationError);
  });

  it.each<[string, string, (entry: Entry) => void]>([
    [
      'a hash of its proof',
      'TLOG_INCLUSION_PROOF_ERROR',
      withProof(({ hashes }) => {
        hashes[0] = flipped(hashes[0]);
      }),
    ],
    [
      'a hash left out of its proof',
      'TLOG_INCLUSION_PROOF_ERROR',
      withProof(({ hashes }) => {
        hashes.pop();
      }),
    ],
    [
      'the index in its proof',
      'TLOG_INCLUSION_PROOF_ERROR',
      withProof((proof) => {
        proof.logIndex = String(Number(proof.logIndex) - 1);
      }),
    ],
    [
      "the checkpoint's size",
      'TLOG_INCLUSION_PROOF_ERROR',
      inEnvelope((lines) => {
        lines[1] = String(Number(lines[1]) + 1);
      }),
    ],
    [
      "the checkpoint's root",
      'TLOG_INCLUSION_PROOF_ERROR',
      inEnvelope((lines) => {
        lines[2] = flipped(lines[2]);
      }),
    ],
    [
      "the checkpoint's origin",
      'TLOG_INCLUSION_PROOF_ERROR',
      inEnvelope((lines) => {
        lines[0] = 'log.example';
      }),
    ],
    [
      "the checkpoint's signature",
      'TLOG_INCLUSION_PROOF_ERROR',
      inEnvelope((lines) => {
        const [dash, name, signature] = lines[4]?.split(' ') ?? [];
        lines[4] = `${String(dash)} ${String(name)} ${flipped(signature, -1)}`;
      }),
    ],
    [
      "another entry's checkpoint",
      'TLOG_INCLUSION_PROOF_ERROR',
      withProof((proof) => {
        if (other.inclusionProof !== undefined) proof.checkpoint = other.inclusionProof.checkpoint;
      }),
    ],
    [
      "the log's id",
      'TLOG_INCLUSION_PROOF_ERROR',
      (entry) => {
        entry.logId.keyId = flipped(entry.logId.keyId, -1);
      },
    ],
    [
      'the digest in its body',
      'TLOG_INCLUSION_PROOF_ERROR',
      (entry) => {
        entry.canonicalizedBody = Buffer.from(
          Buffer.from(entry.canonicalizedBody, 'base64')
            .toString()
            .replace(/"digest":"[^"]*"/, `"digest":"${encodeBase64(randomBytes(32))}"`),
        ).toString('base64');
      },
    ],
    [
      'a body that is not JSON',
      'TLOG_INCLUSION_PROOF_ERROR',
      (entry) => {
        entry.canonicalizedBody = flipped(entry.canonicalizedBody);
      },
    ],
    [
      "another artifact's entry, proof and all",
      'TLOG_BODY_ERROR',
      (entry) => {
        Object.assign(entry, other);
      },
    ],
  ])('is refused: %s', (_name, code, tamper) => {
    const { parsed, entry } = entryOf(json);
    tamper(entry);
    const attempt = () => {
      verify(parsed);
    };
    expect(attempt).toThrow(VerificationError);
    expect(attempt).toThrow(expect.objectContaining({ code }));
  });
});

/** Base64 with one bit of one byte changed. */
function flipped(base64 = '', at = 0): string {
  const bytes = decodeBase64(base64);
  const place = (at + bytes.length) % bytes.length;
  return encodeBase64(bytes.map((byte, i) => (i === place ? byte ^ 1 : byte)));
}
