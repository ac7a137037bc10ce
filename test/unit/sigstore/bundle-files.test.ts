/**
 * The files in which registries and their clients ship bundles, and those that hold none.
 */
import { describe, expect, it } from 'vitest';
import { parseSigstoreBundle } from '#src/sigstore/bundle/sigstore-bundle.js';
import { bundlesIn } from '#src/sigstore/bundle/bundle-files.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { FormatError } from '#tiles-spec/index.js';
import { describeWithVectors, readVectorText } from '../../support/vectors.js';
import {
  attestationOf,
  jsonFile,
  without,
  type Attestation,
  type EnvelopeBundle,
} from '../../support/public-bundles.js';

/** As pydantic wrote base64 until its version 2.10. */
function inLines({ version, verification_material, envelope }: Attestation) {
  const broken = (base64: string) => base64.replace(/.{1,76}/g, '$&\n');
  return {
    version,
    verification_material: {
      ...verification_material,
      certificate: broken(verification_material.certificate),
    },
    envelope: { statement: broken(envelope.statement), signature: broken(envelope.signature) },
  };
}

const PUBLISHER = { kind: 'GitHub', repository: 'example/app', workflow: 'release.yml', environment: null };

describeWithVectors('bundles in files', () => {
  const text = readVectorText('bundles', 'happy-path-intoto-in-dsse-v3', 'bundle.sigstore.json');
  const bundle = JSON.parse(text) as EnvelopeBundle;
  const line = JSON.stringify(bundle);
  const parsed = parseSigstoreBundle(encodeText(text));
  const attestation = attestationOf(bundle);

  it('of one bundle are that', () => {
    for (const file of [text, line, `${line}\n`, `\r\n${line}\r\n\r\n`]) {
      expect(bundlesIn(encodeText(file))).toStrictEqual([{ name: undefined, bundle: parsed }]);
    }
  });

  it.each([
    ['lines', `${line}\n${line}\n`, ['line 1', 'line 2']],
    ['lines, some blank, and no end to the last', `\n${line}\r\n \n\n${line}`, ['line 2', 'line 5']],
    [
      "npm's list",
      JSON.stringify({
        attestations: [
          { predicateType: 'https://github.com/npm/attestation/tree/main/specs/publish/v0.1', bundle },
          { predicateType: 'https://slsa.dev/provenance/v1', bundle },
        ],
      }),
      ['attestations[0]', 'attestations[1]'],
    ],
    [
      "GitHub's list",
      JSON.stringify({
        attestations: [1, 2].map((id) => ({ repository_id: id, bundle_url: 'https://x', bundle })),
      }),
      ['attestations[0]', 'attestations[1]'],
    ],
    [
      'lists in lines',
      [1, 2].map(() => JSON.stringify({ attestations: [{ bundle }] })).join('\n'),
      ['line 1, attestations[0]', 'line 2, attestations[0]'],
    ],
    [
      "PyPI's provenance",
      JSON.stringify({
        version: 1,
        attestation_bundles: [
          { publisher: PUBLISHER, attestations: [attestation] },
          { publisher: PUBLISHER, attestations: [] },
          { publisher: PUBLISHER, attestations: [attestation, attestation] },
        ],
      }),
      [
        'attestation_bundles[0].attestations[0]',
        'attestation_bundles[2].attestations[0]',
        'attestation_bundles[2].attestations[1]',
      ],
    ],
  ])('of several, as %s, are named', (_, file, names) => {
    const bundles = bundlesIn(encodeText(file));
    expect(bundles.map(({ name }) => name)).toStrictEqual(names);
    for (const each of bundles) expect(each.bundle).toEqual(parsed);
  });

  it.each([
    ["PyPI's attestation", attestation],
    ["PyPI's attestation, its base64 in lines", inLines(attestation)],
    [
      "PyPI's provenance",
      { version: 1, attestation_bundles: [{ publisher: PUBLISHER, attestations: [attestation] }] },
    ],
    ["npm's list", { attestations: [{ predicateType: 'x', bundle }] }],
  ])('of one, as %s, have no names', (_, value) => {
    for (const indent of [0, 2]) {
      const [only, ...others] = bundlesIn(encodeText(JSON.stringify(value, null, indent)));
      expect(others).toStrictEqual([]);
      expect(only.name).toBeUndefined();
      expect(only.bundle).toEqual(parsed);
    }
  });

  const { verification_material: material, envelope } = attestation;
  it.each([
    ['of another version', { ...attestation, version: 2 }, /^attestation: version is not 1, the one version/],
    ['without a version', without(attestation, 'version'), /^attestation: version is not 1/],
    [
      'of before PEP 740',
      { ...without(attestation, 'envelope'), message_signature: 'MEUC' },
      /^attestation: envelope is missing$/,
    ],
    [
      'without an entry',
      { ...attestation, verification_material: { ...material, transparency_entries: [] } },
      /^attestation: verificationMaterial\.transparencyEntries is empty$/,
    ],
    [
      'without a certificate',
      { ...attestation, verification_material: without(material, 'certificate') },
      /^attestation: verificationMaterial\.certificate is missing$/,
    ],
    [
      'with a statement that is no base64',
      { ...attestation, envelope: { ...envelope, statement: '{}' } },
      /^attestation: envelope\.statement /,
    ],
    [
      'whose provenance is of another version',
      { version: 2, attestation_bundles: [] },
      /^bundle: version is not 1, the one version of a provenance object/,
    ],
    ['whose list is empty', { attestations: [] }, /^bundle: its list of attestations is empty$/],
    [
      'that is elsewhere',
      { attestations: [{ bundle: null, bundle_url: 'https://example.com/b' }] },
      /^bundle: attestations\.0\.bundle is not in the list: `gh attestation download` gets it/,
    ],
  ])('an attestation %s is refused', (_, value, message) => {
    const read = () => bundlesIn(jsonFile(value));
    expect(read).toThrow(FormatError);
    expect(read).toThrow(message);
  });

  it('all must be bundles, and the one that is none is named', () => {
    const broken = JSON.stringify({ ...bundle, mediaType: 'text/plain' });
    for (const [file, message] of [
      [`${line}\n${broken}\n`, /^line 2: bundle: its media type "text\/plain" is not/],
      [`${line}\n${line.slice(0, -9)}\n`, /^line 2 is not JSON: /],
      [`${line}\n"text"\n`, /^line 2 is JSON, and no object as a bundle is$/],
      [
        JSON.stringify({ attestations: [{ bundle }, { bundle: {} }] }),
        /^attestations\[1\]: bundle: mediaType is missing/,
      ],
      [Array.from({ length: 101 }, () => '{}').join('\n'), /^bundle has over 100 lines$/],
    ] as const) {
      expect(() => bundlesIn(encodeText(file))).toThrow(FormatError);
      expect(() => bundlesIn(encodeText(file))).toThrow(message);
    }
  });
});

