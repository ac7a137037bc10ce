/**
 * `stele verify` of a bundle that was signed with a certificate: by whom.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithVectors, VECTORS } from '../../support/vectors.js';
import { expectCase, User } from '../../support/cli.js';

let user: User;

beforeAll(async () => {
  user = await User.create();
});

afterAll(() => user.remove());

describeWithVectors('a bundle of cosign, with a certificate', () => {
  const bundle = join(VECTORS, 'trust', 'cosign-keyless.bundle.json');
  const [artifact, root] = [
    join(VECTORS, 'trust', 'cosign.blob'),
    join(VECTORS, 'trust', 'with-tsa-ca', 'trusted_root.json'),
  ];
  const verify = ['verify', bundle, '--artifact', artifact, '--trusted-root', root];
  const identity = (name: string, issuer: string) => [
    '--certificate-identity',
    name,
    '--certificate-oidc-issuer',
    issuer,
  ];

  it.concurrent('is verified when it is of whom the user says', async () => {
    expect(existsSync(bundle)).toBe(true);
    await expectCase(user, {
      args: [...verify, ...identity('a@lab.example', 'https://oidc.lab.example')],
      code: 0,
      stdout:
        /^signature +by a@lab\.example, vouched for by https:\/\/oidc\.lab\.example, over the artifact\nVerified$/m,
    });
  });

  it.concurrent('is never "verified" where nobody says of whom', async () => {
    const { code, stdout, stderr } = await user.run(verify);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^stele: not verified, .*: the certificate, and so who signed \(give --certificate-identity/,
    );
    expect(stdout).toMatch(
      /^signature +by a certificate that says a@lab\.example, over the artifact\nNOT CHECKED the certificate, and so who signed: give --certificate-identity/m,
    );
    expect(stdout).not.toMatch(/verified/i);
  });

  it.concurrent.each([
    [
      'b@lab.example',
      'https://oidc.lab.example',
      /^stele: the certificate is of a@lab\.example, not of b@lab\.example$/m,
    ],
    ['A@lab.example', 'https://oidc.lab.example', /not of A@lab\.example$/m],
    [
      'a@lab.example',
      'https://oidc.example',
      /identity is by https:\/\/oidc\.lab\.example, not by https:\/\/oidc\.example$/m,
    ],
  ])('is refused for %s by %s', async (name, issuer, stderr) => {
    const ended = await user.run([...verify, ...identity(name, issuer)]);
    expect(ended.stderr).toMatch(stderr);
    expect({ code: ended.code, verified: /verified/i.test(ended.stdout) }).toStrictEqual({
      code: 1,
      verified: false,
    });
  });

  it.concurrent('is refused by authorities that do not know it', async () => {
    const own = join(VECTORS, 'trust', 'trusted_root.json');
    const args = ['verify', bundle, '--artifact', artifact, '--trusted-root', own];
    const ended = await user.run([...args, ...identity('a@lab.example', 'https://oidc.lab.example')]);
    expect(ended.stderr).toMatch(/^stele: (?:the entry is of|the certificate is not shown to be good)/);
    expect({ code: ended.code, verified: /verified/i.test(ended.stdout) }).toStrictEqual({
      code: 1,
      verified: false,
    });
  });
});
