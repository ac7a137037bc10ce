/**
 * Signing without a key of one's own, as in production: cosign and Sigstore's libraries for Python, Java and Rust prove
 * an identity, get a certificate for it, a time stamp and an entry in the log, by no other files than those that
 * `stele trust` wrote. Each of them, and `stele verify`, verifies what any has signed.
 */
import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { startStub, User } from '../support/cli.js';
import { goodRequest } from '../support/http.js';
import { submit } from '../support/submission.js';
import { startCertificateAuthority, type CertificateAuthority } from './certificate-authority.js';
import { startGrpcCertificateAuthority } from './grpc-certificate-authority.js';
import { ISSUER, nameOf, type Identity } from './identity-provider.js';
import { JavaDriver } from './java-driver.js';
import {
  FORMS,
  KeylessClients,
  SIGNERS,
  trustFilesIn,
  VERIFIERS,
  type Ended,
  type Form,
  type Question,
  type Signer,
  type TrustFiles,
} from './keyless-clients.js';
import { ACCEPTS, CONTROLS, REFUSES, REFUSES_ATTESTATIONS, type Control } from './keyless-verdicts.js';
import { startTimestampAuthority, type TimestampAuthority } from './timestamp-authority.js';
import { describeWithTools } from './with-tools.js';

/** A person and workloads: an e-mail address and URIs in the certificates. */
const IDENTITIES: Readonly<Record<Signer, Identity>> = {
  cosign: { email: 'releaser@signer.example' },
  'sigstore-python': { uri: 'https://builder.example/release.yml' },
  'sigstore-java': { uri: 'https://builder.example/maven.yml' },
  'sigstore-rust': { uri: 'https://builder.example/cargo.yml' },
};

const ARTIFACT = 'artifact.txt';
const OTHER_ARTIFACT = 'other.txt';

interface Signed {
  readonly signer: Signer;
  readonly form: Form;
  readonly bundle: string;
}

const WHAT: Readonly<Record<Form, string>> = { blob: 'a file', attestation: 'a statement about a file' };

/** All that is signed: by whom and what, as titles say it; and where its bundle is put. */
const SIGNED = SIGNERS.flatMap((signer) =>
  FORMS.map((form): [string, string, Signed] => [
    signer,
    WHAT[form],
    { signer, form, bundle: `${signer}-${form}.sigstore.json` },
  ]),
);

interface Service {
  readonly stop: () => Promise<unknown>;
}

/** What a test looks at of a bundle. */
interface BundleFile {
  readonly messageSignature?: object;
  readonly dsseEnvelope?: object;
  readonly verificationMaterial: {
    readonly certificate?: object;
    readonly tlogEntries: readonly object[];
    readonly timestampVerificationData?: { readonly rfc3161Timestamps?: readonly object[] };
  };
}

const TOOLS = ['cosign', 'timestamp-server', 'python', 'java', 'sigstore-rust'];

