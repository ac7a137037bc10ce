/**
 * Attestations and provenance objects as PyPI has published them: the test data of PyPI's own library, in its source
 * distribution. Each is verified by `stele verify`, with the trusted root that sigstore-python carries, and refused for
 * another artifact and another identity.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { STELE } from '../support/daemon.js';
import { describeWithTools } from './with-tools.js';

/** Who signed, by how a file's name begins. */
const SIGNERS: readonly (readonly [name: string, identity: string, issuer: string])[] = [
  [
    'circleci_sign_publish_example',
    'https://circleci.com/api/v2/projects/fdd9283f-e619-46af-8f9c-851f7d3e8b2b/pipeline-definitions/8e4f8ab2-8d7c-4827-9f15-de076d6d647f',
    'https://oidc.circleci.com',
  ],
  [
    'gcb_attestation_test',
    '919436158236-compute@developer.gserviceaccount.com',
    'https://accounts.google.com',
  ],
  [
    'gitlab_oidc_project',
    'https://gitlab.com/facutuesca/gitlab-oidc-project//.gitlab-ci.yml@refs/heads/main',
    'https://gitlab.com',
  ],
  [
    'pypi_attestation_models',
    'https://github.com/trailofbits/pypi-attestation-models/.github/workflows/release.yml@refs/tags/v0.0.4a2',
    'https://token.actions.githubusercontent.com',
  ],
  [
    'pypi_attestations',
    'https://github.com/trailofbits/pypi-attestations/.github/workflows/release.yml@refs/tags/v0.0.19',
    'https://token.actions.githubusercontent.com',
  ],
  // By Sigstore's staging instance.
  ['rfc8785', 'william@yossarian.net', 'https://github.com/login/oauth'],
];

describeWithTools(['pypi-attestations', 'python'], "PyPI's files", (tools) => {
  const assets = join(tools('pypi-attestations'), 'test', 'assets');
  const artifactOf = (file: string) =>
    join(assets, file.replace(/(\.publish|\.slsa)?\.(attestation|provenance)$/, ''));
  const all = readdirSync(assets).filter((file) => /\.(attestation|provenance)$/.test(file));
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stele-'));
    await writeFile(join(folder, 'other'), 'another artifact\n');
    // Both instances' roots, a line each.
    const packages = join(dirname(dirname(tools('python'))), 'lib');
    const roots = readdirSync(packages, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\/sigstore\/_store\/[^/]*\/trusted_root\.json$/.test(file))
      .map(async (file) => JSON.stringify(JSON.parse(await readFile(join(packages, file), 'utf8'))));
    expect(roots).toHaveLength(2);
    await writeFile(join(folder, 'trusted_root.jsonl'), (await Promise.all(roots)).join('\n'));
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  function verify(file: string, artifact: string, identity: string, issuer: string): Promise<string> {
    const args = [STELE, 'verify', join(assets, file), '--artifact', artifact, '--trusted-root'];
    const by = ['--certificate-identity', identity, '--certificate-oidc-issuer', issuer];
    const options = { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder } };
    return new Promise((resolve) => {
      execFile(process.execPath, [...args, 'trusted_root.jsonl', ...by], options, (error, stdout, stderr) => {
        resolve(`${stdout}${stderr}exit ${error === null ? 0 : Number(error.code)}`);
      });
    });
  }

  it('are there', () => {
    expect(all.length).toBeGreaterThanOrEqual(11);
  });

  const files = all.filter((file) => existsSync(artifactOf(file)));

  it.each(files)('%s', async (file) => {
    const [, identity = '', issuer = ''] = SIGNERS.find(([name]) => file.startsWith(`${name}-`)) ?? [];
    const artifact = artifactOf(file);
    expect(await verify(file, artifact, identity, issuer)).toMatch(
      /vouched for by \S+, over the artifact\nVerified\nexit 0$/,
    );
    expect(await verify(file, 'other', identity, issuer)).toMatch(
      /REFUSED\nstele: [^\n]*artifact[^\n]*\nexit 1$/,
    );
    expect(await verify(file, artifact, `${identity}x`, issuer)).toMatch(
      /REFUSED\nstele: [^\n]*, not of [^\n]*\nexit 1$/,
    );
  });
});
