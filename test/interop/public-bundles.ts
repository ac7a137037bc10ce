/**
 * Sigstore bundles as others ship them: all that are in a folder, alone or inside of other JSON.
 * @module
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

export interface PublicBundle {
  /** Where it was found: the file, from the folder on, and which it is of several. */
  readonly name: string;
  /** JSON. */
  readonly text: string;
  /** The artifact's digest as the bundle has it, `sha256:<hex>`; of a statement the first subject's. */
  readonly digest: string;
  /** Of a bundle that was signed with a key: which one. */
  readonly hint?: string;
}

const MEDIA_TYPE = /^application\/vnd\.dev\.sigstore\.bundle/;
const LONGEST = 4 << 20;

/** All bundles in the files of a folder, each once. */
export async function bundlesIn(folder: string): Promise<PublicBundle[]> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const found = new Map<string, PublicBundle>();
  const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  for (const path of paths.sort()) {
    const bytes = await readFile(path);
    if (bytes.length > LONGEST || !bytes.includes('vnd.dev.sigstore.bundle')) continue;
    const bundles = jsonValues(bytes.toString()).flatMap(bundlesOf);
    for (const [i, bundle] of bundles.entries()) {
      const text = JSON.stringify(bundle);
      const digest = digestOf(bundle);
      const key = createHash('sha256').update(text).digest('hex');
      const name = `${relative(folder, path)}${bundles.length === 1 ? '' : ` #${i + 1}`}`;
      const hint = bundle.verificationMaterial?.publicKey?.hint;
      if (digest !== undefined && !found.has(key))
        found.set(key, { name, text, digest, ...(hint === undefined ? {} : { hint }) });
    }
  }
  return [...found.values()];
}

/** A file of one value, or of one a line. What is no JSON has none. */
function jsonValues(text: string): unknown[] {
  const whole = jsonValue(text);
  return whole === undefined ? text.split('\n').flatMap((line) => jsonValue(line) ?? []) : [whole];
}

function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

interface Bundle {
  readonly mediaType: string;
  readonly verificationMaterial?: { readonly publicKey?: { readonly hint?: string } };
  readonly messageSignature?: { readonly messageDigest?: { algorithm?: string; digest?: string } };
  readonly dsseEnvelope?: { readonly payload?: string };
}

function bundlesOf(value: unknown): Bundle[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('mediaType' in value && MEDIA_TYPE.test(String(value.mediaType))) return [value as Bundle];
  return Object.values(value).flatMap(bundlesOf);
}

function digestOf({ messageSignature, dsseEnvelope }: Bundle): string | undefined {
  const { algorithm, digest } = messageSignature?.messageDigest ?? {};
  if (digest !== undefined)
    return `${String(algorithm).replace('SHA2_', 'sha')}:${Buffer.from(digest, 'base64').toString('hex')}`;
  const statement = jsonValue(Buffer.from(dsseEnvelope?.payload ?? '', 'base64').toString());
  const { subject: [first] = [] } = (statement ?? {}) as { subject?: { digest?: Record<string, string> }[] };
  const [name, hex] =
    Object.entries(first?.digest ?? {}).find(([known]) => /^sha(256|384|512)$/.test(known)) ?? [];
  return hex === undefined ? undefined : `${String(name)}:${hex}`;
}
