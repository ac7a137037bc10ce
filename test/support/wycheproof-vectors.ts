/**
 * The Wycheproof test vectors. They are a Go module, which `go` fetches into its own cache and checks against its
 * checksum database; they are never copied into this repository.
 * @module
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MODULE = 'github.com/C2SP/wycheproof@v0.0.0-20250901140545-b51abcfb8daf';

/** The fields of a file of vectors that are used here. Bytes are hex. */
export interface VectorFile {
  readonly name: string;
  readonly testGroups: readonly {
    /** The public key as DER SubjectPublicKeyInfo. */
    readonly publicKeyDer: string;
    /** The hash of the message, such as `SHA-256`. */
    readonly sha: string;
    readonly tests: readonly {
      readonly tcId: number;
      readonly comment: string;
      readonly flags: readonly string[];
      readonly msg: string;
      readonly sig: string;
      readonly result: 'valid' | 'invalid' | 'acceptable';
    }[];
  }[];
}

/** The folder of the vectors, or the reason why there is none. @throws Error where there is none and `CI` is `true`. */
export function locateVectors(): { folder: string } | { missing: string } {
  try {
    const found: unknown = JSON.parse(
      execFileSync('go', ['mod', 'download', '-json', MODULE], {
        cwd: tmpdir(), // outside any Go module
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    const { Dir } = found as { Dir: string };
    return { folder: join(Dir, 'testvectors_v1') };
  } catch (cause) {
    const missing = 'the Wycheproof vectors need the go command and its module proxy or cache';
    if (process.env['CI'] === 'true') throw new Error(missing, { cause });
    return { missing };
  }
}

/** Reads the files whose names match. @throws Error when none does, so that no test passes on nothing. */
export function readVectors(folder: string, name: RegExp): VectorFile[] {
  const names = readdirSync(folder).filter((file) => name.test(file));
  if (names.length === 0) throw new Error(`no file in ${folder} matches ${String(name)}`);
  return names.map((file) => {
    const content = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Omit<VectorFile, 'name'>;
    return { name: file, testGroups: content.testGroups };
  });
}
