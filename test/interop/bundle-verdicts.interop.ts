/**
 * Bundles that others ship in their packages, each verified by Stele, cosign, sigstore-go and @sigstore/verify: the
 * same verdict by all, but for the differences that are listed here with their reasons.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { productionTrustedRoot } from '../support/public-bundles.js';
import { byCosign, bySigstoreGo, bySigstoreVerify, byStele, type AskedBundle } from './bundle-verifiers.js';
import { tool } from '../tools.mjs';
import { goModule } from './go-module.js';
import { bundlesIn, type PublicBundle } from './public-bundles.js';
import { describeWithTools } from './with-tools.js';

const SIGSTORE_GO = 'github.com/sigstore/sigstore-go@v1.3.0';

/** Where the bundles are, by the name that the table gives them. */
const PACKAGES: Readonly<Record<string, () => Promise<string>>> = {
  'sigstore-go': () => goModule(SIGSTORE_GO),
  'protobuf-specs': () => goModule('github.com/sigstore/protobuf-specs@v0.5.1'),
  cosign: () => goModule('github.com/sigstore/cosign/v3@v3.1.3'),
  'slsa-verifier': () => goModule('github.com/slsa-framework/slsa-verifier/v2@v2.7.1'),
  gh: () => goModule('github.com/cli/cli/v2@v2.83.0'),
  'pypi-attestations': () => tool('pypi-attestations'),
};

/** The keys that signed, by their hints, among sigstore-go's files: npm's own, and that of a test. */
const KEYS: Readonly<Record<string, string>> = {
  'SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA': 'examples/publish_key.pub',
  'IpekKjxVkmTfB4YqY8q5sGEAeVtF9x3m7jHdhAxpgjQ=': 'pkg/testing/data/public-keys/public-key-validity.pem',
};

/** Bundles of other logs than Sigstore's own: their trusted roots, among sigstore-go's files. */
const TRUSTED_ROOTS: Readonly<Record<string, string>> = {
  'sigstore-go: pkg/testing/data/bundles/othername.sigstore.json': 'scaffolding.json',
  'sigstore-go: pkg/testing/data/bundles/public-key-validity.sigstore.json': 'public-key-validity.json',
};

const VERIFIERS = ['stele', 'cosign', 'sigstore-go', '@sigstore/verify'] as const;
type VerifierName = (typeof VERIFIERS)[number];

/** `verified`, or why not; undefined where a verifier was not asked. */
type Verdicts = Readonly<Record<VerifierName, string | undefined>>;

/** Why the verdicts on a bundle differ, where they may. */
const DIFFERENCES: Readonly<Record<string, string>> = {};

describeWithTools(['cosign', 'sigstore-go', 'pypi-attestations'], 'bundles that others ship', (tools) => {
  let folder: string;
  const verdicts = new Map<string, Verdicts>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stele-'));
    const bundles = await askedBundles();
    const driver = bySigstoreGo(tools('sigstore-go'), bundles, folder);
    // Cosign is a process a bundle, and the others are in this one: beside each other they take half of the time.
    const inProcess = bundles.map((bundle) => async () => ({
      stele: await byStele(bundle),
      '@sigstore/verify': bySigstoreVerify(bundle),
    }));
    const [others, cosign] = await Promise.all([
      oneByOne(inProcess),
      oneByOne(bundles.map((bundle) => () => byCosign(tools('cosign'), bundle, folder))),
    ]);
    const sigstoreGo = await driver;
    for (const [i, { name }] of bundles.entries()) {
      const { stele, '@sigstore/verify': verify } = others[i] ?? {};
      verdicts.set(name, {
        stele,
        cosign: cosign[i],
        'sigstore-go': sigstoreGo[i],
        '@sigstore/verify': verify,
      });
    }
    process.stdout.write(tableOf(verdicts));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function askedBundles(): Promise<AskedBundle[]> {
    const production = join(folder, 'trusted_root.json');
    await writeFile(production, productionTrustedRoot());
    const sigstoreGo = await goModule(SIGSTORE_GO);
    return Promise.all(
      (await publicBundles()).map(async (bundle, i) => {
        const file = join(folder, `${i}.json`);
        await writeFile(file, bundle.text);
        const root = TRUSTED_ROOTS[bundle.name];
        const key = KEYS[bundle.hint ?? ''];
        return {
          ...bundle,
          file,
          trustedRoot:
            root === undefined ? production : join(sigstoreGo, 'pkg/testing/data/trusted-roots', root),
          ...(key === undefined ? {} : { publicKey: join(sigstoreGo, key) }),
        };
      }),
    );
  }

  it('are many, of which most are good', () => {
    const verified = [...verdicts.values()].filter(({ stele }) => stele === 'verified');
    expect(verdicts.size).toBeGreaterThan(130);
    expect(verified.length).toBeGreaterThan(100);
  });

  it('get the same verdict by all, but for the differences that are known', () => {
    const differing = [...verdicts].filter(([, by]) => differs(by)).map(([name]) => name);
    expect(differing.sort()).toEqual(Object.keys(DIFFERENCES).sort());
  });
});

async function publicBundles(): Promise<PublicBundle[]> {
  const found: PublicBundle[] = [];
  for (const [name, fetch] of Object.entries(PACKAGES)) {
    const bundles = await bundlesIn(await fetch());
    found.push(...bundles.map((bundle) => ({ ...bundle, name: `${name}: ${bundle.name}` })));
  }
  return found;
}

async function oneByOne<T>(tasks: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  for (const task of tasks) results.push(await task());
  return results;
}

function differs(by: Verdicts): boolean {
  const asked = Object.values(by).filter((verdict) => verdict !== undefined);
  return new Set(asked.map((verdict) => verdict === 'verified')).size > 1;
}

/** A line a bundle; where verdicts differ, what each says. */
function tableOf(verdicts: ReadonlyMap<string, Verdicts>): string {
  const mark = (verdict: string | undefined) =>
    verdict === undefined ? '?' : verdict === 'verified' ? '+' : '-';
  const lines = [...verdicts].map(([name, by]) => {
    const reasons = differs(by) ? `\n${JSON.stringify({ why: DIFFERENCES[name], ...by }, null, 2)}` : '';
    return `${VERIFIERS.map((verifier) => mark(by[verifier])).join(' ')}  ${name}${reasons}\n`;
  });
  return `${VERIFIERS.join(', ')}: + verified, - refused, ? not asked\n${lines.join('')}`;
}
