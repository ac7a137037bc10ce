import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeText } from '#tiles-spec/bytes.js';
import { parseDecimal } from '#tiles-spec/decimal.js';
import {
  decodeBase64,
  ECDSA,
  ED25519,
  encodeBase64,
  encodeHex,
  formatTlogProof,
  keyHash,
  leafHash,
  noteVerifier,
  openCheckpoint,
  parseNote,
  parseTlogProof,
  verifyInclusion,
  verifyTlogProof,
  type SignedCheckpoint,
  type VerifierKey,
} from '#tiles-spec/index.js';
import { describeWithVectors, listVectors, readVectorJson, VECTORS } from '../../support/vectors.js';
import { refused } from '../../support/trees.js';

interface TlogEntry {
  readonly logId: { readonly keyId: string };
  readonly kindVersion: { readonly kind: string; readonly version: string };
  readonly canonicalizedBody: string;
  readonly inclusionProof?: {
    readonly logIndex: string;
    readonly rootHash: string;
    readonly treeSize: string;
    readonly hashes: readonly string[];
    readonly checkpoint?: { readonly envelope: string };
  };
}

interface Bundle {
  readonly verificationMaterial: { readonly tlogEntries: readonly TlogEntry[] };
}

interface TrustedRoot {
  readonly tlogs: readonly {
    readonly baseUrl: string;
    readonly logId: { readonly keyId: string };
    readonly publicKey: { readonly rawBytes: string; readonly keyDetails: string };
  }[];
}

const REKOR_V1 =
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2G2Y+2tabdTV5BcGiBIx0a9fAFwrkBbmLSGtks4L3qX6yYY0zufBnhC8Ur/iy55GhWP/9A/bY2LhC30M9+RYtw==';

/** The key that a bundle's entry says signed it: of the bundle's own trusted root, or Rekor v1's. */
function keyOf(folder: string, { logId }: TlogEntry): VerifierKey {
  const rootFile = join('bundles', folder, 'trusted_root.json');
  const { tlogs } = existsSync(join(VECTORS, rootFile))
    ? (readVectorJson(rootFile) as TrustedRoot)
    : {
        tlogs: [
          {
            baseUrl: 'https://rekor.sigstore.dev',
            logId,
            publicKey: { rawBytes: REKOR_V1, keyDetails: 'PKIX_ECDSA_P256_SHA_256' },
          },
        ],
      };
  const log = tlogs.find((log) => log.logId.keyId === logId.keyId);
  if (log === undefined) throw new Error(`${folder} has no key for ${logId.keyId}`);
  const key = keyFromTrustedRoot(log);
  // The log id is all of the key hash, of which the signature line has the first 4 bytes.
  expect(encodeBase64(keyHash(key))).toBe(logId.keyId);
  return key;
}

function keyFromTrustedRoot({ baseUrl, publicKey }: TrustedRoot['tlogs'][number]): VerifierKey {
  const spki = decodeBase64(publicKey.rawBytes);
  const name = new URL(baseUrl).hostname;
  return publicKey.keyDetails === 'PKIX_ED25519'
    ? { name, type: ED25519, publicKey: spki.subarray(-32) }
    : { name, type: ECDSA, publicKey: spki };
}

/** What our code says of a bundle's entry: throws, or gives the checkpoint that shows it. */
function verifyEntry(entry: TlogEntry, key: VerifierKey): SignedCheckpoint {
  const proof = entry.inclusionProof;
  if (proof?.checkpoint === undefined) throw new Error('no inclusion proof, or no checkpoint');
  const bytes = encodeText(proof.checkpoint.envelope);
  // A Rekor v1 shard's origin is its host name and its tree id.
  const line = parseNote(bytes).text.split('\n', 1)[0] ?? '';
  const origin = key.type === ECDSA && line.startsWith(`${key.name} - `) ? line : key.name;
  const checkpoint = openCheckpoint(bytes, noteVerifier(key), origin);
  verifyInclusion(
    leafHash(decodeBase64(entry.canonicalizedBody)),
    parseDecimal(proof.logIndex, 'index'),
    checkpoint.size,
    proof.hashes.map((hash) => decodeBase64(hash)),
    checkpoint.root,
  );
  return checkpoint;
}

