/**
 * The signature that a command is about, from its settings: what was signed, by whom, and the request that logs it.
 * @module
 */
import { z } from 'zod';
import { ConfigurationError } from '../../src/errors.js';
import { DOCUMENT_LIMITS, parseJson } from '../../src/json.js';
import { validateRequest } from '../../src/requests/rekor-v2/create-entry-request.js';
import { algorithmFor, type Algorithm } from '../../src/signatures/algorithms.js';
import { parsePublicKey } from '../../src/signatures/node/public-key.js';
import { readPrivateKey } from '../../src/keys/node/private-key.js';
import { signArtifact } from '../../src/signatures/node/sign.js';
import { nodeSuite } from '../../src/signatures/node/suite.js';
import { publicKeyHint, type SigstoreBundle } from '../../src/sigstore/bundle/sigstore-bundle.js';
import { pemLabels } from '../../src/pem.js';
import type { PublicKeyFile } from '../../src/keys/node/public-key-file.js';
import { decodeBase64, encodeBase64, FormatError } from '../../tiles-spec/index.js';
import { openArtifact, readArtifact } from './artifact.js';
import { readPublicKey } from './public-key.js';
import { parseSetting, SettingError, type Values } from '../settings/setting.js';
import { readBytes, readInput } from '../files.js';
import type { SIGNATURE_SETTINGS } from '../settings/signature-settings.js';

/** A signature, and what of it a bundle and a log hold. */
export interface SignedArtifact {
  /** The `CreateEntryRequest` that logs it: `JSON.stringify` makes its JSON. */
  readonly request: object;
  readonly content: SigstoreBundle['content'];
  readonly material: SigstoreBundle['material'];
}

type SignatureValues = Values<typeof SIGNATURE_SETTINGS>;

/** Reads the signature that `--signature`, `--public-key` and `--artifact` or `--artifact-hash` name. */
export async function readSignedArtifact(values: SignatureValues): Promise<SignedArtifact> {
  const keyFile = values['public-key'];
  if (keyFile === undefined)
    throw new ConfigurationError(
      'give --public-key, the key or certificate that signed, and --signature; upload signs by itself with --key',
    );
  const key = await readPublicKey(keyFile);
  const algorithm = algorithmFor(parsePublicKey(key.spki).keyDetails);
  if (values.type === 'dsse') return readEnvelope(values, key, algorithm);
  if (values.signature === undefined) throw new ConfigurationError('give --signature');
  const signature = signatureIn(await readBytes('--signature', values.signature), values.signature);
  return signedArtifact(key, algorithm, await digestOf(values, algorithm), signature);
}

/**
 * Signs an artifact with a key; both are files.
 * @param earlier signatures of which one may be this key's over this artifact: that one is taken, so that its entry is
 *   the same.
 */
export async function signWith(
  { key, artifact }: { readonly key: string; readonly artifact: string },
  earlier: readonly Uint8Array[],
): Promise<SignedArtifact> {
  const pem = await readInput('--key', key);
  const privateKey = parseSetting('key', key, () => readPrivateKey(pem, key));
  const { spki, algorithm, digest, signature } = await signArtifact(privateKey, key, openArtifact(artifact));
  const same = earlier.find((other) => {
    const [refusal] = nodeSuite.verify([{ key: spki, algorithm, digest, signature: other }]);
    return refusal === undefined;
  });
  return signedArtifact({ spki }, algorithm, digest, same ?? signature);
}

/**
 * The canonical body that logs a signature: what the log would refuse is refused here.
 * @throws InvalidEntryError when the signature does not verify, or the log takes no such entry.
 */
export async function canonicalBodyOf({ request }: SignedArtifact): Promise<Uint8Array> {
  const { body } = await validateRequest(request, nodeSuite);
  return body;
}

/** The digest that the key signs, of the artifact that the settings name. */
async function digestOf(values: SignatureValues, { digestName }: Algorithm): Promise<Uint8Array> {
  const artifact = await readArtifact(values);
  if (artifact === undefined) throw new ConfigurationError('give --artifact or --artifact-hash');
  const digest = artifact.digest(digestName);
  if (digest === undefined) throw new SettingError('--artifact-hash', `this key signs a ${digestName}`);
  return digest;
}