describeWithTools(TOOLS, 'keyless as in production', (tools) => {
  let user: User;
  let clients: KeylessClients;
  let log: Daemon;
  let otherLog: Daemon;
  let authority: CertificateAuthority;
  let otherAuthority: CertificateAuthority;
  let timestamps: TimestampAuthority;
  let trust: TrustFiles;
  /** The same, with the certificate authority's gRPC interface instead of HTTP. */
  let grpcTrust: TrustFiles;
  /** What the trust files of each control have in place of the real one. */
  let otherTrust: Partial<Record<Control, TrustFiles>>;
  const services: Service[] = [];
  /** How the signers ended, by their bundles. */
  const signings = new Map<string, Ended>();

  beforeAll(async () => {
    user = await User.create();
    log = await running(startDaemon(user.file('log')));
    otherLog = await running(startDaemon(user.file('other-log')));
    authority = await running(startCertificateAuthority());
    otherAuthority = await running(startCertificateAuthority());
    const grpc = await running(startGrpcCertificateAuthority(authority, user));
    timestamps = await running(startTimestampAuthority(tools('timestamp-server'), user.folder));
    const java = await running(JavaDriver.start(tools('java'), user.folder, grpc.certificate));
    const programs = {
      cosign: tools('cosign'),
      'sigstore-python': tools('python'),
      'sigstore-rust': tools('sigstore-rust'),
    };
    clients = new KeylessClients(user, programs, java);
    // Go's clients leave an index of 0 out of a bundle, and sigstore-python demands it.
    await submit(log.url, goodRequest());
    await user.write(ARTIFACT, 'a release\n');
    await user.write(OTHER_ARTIFACT, 'another release\n');

    for (const { url } of [log, otherLog]) await stele('trust', '--pin', url);
    trust = await writeTrust('trust/real');
    grpcTrust = await writeTrust('trust/grpc', { authorityUrl: grpc.url });
    const { chain, certificateLogKey } = otherAuthority;
    otherTrust = {
      log: await writeTrust('trust/other-log', { url: otherLog.url }),
      'certificate authority': await writeTrust('trust/other-certificate-authority', { chain }),
      'certificate log': await writeTrust('trust/other-certificate-log', { certificateLogKey }),
      'time stamp authority': await writeTrust('trust/other-timestamps', { timestampChain: chain }),
    };
    await Promise.all(
      SIGNED.map(async ([, , { signer, form, bundle }]) => {
        const token = authority.token(IDENTITIES[signer]);
        const signing = { form, artifact: ARTIFACT, bundle, token, trust: trustOf(signer) };
        signings.set(bundle, await clients.sign(signer, signing));
      }),
    );
  });

  afterAll(async () => {
    await Promise.all(services.map((service) => service.stop()));
    await user.remove();
  });

  /** Waits for a service, and has it stopped at the end. */
  async function running<T extends Service>(starting: Promise<T>): Promise<T> {
    const service = await starting;
    services.push(service);
    return service;
  }

  async function stele(...args: string[]): Promise<void> {
    const { code, stderr } = await user.run(args);
    expect(code, stderr).toBe(0);
  }

  /** Has `stele trust` write trust files: of the real log and authorities, but for what is given. */
  async function writeTrust(
    folder: string,
    {
      url = log.url,
      chain = authority.chain,
      authorityUrl = authority.url,
      certificateLogKey = authority.certificateLogKey,
      timestampChain = timestamps.chain,
      issuer = ISSUER,
    } = {},
  ): Promise<TrustFiles> {
    await mkdir(user.file(folder), { recursive: true });
    const pem = (name: string, text: string) => user.write(`${folder}/${name}.pem`, text);
    await stele(
      ...['trust', url, '--output', folder, '--oidc-url', issuer],
      ...['--fulcio', await pem('fulcio', chain), '--fulcio-url', authorityUrl],
      ...['--ctlog', await pem('ctlog', certificateLogKey), '--ctlog-url', authority.url],
      ...['--tsa', await pem('tsa', timestampChain), '--tsa-url', timestamps.url],
    );
    return trustFilesIn(folder);
  }

  function trustOf(signer: Signer): TrustFiles {
    return signer === 'sigstore-java' ? grpcTrust : trust;
  }

  async function logSize(): Promise<number> {
    const checkpoint = await (await fetch(`${log.url}/checkpoint`)).text();
    return Number(checkpoint.split('\n')[1]);
  }

  it.each(SIGNED)('%s signs %s', async (_signer, _what, { form, bundle }) => {
    const { code, output } = signings.get(bundle) ?? {};
    expect(code, output).toBe(0);
    const file = JSON.parse(await user.read(bundle)) as BundleFile;
    expect(file).toHaveProperty(form === 'blob' ? 'messageSignature' : 'dsseEnvelope');
    const { certificate, tlogEntries, timestampVerificationData } = file.verificationMaterial;
    expect(certificate).toBeDefined();
    expect(tlogEntries).toHaveLength(1);
    expect(timestampVerificationData?.rfc3161Timestamps).toHaveLength(1);
  });

  describe.concurrent.each(VERIFIERS)('%s', (verifier) => {
    const ask = ({ signer, form, bundle }: Signed, changed: Partial<Question> = {}) => {
      const identity = nameOf(IDENTITIES[signer]);
      const question = { form, artifact: ARTIFACT, bundle, identity, issuer: ISSUER, trust };
      return clients.verify(verifier, { ...question, ...changed });
    };

    const attestations = REFUSES_ATTESTATIONS[verifier];
    const verified = SIGNED.filter(([, , { form }]) => form === 'blob' || attestations === undefined);

    it.each(verified)('verifies what %s signed: %s', async (_signer, _what, signed) => {
      const { code, output } = await ask(signed);
      expect(output).toMatch(ACCEPTS[verifier]);
      expect(code).toBe(0);
    });

    if (attestations !== undefined) {
      it('refuses every statement, whoever signed it', async () => {
        for (const [, , signed] of SIGNED.filter((each) => !verified.includes(each))) {
          const { code, output } = await ask(signed);
          expect(output, signed.bundle).toMatch(attestations);
          expect(code, signed.bundle).toBe(1);
        }
      });
    }

    it.each(CONTROLS)('refuses all that was signed: another %s', async (control) => {
      const changed: Partial<Record<Control, Partial<Question>>> = {
        identity: { identity: 'someone@else.example' },
        issuer: { issuer: 'https://other.example' },
        artifact: { artifact: OTHER_ARTIFACT },
      };
      const files = otherTrust[control];
      for (const [, , signed] of verified) {
        const { code, output } = await ask(signed, files === undefined ? changed[control] : { trust: files });
        expect(output, signed.bundle).toMatch(REFUSES[verifier][control]);
        expect(output, signed.bundle).not.toMatch(ACCEPTS[verifier]);
        expect(code, signed.bundle).toBe(1);
      }
    });
  });

  it.each(SIGNERS)('%s logs nothing for a token that another provider signed', async (signer) => {
    const token = otherAuthority.token(IDENTITIES[signer]);
    const signing = {
      form: 'blob',
      artifact: ARTIFACT,
      bundle: `${signer}-refused.json`,
      token,
      trust: trustOf(signer),
    } as const;
    const { code, output } = await clients.sign(signer, signing);
    expect(code, output).toBe(1);
    await expect(user.read(signing.bundle)).rejects.toThrow(/ENOENT/);
    expect(await logSize()).toBe(1 + SIGNED.length);
  });

  it('model-signing signs a folder and verifies it, and refuses it changed, of another signer and another log', async () => {
    // It asks the identity provider for its configuration, and uses none of it.
    const endpoints = { authorization_endpoint: ISSUER, token_endpoint: ISSUER };
    const provider = await startStub((_request, response) => response.end(JSON.stringify(endpoints)));
    const { both } = await writeTrust('trust/model', { issuer: provider.url });
    const identity = { uri: 'https://builder.example/model.yml' };
    await mkdir(user.file('model'));
    await user.write('model/weights', 'of a model\n');
    const common = ['sigstore', '--signature', 'model.sig'];
    const token = ['--identity_token', authority.token(identity)];
    const signed = await clients.python(
      ...['model_signing', 'sign', ...common, '--trust_config', both, ...token, 'model'],
    );
    provider.close();
    expect(signed.code, signed.output).toBe(0);
    const verify = (trusted = both, name = nameOf(identity)) => {
      const who = ['--trust_config', trusted, '--identity', name, '--identity_provider', ISSUER];
      return clients.python('model_signing', 'verify', ...common, ...who, 'model');
    };
    expect(await verify()).toMatchObject({ code: 0 });
    expect(await verify(otherTrust.log?.both)).toMatchObject({ code: 1 });
    expect(await verify(both, 'someone@else.example')).toMatchObject({ code: 1 });
    await user.write('model/weights', 'of another model\n');
    expect(await verify()).toMatchObject({ code: 1 });
  });
});
