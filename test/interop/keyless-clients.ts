/**
 * The command lines by which Sigstore's clients sign without a key of their own, and by which they and `stele` verify
 * that, with trust files that `stele trust` wrote.
 * @module
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { User } from '../support/cli.js';
import type { JavaDriver } from './java-driver.js';

/** What is signed: a file, or an in-toto statement about it. */
export const FORMS = ['blob', 'attestation'] as const;
export type Form = (typeof FORMS)[number];

export const SIGNERS = ['cosign', 'sigstore-python', 'sigstore-java', 'sigstore-rust'] as const;
export type Signer = (typeof SIGNERS)[number];

export const VERIFIERS = [...SIGNERS, 'stele'] as const;
export type Verifier = (typeof VERIFIERS)[number];

/** What `stele trust` wrote; `both` is the one file that sigstore-python's command takes. */
export interface TrustFiles {
  readonly trustedRoot: string;
  readonly signingConfig: string;
  readonly both: string;
}

/** What a signer is told. */
export interface Signing {
  readonly form: Form;
  readonly artifact: string;
  readonly bundle: string;
  /** An OpenID Connect token. */
  readonly token: string;
  readonly trust: TrustFiles;
}

/** What a verifier is asked. */
export interface Question {
  readonly form: Form;
  readonly artifact: string;
  readonly bundle: string;
  readonly identity: string;
  readonly issuer: string;
  readonly trust: TrustFiles;
}

/** How a program ended, and all that it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

const PREDICATE_TYPE = 'https://slsa.dev/provenance/v1';
const PREDICATE = {
  buildDefinition: { buildType: 'https://builder.example/build/v1', externalParameters: {} },
  runDetails: { builder: { id: 'https://builder.example' } },
};

/** The programs that are run once for each question. */
export type Programs = Readonly<Record<Exclude<Verifier, 'sigstore-java' | 'stele'>, string>>;

/** The trust files of a folder that `stele trust` wrote. */
export function trustFilesIn(folder: string): TrustFiles {
  return {
    trustedRoot: join(folder, 'trusted_root.json'),
    signingConfig: join(folder, 'signing_config.json'),
    both: join(folder, 'client_trust_config.json'),
  };
}

/** The clients, in a user's folder, in which all files are. */
export class KeylessClients {
  readonly #user: User;
  readonly #programs: Programs;
  readonly #java: JavaDriver;

  /** @param programs that of sigstore-python is the interpreter of an environment with it. */
  constructor(user: User, programs: Programs, java: JavaDriver) {
    this.#user = user;
    this.#programs = programs;
    this.#java = java;
  }

  async sign(signer: Signer, { form, artifact, bundle, token, trust }: Signing): Promise<Ended> {
    switch (signer) {
      case 'cosign':
        return this.#run(signer, [
          ...(form === 'blob'
            ? ['sign-blob', artifact]
            : ['attest-blob', '--statement', await this.#writeStatement(artifact, bundle)]),
          ...['--yes', '--identity-token', token, '--bundle', bundle],
          ...['--signing-config', trust.signingConfig, '--trusted-root', trust.trustedRoot],
        ]);
      case 'sigstore-python': {
        const predicate = await this.#user.write(`${bundle}.predicate`, JSON.stringify(PREDICATE));
        return this.#run(signer, [
          ...['-m', 'sigstore', '--trust-config', trust.both],
          ...(form === 'blob'
            ? ['sign']
            : ['attest', '--predicate', predicate, '--predicate-type', PREDICATE_TYPE]),
          ...['--identity-token', token, '--bundle', bundle, artifact],
        ]);
      }
      case 'sigstore-java':
      case 'sigstore-rust':
        return this.#run(signer, [
          ...['sign', '--trusted-root', trust.trustedRoot, '--signing-config', trust.signingConfig],
          ...['--identity-token', token, '--bundle', bundle],
          ...(form === 'blob'
            ? ['--artifact', artifact]
            : ['--statement', await this.#writeStatement(artifact, bundle)]),
        ]);
    }
  }

  /** Runs a program of the environment that sigstore-python is in. */
  python(...args: readonly string[]): Promise<Ended> {
    return this.#run('sigstore-python', ['-m', ...args]);
  }

  verify(verifier: Verifier, { form, artifact, bundle, identity, issuer, trust }: Question): Promise<Ended> {
    switch (verifier) {
      case 'cosign':
        return this.#run(verifier, [
          ...(form === 'blob' ? ['verify-blob'] : ['verify-blob-attestation', '--type', PREDICATE_TYPE]),
          ...['--bundle', bundle, '--trusted-root', trust.trustedRoot],
          ...['--certificate-identity', identity, '--certificate-oidc-issuer', issuer, artifact],
        ]);
      case 'sigstore-python':
        return this.#run(verifier, [
          ...['-m', 'sigstore', '--trust-config', trust.both, 'verify', 'identity', '--bundle', bundle],
          ...['--cert-identity', identity, '--cert-oidc-issuer', issuer, artifact],
        ]);
      case 'sigstore-java':
      case 'sigstore-rust':
        return this.#run(verifier, [
          ...['verify', '--trusted-root', trust.trustedRoot, '--bundle', bundle, '--artifact', artifact],
          ...['--certificate-identity', identity, '--certificate-oidc-issuer', issuer],
        ]);
      case 'stele':
        return this.#run(verifier, [
          ...['verify', bundle, '--artifact', artifact, '--trusted-root', trust.trustedRoot],
          ...['--certificate-identity', identity, '--certificate-oidc-issuer', issuer],
        ]);
    }
  }

  /** Cosign itself makes statements of version 0.1, and sigstore-python takes version 1 alone. */
  async #writeStatement(artifact: string, bundle: string): Promise<string> {
    const sha256 = createHash('sha256')
      .update(await readFile(this.#user.file(artifact)))
      .digest('hex');
    const statement = {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: artifact, digest: { sha256 } }],
      predicateType: PREDICATE_TYPE,
      predicate: PREDICATE,
    };
    return this.#user.write(`${bundle}.statement`, JSON.stringify(statement));
  }

  async #run(client: Verifier, args: readonly string[]): Promise<Ended> {
    if (client === 'sigstore-java') return this.#java.run(args);
    if (client === 'stele') {
      const { code, stdout, stderr } = await this.#user.run(args);
      return { code, output: stdout + stderr };
    }
    return new Promise((resolve) => {
      const options = {
        cwd: this.#user.folder,
        // Wide, so that sigstore-python breaks no line.
        env: { ...this.#user.environment, COLUMNS: '1000' },
        timeout: 120_000,
        maxBuffer: 1 << 26,
      };
      const child = execFile(this.#programs[client], args, options, (_error, stdout, stderr) => {
        resolve({ code: child.exitCode, output: stdout + stderr });
      });
    });
  }
}