function readBundle(folder: string): { entry: TlogEntry; key: VerifierKey } {
  const bundle = readVectorJson('bundles', folder, 'bundle.sigstore.json') as Bundle;
  const [entry, ...more] = bundle.verificationMaterial.tlogEntries;
  if (entry === undefined || more.length > 0) throw new Error(`${folder} has not one entry`);
  return { entry, key: keyOf(folder, entry) };
}

describeWithVectors('bundles of sigstore-conformance', () => {
  const FAULT_IS_OURS_TO_SEE = [
    'checkpoint-bad-keyhint_fail',
    'checkpoint-wrong-roothash_fail',
    'inclusion-proof-corrupted-hash_fail',
    'rekor2-checkpoint-missing-origin_fail',
    'rekor2-checkpoint-missing-root-hash_fail',
  ];
  // The fault is in the signature, the artifact or the timestamp: checkpoint and proof are good, and must be found so.
  const FAULT_IS_ELSEWHERE = [
    'rekor2-dsse-invalid-sig_fail',
    'rekor2-dsse-mismatch-sig_fail',
    'set-invalid-signature_fail',
    'wrong-hashedrekord-entry_fail',
    'wrong-material_fail',
  ];
  const NO_CHECKPOINT = ['invalid-inclusion-proof_fail', 'rekor2-no-inclusion-proof_fail'];
  const folders = listVectors('bundles')
    .filter((file) => file.endsWith('/bundle.sigstore.json'))
    .map((file) => file.split('/')[1] ?? '');
  const good = folders.filter((folder) => !folder.endsWith('_fail'));

  it('are all accounted for', () => {
    expect(folders.filter((folder) => folder.endsWith('_fail'))).toEqual(
      [...FAULT_IS_OURS_TO_SEE, ...FAULT_IS_ELSEWHERE, ...NO_CHECKPOINT].sort(),
    );
    expect(good.length).toBe(10);
  });

  it.each([...good, ...FAULT_IS_ELSEWHERE])('%s: checkpoint and inclusion verify', (folder) => {
    const { entry, key } = readBundle(folder);
    const checkpoint = verifyEntry(entry, key);
    expect(checkpoint.size).toBe(Number(entry.inclusionProof?.treeSize));
    expect(encodeBase64(checkpoint.root)).toBe(entry.inclusionProof?.rootHash);
  });

  it.each(good)('%s: not with its body, key or a hash changed', (folder) => {
    const { entry, key } = readBundle(folder);
    const proof = entry.inclusionProof;
    if (proof === undefined) throw new Error('no inclusion proof');
    const otherBody = encodeBase64(
      encodeText(`${Buffer.from(entry.canonicalizedBody, 'base64').toString()} `),
    );
    expect(refused(() => verifyEntry({ ...entry, canonicalizedBody: otherBody }, key))).toBe(true);
    expect(refused(() => verifyEntry(entry, { ...key, name: `x${key.name}` }))).toBe(true);
    for (const i of proof.hashes.keys()) {
      const hashes = proof.hashes.with(i, encodeBase64(createHash('sha256').digest()));
      expect(refused(() => verifyEntry({ ...entry, inclusionProof: { ...proof, hashes } }, key))).toBe(true);
    }
  });

  it.each(FAULT_IS_OURS_TO_SEE)('%s: refused', (folder) => {
    const { entry, key } = readBundle(folder);
    expect(refused(() => verifyEntry(entry, key))).toBe(true);
  });

  it('invalid-inclusion-proof_fail: has no checkpoint, and its proof does not fit this entry', () => {
    const { entry } = readBundle('invalid-inclusion-proof_fail');
    const proof = entry.inclusionProof;
    if (proof === undefined) throw new Error('no inclusion proof');
    expect(proof.checkpoint).toBeUndefined();
    const verify = (): void => {
      verifyInclusion(
        leafHash(decodeBase64(entry.canonicalizedBody)),
        parseDecimal(proof.logIndex, 'index'),
        parseDecimal(proof.treeSize, 'tree size'),
        proof.hashes.map((hash) => decodeBase64(hash)),
        decodeBase64(proof.rootHash),
      );
    };
    expect(refused(verify)).toBe(true);
  });

  it('rekor2-no-inclusion-proof_fail: nothing there for us to verify', () => {
    expect(readBundle('rekor2-no-inclusion-proof_fail').entry.inclusionProof).toBeUndefined();
  });

  it('cosigned checkpoints: the lines of witnesses are kept, and ignored', () => {
    const { entry, key } = readBundle('rekor2-checkpoint-multiple-cosigs');
    expect(verifyEntry(entry, key).note.signatures.map(({ name }) => name)).toEqual([
      'log2025-alpha1.rekor.sigstage.dev',
      'witness.example/w1',
      'witness.example/w2',
    ]);
  });
});