/** A signature file is raw or, as cosign and others write it, base64: no raw signature is of these characters alone. */
function signatureIn(file: Uint8Array, name: string): Uint8Array {
  if (file.length === 0) throw new SettingError('--signature', `${name} is empty`);
  const latin1 = Buffer.from(file).toString('latin1');
  const [label] = pemLabels(latin1);
  if (label !== undefined && latin1.startsWith('-----BEGIN ')) {
    throw new SettingError(
      '--signature',
      `${name} holds PEM (${label}): a signature is bare, raw or in base64, as openssl dgst -sign and cosign write it`,
    );
  }
  const text = latin1.replace(/[\r\n \t]+/g, '');
  if (!/^[A-Za-z0-9+/]+=*$/.test(text)) return file;
  try {
    return decodeBase64(text);
  } catch (error) {
    throw error instanceof FormatError
      ? new SettingError(
          '--signature',
          `${name} is neither a raw signature nor one in base64: ${error.message}`,
        )
      : error;
  }
}

function signedArtifact(
  key: PublicKeyFile,
  algorithm: Algorithm,
  digest: Uint8Array,
  signature: Uint8Array,
): SignedArtifact {
  return {
    request: {
      hashedRekordRequestV002: {
        digest: encodeBase64(digest),
        signature: { content: encodeBase64(signature), verifier: verifierOf(key, algorithm) },
      },
    },
    content: { type: 'messageSignature', digestAlgorithm: algorithm.digestAlgorithm, digest, signature },
    material: materialOf(key),
  };
}

const envelopeSchema = z.object({
  payload: z.string(),
  payloadType: z.string(),
  signatures: z.array(z.object({ sig: z.string(), keyid: z.string().optional() })).length(1),
});

async function readEnvelope(
  values: SignatureValues,
  key: PublicKeyFile,
  algorithm: Algorithm,
): Promise<SignedArtifact> {
  if (values.signature !== undefined)
    throw new SettingError('--signature', 'the envelope holds it', ' has no place:');
  if (values.artifact === undefined) throw new ConfigurationError("give --artifact: the envelope's JSON");
  const file = await readInput('--artifact', values.artifact);
  let parsed;
  try {
    parsed = envelopeSchema.safeParse(parseJson(file, 'the envelope', DOCUMENT_LIMITS));
  } catch (error) {
    throw error instanceof FormatError
      ? new SettingError('--artifact', `${values.artifact}: ${error.message}`)
      : error;
  }
  const [signature] = parsed.data?.signatures ?? [];
  if (!parsed.success || signature === undefined) {
    throw new SettingError('--artifact', `${values.artifact} is not a DSSE envelope with one signature`);
  }
  const envelope = parsed.data;
  return {
    request: { dsseRequestV002: { envelope, verifiers: [verifierOf(key, algorithm)] } },
    content: {
      type: 'dsseEnvelope',
      payloadType: envelope.payloadType,
      payload: base64Of('payload', envelope.payload),
      signature: base64Of('signature', signature.sig),
      ...(signature.keyid === undefined ? {} : { keyid: signature.keyid }),
    },
    material: materialOf(key),
  };
}

function base64Of(what: string, text: string): Uint8Array {
  try {
    return decodeBase64(text);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new SettingError('--artifact', `the envelope's ${what} is not base64: ${error.message}`);
  }
}

function verifierOf({ spki, certificate }: PublicKeyFile, { keyDetails }: Algorithm): object {
  return certificate === undefined
    ? { publicKey: { rawBytes: encodeBase64(spki) }, keyDetails }
    : { x509Certificate: { rawBytes: encodeBase64(certificate) }, keyDetails };
}

function materialOf({ spki, certificate }: PublicKeyFile): SigstoreBundle['material'] {
  return certificate === undefined
    ? { type: 'publicKey', hint: publicKeyHint(spki) }
    : { type: 'certificate', der: certificate };
}
