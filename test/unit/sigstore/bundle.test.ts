import { bundleFromJSON } from 'sigstore-bundle-latest';
import { expect, it } from 'vitest';
import { bufferBase64 } from '#src/node/buffer-base64.js';
import {
  formatSigstoreBundle,
  parseSigstoreBundle,
  publicKeyHint,
} from '#src/sigstore/bundle/sigstore-bundle.js';
import {
  formatTransparencyLogEntry,
  parseTransparencyLogEntry,
} from '#src/sigstore/bundle/transparency-log-entry.js';
import { isTrustedLog, parseTrustedRoot } from '#src/sigstore/trust/trusted-root.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { decodeBase64, encodeBase64, FormatError, openCheckpoint } from '#tiles-spec/index.js';
import {
  describeWithVectors,
  listVectors,
  readVector,
  readVectorJson,
  readVectorText,
} from '../../support/vectors.js';
import { jsonFile, without } from '../../support/public-bundles.js';

interface Bundle {
  mediaType: unknown;
  verificationMaterial: Record<string, unknown> & { tlogEntries: [Record<string, unknown>] };
  messageSignature?: Record<string, unknown> & { messageDigest: Record<string, unknown> };
  dsseEnvelope?: Record<string, unknown>;
}

const FILES = ['cosign-key', 'cosign-attest', 'cosign-keyless'].map((name) => `trust/${name}.bundle.json`);

describeWithVectors('bundles', () => {
  it.each([...FILES, ...listVectors('bundles').filter((file) => file.endsWith('/bundle.sigstore.json'))])(
    '%s: written anew, the same',
    (file) => {
      const bundle = parseSigstoreBundle(readVector(...file.split('/')));
      const written = formatSigstoreBundle(bundle);
      const again = parseSigstoreBundle(encodeText(written));
      expect(written).toMatch(/^\{"mediaType":"application\/vnd\.dev\.sigstore\.bundle\.v0\.3\+json"/);
      const entries = bundle.entries.map((entry) => without(entry, 'promiseSuffices'));
      expect(again).toEqual({ ...bundle, entries });
      // The client's check of v0.3 demands a checkpoint.
      if (entries.every(({ proof }) => proof?.checkpoint !== undefined)) bundleFromJSON(JSON.parse(written));
    },
  );

  it.each(FILES)('%s: written as cosign wrote it', (file) => {
    const bundle = parseSigstoreBundle(readVector(...file.split('/')));
    expect(JSON.parse(formatSigstoreBundle(bundle))).toEqual(readVectorJson(...file.split('/')));
  });

  it("has cosign's hint of a key", () => {
    const bundle = parseSigstoreBundle(readVector('trust', 'cosign-key.bundle.json'));
    const body = Buffer.from(bundle.entries[0]?.body ?? []).toString();
    const [, key = ''] = /"publicKey":\{"rawBytes":"([^"]*)"/.exec(body) ?? [];
    expect(bundle.material).toEqual({ type: 'publicKey', hint: publicKeyHint(decodeBase64(key)) });
  });

  it('of v0.1 and v0.2 have a chain; of v0.1 a promise suffices', () => {
    const old = parseSigstoreBundle(readVector('bundles', 'happy-path-v0.1', 'bundle.sigstore.json'));
    expect(old.material.type).toBe('certificate');
    expect(old.entries[0]?.promiseSuffices).toBe(true);
    const newer = parseSigstoreBundle(
      readVector('bundles', 'invalid-inclusion-proof_fail', 'bundle.sigstore.json'),
    );
    expect(newer.entries[0]).not.toHaveProperty('promiseSuffices');
  });

  const changed = (
    change: (bundle: Bundle) => unknown,
    file = 'trust/cosign-key.bundle.json',
  ): Uint8Array => {
    const bundle = JSON.parse(readVectorText(...file.split('/'))) as Bundle;
    change(bundle);
    return jsonFile(bundle);
  };

  it('may leave out zeros, have numbers for strings, and fields of versions to come', () => {
    const { entries, content } = parseSigstoreBundle(
      changed((bundle) => {
        const [entry] = bundle.verificationMaterial.tlogEntries;
        delete entry['logIndex'];
        entry['integratedTime'] = 0;
        entry['inclusionPromise'] = null;
        entry['of_the_future'] = 1;
        Object.assign(entry['inclusionProof'] as object, { treeSize: 6, hashes: undefined });
        if (bundle.messageSignature !== undefined) bundle.messageSignature.messageDigest['algorithm'] = 1;
      }),
    );
    expect(entries[0]).toMatchObject({ index: 0, proof: { index: 5, size: 6, hashes: [] } });
    expect(entries[0]).not.toHaveProperty('integratedTime');
    expect(entries[0]).not.toHaveProperty('promise');
    expect(content).toMatchObject({ digestAlgorithm: 'SHA2_256' });
  });

  it.each<[string, (bundle: Bundle) => unknown, RegExp]>([
    ['another version', (b) => (b.mediaType = 'application/vnd.dev.sigstore.bundle.v0.4+json'), /media type/],
    [
      'no content',
      (b) => delete b.messageSignature,
      /must have exactly one of messageSignature and dsseEnvelope/,
    ],
    [
      'two contents',
      (b) => (b.dsseEnvelope = { payload: '', payloadType: 'a', signatures: [{ sig: 'AAAA' }] }),
      /must have exactly one of messageSignature and dsseEnvelope/,
    ],
    [
      'an envelope of two signatures',
      (b) => {
        delete b.messageSignature;
        b.dsseEnvelope = { payload: '', payloadType: 'a', signatures: [{ sig: 'AAAA' }, { sig: 'AAAA' }] };
      },
      /dsseEnvelope\.signatures has not one signature/,
    ],
    [
      'no material',
      (b) => delete b.verificationMaterial['publicKey'],
      /must have exactly one of publicKey, certificate/,
    ],
    [
      'two materials',
      (b) => (b.verificationMaterial['certificate'] = { rawBytes: 'AAAA' }),
      /must have exactly one of publicKey, certificate/,
    ],
    [
      'a chain',
      (b) => {
        delete b.verificationMaterial['publicKey'];
        b.verificationMaterial['x509CertificateChain'] = { certificates: [{ rawBytes: 'AAAA' }] };
      },
      /of v0\.3 it has an x509CertificateChain/,
    ],
    [
      'an empty signature',
      (b) => Object.assign(b.messageSignature ?? {}, { signature: '' }),
      /signature is empty/,
    ],
    [
      'unpadded base64',
      (b) => Object.assign(b.messageSignature ?? {}, { signature: 'AAA' }),
      /messageSignature\.signature base64 of 3 characters is not padded/,
    ],
    [
      'URL-safe base64',
      (b) => Object.assign(b.messageSignature ?? {}, { signature: '____' }),
      /messageSignature\.signature base64 has "_"/,
    ],
    [
      'another digest',
      (b) => Object.assign(b.messageSignature?.messageDigest ?? {}, { algorithm: 'SHA3_256' }),
      /"SHA3_256" is not SHA2_256, SHA2_384, SHA2_512/,
    ],
    [
      'an index with a zero before it',
      (b) => (b.verificationMaterial.tlogEntries[0]['logIndex'] = '05'),
      /tlogEntries\.0\.logIndex number "05" is not a decimal/,
    ],
    [
      'a negative index',
      (b) => (b.verificationMaterial.tlogEntries[0]['logIndex'] = -5),
      /tlogEntries\.0\.logIndex number -5 is not/,
    ],
    [
      'an index over 2^53',
      (b) => (b.verificationMaterial.tlogEntries[0]['logIndex'] = '9007199254740992'),
      /is over 2\^53 - 1/,
    ],
    [
      'a short log id',
      (b) => (b.verificationMaterial.tlogEntries[0]['logId'] = { keyId: 'AAAA' }),
      /logId\.keyId has not 32 bytes/,
    ],
    [
      'too many entries',
      (b) => {
        const [entry] = b.verificationMaterial.tlogEntries;
        Object.assign(b.verificationMaterial, { tlogEntries: Array.from({ length: 33 }, () => entry) });
      },
      /verificationMaterial\.tlogEntries/,
    ],
  ])('with %s: refused', (_what, change, message) => {
    expect(() => parseSigstoreBundle(changed(change))).toThrow(FormatError);
    expect(() => parseSigstoreBundle(changed(change))).toThrow(message);
  });
});