describeWithVectors("rekor-tiles' answer", () => {
  it('its leaf hash, inclusion proof, checkpoint and log id verify with the trusted root', () => {
    const entry = readVectorJson('trust', 'answer.json') as TlogEntry;
    const { tlogs } = readVectorJson('trust', 'trusted_root.json') as TrustedRoot;
    const log = tlogs[0];
    if (log === undefined) throw new Error('no log');
    const key = keyFromTrustedRoot(log);
    expect(encodeBase64(keyHash(key))).toBe(log.logId.keyId);
    expect(entry.logId.keyId).toBe(log.logId.keyId);
    const checkpoint = verifyEntry(entry, key);
    expect([checkpoint.size, entry.inclusionProof?.logIndex]).toEqual([29, '28']);

    // The same as a proof that stands alone.
    const proof = formatTlogProof({
      index: 28,
      hashes: (entry.inclusionProof?.hashes ?? []).map((hash) => decodeBase64(hash)),
      checkpoint: checkpoint.bytes,
    });
    const leaf = leafHash(decodeBase64(entry.canonicalizedBody));
    expect(verifyTlogProof(parseTlogProof(proof), leaf, noteVerifier(key)).root).toEqual(checkpoint.root);
    const otherLeaf = leafHash(encodeText('another body'));
    expect(refused(() => verifyTlogProof(parseTlogProof(proof), otherLeaf, noteVerifier(key)))).toBe(true);
  });
});

describe('leaf hashes of canonical bodies', () => {
  it('of the 489 bytes of a hashedrekord 0.0.2', () => {
    const body =
      '{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":"WzUT9YDIOXIS/yyPRZwZnvwMkOQ1Sl81M63wo//zpTA="},"signature":{"content":"MEYCIQC59oLS3MsCqm0xCxPOy+8FdQK4RYCZE036s3q1ECfcagIhAJ4ATXlCSdFrklKAS8No0PsAE9uLi37TCbIfRXASJTTb","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256","publicKey":{"rawBytes":"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeLw7gX40qy1z7JUhGMAaaDITbV7p2D+C5G9xPEsy/PVAo9H0mgS4NYzpGirkXxBht+IvvL19WR1X9ANXha5ldQ=="}}}}}}';
    expect(body.length).toBe(489);
    expect(encodeHex(leafHash(encodeText(body)))).toBe(
      '9f7de180887c06919d4a3e1487998bb04246d40db05589f4287e7a3ec794d250',
    );
  });
});

describeWithVectors('leaf hashes of bundles with Rekor v2 entries', () => {
  it.each([
    ['rekor2-happy-path', '78470eff2921878c2141726b650bf349099c37850a731f287a6accf35d40441f'],
    ['rekor2-dsse-happy-path', 'fe40655a0f968947de630c778c0f68bd52c68a40c5a25fc1a3a4edd6ab3c2f99'],
  ])('%s', (folder, hash) => {
    const body = decodeBase64(readBundle(folder).entry.canonicalizedBody);
    expect(encodeHex(leafHash(body))).toBe(hash);
  });
});
