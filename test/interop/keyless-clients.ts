/**
 * The command lines by which Sigstore's clients sign without a key of their own, and by which they and `stele` verify
 * that, with trust files that `stele trust` wrote.
 * @module
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { STELE } from '../daemon.js';
import type { User } from '../integration/cli-support.js';

/** What is signed: a file, or an in-toto statement about it. */
export const FORMS = ['blob', 'attestation'] as const;
export type Form = (typeof FORMS)[number];

export const SIGNERS = ['cosign', 'sigstore-python'] as const;
export type Signer = (typeof SIGNERS)[number];

export const VERIFIERS = ['cosign', 'sigstore-python', 'stele'] as const;
export type Verifier = (typeof VERIFIERS)[number];

/** What may be wrong with what a verifier is asked, or with what it trusts. */
export const CONTROLS = [
  'identity',
  'issuer',
  'artifact',
  'log',
  'certificate authority',
  'certificate log',
  'time stamp authority',
] as const;
export type Control = (typeof CONTROLS)[number];

/** What `stele trust` wrote, and both as one file, which sigstore-python's command wants. */
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

/** What a verifier writes when it accepts. */
export const ACCEPTS: Readonly<Record<Verifier, RegExp>> = {
  cosign: /^Verified OK$/m,
  'sigstore-python': /^OK: \S+$/m,
  stele: /^Verified$/m,
};

/** What a verifier writes when it refuses for this reason. */
export const REFUSES: Readonly<Record<Verifier, Readonly<Record<Control, RegExp>>>> = {
  cosign: {
    identity: /expected SAN value "\S+", got "\S+"/,
    issuer: /expected issuer value "\S+", got "\S+"/,
    artifact:
      /could not verify message: invalid signature|artifact digests do not match digests in statement/,
    log: /not enough verified log entries from transparency log: 0 < 1/,
    'certificate authority': /leaf certificate verification failed/,
    'certificate log': /only able to verify 0 SCT entries/,
    'time stamp authority': /threshold not met for verified signed timestamps: 0 < 1/,
  },
  'sigstore-python': {
    identity: /Certificate's SANs do not match/,
    issuer: /Certificate's OIDCIssuer does not match/,
    artifact: /Bundle message digest mismatch|in-toto statement has no subject for digest/,
    log: /invalid log entry: checkpoint: invalid signature/,
    'certificate authority': /failed to build timestamp certificate chain: validation failed/,
    'certificate log': /SCT verify failed: keyring: invalid signature/,
    'time stamp authority': /not enough sources of verified time/,
  },
  stele: {
    identity: /^stele: the certificate is of \S+, not of \S+$/m,
    issuer: /^stele: the certificate's identity is by \S+, not by \S+$/m,
    artifact: /^stele: the (?:bundle is of another artifact|in-toto statement is not about the artifact)/m,
    log: /^stele: the entry is of the log with id \S+, which is none of the trusted logs/m,
    'certificate authority': /^stele: the certificate is not shown to be good: .*no valid certificate path/m,
    'certificate log': /^stele: the certificate is not shown to be good: SCT verification failed/m,
    'time stamp authority':
      /^stele: the certificate is not shown to be good: timestamp could not be verified/m,
  },
};

const PREDICATE_TYPE = 'https://slsa.dev/provenance/v1';
const PREDICATE = {
  buildDefinition: { buildType: 'https://builder.example/build/v1', externalParameters: {} },
  runDetails: { builder: { id: 'https://builder.example' } },
};

/** The clients, in a user's folder, in which all files are. */
export class KeylessClients {
  readonly #user: User;
  readonly #programs: Readonly<Record<Verifier, string>>;

  /** @param python the interpreter of an environment with sigstore-python in it. */
  constructor(user: User, cosign: string, python: string) {
    this.#user = user;
    this.#programs = { cosign, 'sigstore-python': python, stele: process.execPath };
  }

  /** The trust files of a folder that `stele trust` wrote. */
  async trustFiles(folder: string): Promise<TrustFiles> {
    const trustedRoot = join(folder, 'trusted_root.json');
    const signingConfig = join(folder, 'signing_config.json');
    const both = {
      mediaType: 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json',
      trustedRoot: JSON.parse(await this.#user.read(trustedRoot)) as unknown,
      signingConfig: JSON.parse(await this.#user.read(signingConfig)) as unknown,
    };
    const file = join(folder, 'client_trust_config.json');
    return { trustedRoot, signingConfig, both: await this.#user.write(file, JSON.stringify(both)) };
  }

  async sign(signer: Signer, { form, artifact, bundle, token, trust }: Signing): Promise<Ended> {
    if (signer === 'cosign') {
      return this.#run(signer, [
        ...(form === 'blob'
          ? ['sign-blob', artifact]
          : ['attest-blob', '--statement', await this.#writeStatement(artifact, `${bundle}.statement`)]),
        ...['--yes', '--identity-token', token, '--bundle', bundle],
        ...['--signing-config', trust.signingConfig, '--trusted-root', trust.trustedRoot],
      ]);
    }
    const predicate = await this.#user.write(`${bundle}.predicate`, JSON.stringify(PREDICATE));
    return this.#run(signer, [
      ...['-m', 'sigstore', '--trust-config', trust.both],
      ...(form === 'blob'
        ? ['sign']
        : ['attest', '--predicate', predicate, '--predicate-type', PREDICATE_TYPE]),
      ...['--identity-token', token, '--bundle', bundle, artifact],
    ]);
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
      case 'stele':
        return this.#run(verifier, [
          ...[STELE, 'verify', bundle, '--artifact', artifact, '--trusted-root', trust.trustedRoot],
          ...['--certificate-identity', identity, '--certificate-oidc-issuer', issuer],
        ]);
    }
  }

  /** Cosign itself makes statements of version 0.1, and sigstore-python takes version 1 alone. */
  async #writeStatement(artifact: string, file: string): Promise<string> {
    const sha256 = createHash('sha256')
      .update(await readFile(this.#user.file(artifact)))
      .digest('hex');
    const statement = {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: artifact, digest: { sha256 } }],
      predicateType: PREDICATE_TYPE,
      predicate: PREDICATE,
    };
    return this.#user.write(file, JSON.stringify(statement));
  }

  #run(program: Verifier, args: readonly string[]): Promise<Ended> {
    return new Promise((resolve) => {
      const options = {
        cwd: this.#user.folder,
        // Wide, so that sigstore-python breaks no line.
        env: { ...this.#user.environment, COLUMNS: '1000' },
        timeout: 120_000,
        maxBuffer: 1 << 26,
      };
      const child = execFile(this.#programs[program], args, options, (_error, stdout, stderr) => {
        resolve({ code: child.exitCode, output: stdout + stderr });
      });
    });
  }
}