describe('a file that is no bundle is named:', () => {
  it.each([
    ['a DSSE envelope', { payload: '', payloadType: '', signatures: [] }, /is a DSSE envelope alone/],
    ["cosign's older format", { base64Signature: '', cert: '', rekorBundle: {} }, /is cosign's older format/],
    [
      'a statement',
      { _type: 'https://in-toto.io/Statement/v1', predicateType: '' },
      /is an in-toto statement/,
    ],
    ['a trusted root', { mediaType: '', tlogs: [] }, /is a trusted root, .* --trusted-root$/],
    ['trust configuration', { mediaType: '', trustedRoot: {} }, /is trust configuration, .* --trusted-root$/],
    ['an entry', { logIndex: '1', logId: {}, canonicalizedBody: '' }, /is a log entry/],
    ["cosign's annotation", { SignedEntryTimestamp: '', Payload: {} }, /is the annotation by which cosign 2/],
    ['a list', [], /^bundle is JSON, and no object as a bundle is$/],
  ])('%s', (_, value, message) => {
    expect(() => bundlesIn(jsonFile(value))).toThrow(FormatError);
    expect(() => bundlesIn(jsonFile(value))).toThrow(message);
  });

  it.each([
    [
      'with a byte order mark',
      Buffer.from('\ufeff{}'),
      /^bundle begins with a byte order mark: JSON is UTF-8/,
    ],
    ['in UTF-16', Buffer.from('\ufeff{}', 'utf16le'), /^bundle is not JSON in UTF-8, but UTF-16$/],
    ['in UTF-16 without a mark', Buffer.from('{}', 'utf16le'), /^bundle is not JSON in UTF-8, but UTF-16$/],
    [
      'in big-endian UTF-16',
      Buffer.from('\ufeff{}', 'utf16le').swap16(),
      /^bundle is not JSON in UTF-8, but UTF-16$/,
    ],
  ])('JSON %s', (_, file, message) => {
    expect(() => bundlesIn(file)).toThrow(FormatError);
    expect(() => bundlesIn(file)).toThrow(message);
  });
});
