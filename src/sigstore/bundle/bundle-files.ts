/**
 * The files in which bundles are shipped: one bundle; several, a line each, as `gh attestation download` writes them; the
 * lists of attestations of npm and GitHub; PyPI's attestations, and the provenance objects that hold them.
 * @module
 */
import { z } from 'zod';
import { FormatError } from '../../../tiles-spec/index.js';
import { DOCUMENT_LIMITS, parseJson } from '../../json.js';
import { readMessage } from '../../protobuf-json.js';
import { bundleOfAttestation } from './attestation.js';
import { jsonLines } from './json-lines.js';
import { bundleOfJson, MAX_BUNDLE_LENGTH, type SigstoreBundle } from './sigstore-bundle.js';

/** A bundle from a file. */
export interface ShippedBundle {
  /** Its place among several, such as `line 2` or `attestations[1]`. Undefined for a file's only bundle. */
  readonly name: string | undefined;
  readonly bundle: SigstoreBundle;
}

/** A file's bundles, at least one. */
export type ShippedBundles = readonly [ShippedBundle, ...ShippedBundle[]];

const MAX_BYTES = 64 << 20;
const MAX_BUNDLES = 100;

type Fields = Readonly<Record<string, unknown>>;

/** A bundle that is found in a file, and not read yet. */
interface FoundBundle {
  readonly name: string | undefined;
  /** @throws FormatError naming the bundle. */
  readonly read: () => SigstoreBundle;
}

/**
 * Parses the bundles of a file of at most 64 MiB and 100 bundles. A file with one bad bundle is refused whole: it is not
 * what its maker wrote.
 * @throws FormatError naming the bad bundle, or saying what the file holds in place of bundles.
 */
export function bundlesIn(file: Uint8Array): ShippedBundles {
  if (file.length > MAX_BYTES) throw new FormatError(`bundle has ${file.length} bytes, over ${MAX_BYTES}`);
  const lines = jsonLines(file, 'bundle', MAX_BUNDLES) ?? [{ number: undefined, bytes: file }];
  const found = lines.flatMap(({ number, bytes }) => {
    const name = number === undefined ? undefined : `line ${number}`;
    return bundlesOf(parseJson(bytes, name ?? 'bundle', DOCUMENT_LIMITS), bytes.length, name);
  });
  // Counted before any is read: a list of a few bytes a bundle may have many.
  if (found.length > MAX_BUNDLES) throw new FormatError(`bundle: the file has over ${MAX_BUNDLES} bundles`);
  const [first, ...others] = found.map(({ name, read }) => ({ name, bundle: read() }));
  if (first === undefined) throw new FormatError('bundle: its list of attestations is empty');
  return others.length === 0 ? [{ ...first, name: undefined }] : [first, ...others];
}

/** @param length of the text that the value was parsed from, in bytes. */
function bundlesOf(value: unknown, length: number, name: string | undefined): FoundBundle[] {
  const what = name ?? 'bundle';
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new FormatError(`${what} is JSON, and no object as a bundle is`);
  const fields = value as Fields;
  const inside = (field: string) => (name === undefined ? field : `${name}, ${field}`);
  if (has(fields, 'attestation_bundles')) {
    const { attestationBundles } = readMessage(provenance, fields, what);
    return attestationBundles.flatMap(({ attestations }, i) =>
      attestations.map((each, j) =>
        foundAttestation(each, inside(`attestation_bundles[${i}].attestations[${j}]`)),
      ),
    );
  }
  if (has(fields, 'attestations')) {
    const { attestations } = readMessage(listed, fields, what);
    return attestations.map(({ bundle }, i) => foundBundle(bundle, inside(`attestations[${i}]`)));
  }
  // A bundle may have this spelling of the field too, and always has a media type.
  if (Object.hasOwn(fields, 'verification_material') && !has(fields, 'mediaType'))
    return [foundAttestation(fields, name)];
  const other = OTHERS.find(([names]) => names.every((each) => has(fields, each)));
  if (other !== undefined) throw new FormatError(`${what} is ${other[1]}`);
  if (length > MAX_BUNDLE_LENGTH)
    throw new FormatError(`${what} has ${length} bytes, over ${MAX_BUNDLE_LENGTH}`);
  return [foundBundle(fields, name)];
}

/** Files that hold no bundle: the fields by which each is known, and its description for the error. */
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

function foundAttestation(json: unknown, name: string | undefined): FoundBundle {
  return { name, read: () => bundleOfAttestation(json, name ?? 'attestation') };
}

function foundBundle(json: unknown, name: string | undefined): FoundBundle {
  const read = () => {
    try {
      return bundleOfJson(json);
    } catch (error) {
      if (name === undefined || !(error instanceof FormatError)) throw error;
      throw new FormatError(`${name}: ${error.message}`);
    }
  };
  return { name, read };
}

/** Whether a message has a field, in either spelling of its name. */
function has(fields: Fields, name: string): boolean {
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.hasOwn(fields, name) || Object.hasOwn(fields, snake);
}
