/**
 * The files in which bundles are shipped: one bundle; several, a line each, as `gh attestation download` writes them; the
 * attestations that npm and GitHub list; PyPI's attestations, and the provenance objects that hold them.
 * @module
 */
import { z } from 'zod';
import { encodeText } from '../../../tiles-spec/bytes.js';
import { FormatError } from '../../../tiles-spec/index.js';
import { DOCUMENT_LIMITS, parseJson } from '../../json.js';
import { bundleOfAttestation } from './attestation.js';
import { formatSigstoreBundle, parseSigstoreBundle } from './sigstore-bundle.js';
import { jsonLines } from './json-lines.js';
import { readMessage } from './message-fields.js';

/** A bundle in a file. */
export interface ShippedBundle {
  /** Where it is among several: `line 2`, `attestations[1]`. Undefined for the only one. */
  readonly name: string | undefined;
  /** The bundle, JSON. */
  readonly file: Uint8Array;
}

/** A file's bundles, at least one. */
export type ShippedBundles = readonly [ShippedBundle, ...ShippedBundle[]];

const MAX_BYTES = 64 << 20;
const MAX_BUNDLES = 100;

type Fields = Readonly<Record<string, unknown>>;

/**
 * The bundles in a file of at most 64 MiB and 100 bundles. All of them must be right: a file of which only a part can be
 * read is not what its maker wrote.
 * @throws FormatError naming the bundle that is none, or what the file is instead.
 */
export function bundlesIn(file: Uint8Array): ShippedBundles {
  if (file.length > MAX_BYTES) throw new FormatError(`bundle has ${file.length} bytes, over ${MAX_BYTES}`);
  const lines = jsonLines(file, 'bundle', MAX_BUNDLES);
  const bundles =
    lines === undefined
      ? bundlesOf(parseJson(file, 'bundle', DOCUMENT_LIMITS), file, undefined)
      : lines.flatMap(({ number, bytes }) => {
          const name = `line ${number}`;
          return bundlesOf(parseJson(bytes, name, DOCUMENT_LIMITS), bytes, name);
        });
  const [first, ...others] = bundles;
  if (first === undefined) throw new FormatError('bundle: its list of attestations is empty');
  if (others.length >= MAX_BUNDLES) throw new FormatError(`bundle: the file has over ${MAX_BUNDLES} bundles`);
  for (const bundle of bundles) requireBundle(bundle);
  return others.length === 0 ? [{ ...first, name: undefined }] : [first, ...others];
}

/** @param file the value as it stands in its file. */
function bundlesOf(value: unknown, file: Uint8Array, name: string | undefined): ShippedBundle[] {
  const what = name ?? 'bundle';
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new FormatError(`${what} is JSON, and no object as a bundle is`);
  const fields = value as Fields;
  const inside = (field: string) => (name === undefined ? field : `${name}, ${field}`);
  if (has(fields, 'attestation_bundles')) {
    const { attestationBundles } = readMessage(provenance, fields, what);
    return attestationBundles.flatMap(({ attestations }, i) =>
      attestations.map((each, j) =>
        ofAttestation(each, inside(`attestation_bundles[${i}].attestations[${j}]`)),
      ),
    );
  }
  if (has(fields, 'attestations')) {
    const { attestations } = readMessage(listed, fields, what);
    return attestations.map(({ bundle }, i) => ({
      name: inside(`attestations[${i}]`),
      file: encodeText(JSON.stringify(bundle)),
    }));
  }
  // A bundle may have the same spelling, and always has a media type.
  if (Object.hasOwn(fields, 'verification_material') && !has(fields, 'mediaType'))
    return [ofAttestation(fields, name)];
  const other = OTHERS.find(([names]) => names.every((each) => has(fields, each)));
  if (other !== undefined) throw new FormatError(`${what} is ${other[1]}`);
  return [{ name, file }];
}

/** Fields by which files are known that hold no bundle, and what they are. */
const OTHERS: readonly (readonly [readonly string[], string])[] = [
  [
    ['payload', 'payloadType', 'signatures'],
    'a DSSE envelope alone, without the bundle that proves where it was logged: with --type dsse, --artifact and --public-key it is looked up in a log',
  ],
  [
    ['base64Signature'],
    "cosign's older format, and no Sigstore bundle: sign-blob of cosign 3 writes one, that of cosign 2 with --new-bundle-format",
  ],
  [['_type', 'predicateType'], 'an in-toto statement, which is not signed: give the bundle that it is in'],
  [['tlogs'], 'a trusted root, and no bundle: it is given by --trusted-root'],
  [['trustedRoot'], 'trust configuration, and no bundle: it is given by --trusted-root'],
  [['logId', 'logIndex'], 'a log entry, and no bundle: it holds no signature that could be verified'],
  [
    ['SignedEntryTimestamp', 'Payload'],
    "the annotation by which cosign 2 says where an image's signature is logged, and no bundle: cosign verifies it beside the signature",
  ],
];

const provenance = z.object({
  version: z.literal(1, { error: 'is not 1, the one version of a provenance object that Stele knows' }),
  attestationBundles: z
    .array(z.object({ attestations: z.array(z.looseObject({})).max(MAX_BUNDLES) }))
    .max(MAX_BUNDLES),
});

const listed = z.object({
  attestations: z.array(z.object({ bundle: z.looseObject({}, { error: bundleElsewhere }) })).max(MAX_BUNDLES),
});

/** GitHub gives the URL alone of a bundle that is large. A field that is null counts as missing. */
function bundleElsewhere({ input }: { readonly input?: unknown }): string | undefined {
  return input === undefined
    ? 'is not in the list: `gh attestation download` gets it from its bundle_url'
    : undefined;
}

function ofAttestation(value: unknown, name: string | undefined): ShippedBundle {
  return { name, file: encodeText(formatSigstoreBundle(bundleOfAttestation(value, name ?? 'attestation'))) };
}

function requireBundle({ name, file }: ShippedBundle): void {
  try {
    parseSigstoreBundle(file);
  } catch (error) {
    if (name === undefined || !(error instanceof FormatError)) throw error;
    throw new FormatError(`${name}: ${error.message}`);
  }
}

/** Whether a message has a field, in either spelling of its name. */
function has(fields: Fields, name: string): boolean {
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.hasOwn(fields, name) || Object.hasOwn(fields, snake);
}