describeWithVectors("a log's answer", () => {
  it("of rekor-tiles is read, and is what Stele's own answer would be", () => {
    const answer = readVectorJson('trust', 'answer.json');
    const entry = parseTransparencyLogEntry(answer);
    expect(entry).toMatchObject({ index: 28, kind: 'hashedrekord', version: '0.0.2', proof: { size: 29 } });
    const [log] = parseTrustedRoot(readVector('trust', 'trusted_root.json')).logs.filter(isTrustedLog);
    if (log === undefined || entry.proof?.checkpoint === undefined) throw new Error('no log or checkpoint');
    const published = {
      ...entry,
      proof: entry.proof.hashes,
      checkpoint: openCheckpoint(encodeText(entry.proof.checkpoint), log.verifier),
    };
    const own = formatTransparencyLogEntry(published, entry.logId);
    expect(JSON.parse(own)).toEqual(answer);
    expect(parseTransparencyLogEntry(JSON.parse(own))).toEqual(entry);
    // The daemon writes the same bytes by Node's Buffer.
    expect(formatTransparencyLogEntry(published, entry.logId, bufferBase64)).toBe(own);
  });

  it.each([
    [null, /log entry: Invalid input/],
    [{}, /log entry: logId is missing; kindVersion is missing; canonicalizedBody is missing/],
    [{ logId: { keyId: encodeBase64(new Uint8Array(32)) } }, /kindVersion is missing/],
  ])('that is none is refused: %j', (json, message) => {
    expect(() => parseTransparencyLogEntry(json)).toThrow(FormatError);
    expect(() => parseTransparencyLogEntry(json)).toThrow(message);
  });
});
