/**
 * `stele verify` on bundles that users of other clients reported: each as its README says.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithVectors, VECTORS } from '../../support/vectors.js';
import { User } from '../../support/cli.js';

const ISSUER = 'https://login.example.com';
/** By folder: who has signed, as the bundle's certificate says. */
const SIGNERS: Readonly<Record<string, string>> = {
  'root-in-chain': 'signer@example.com',
  othername: 'user!example.com',
};

describeWithVectors('stele verify, on a reported bundle', () => {
  let user: User;
  beforeAll(async () => {
    user = await User.create();
  });
  afterAll(() => user.remove());

  const verify = (folder: string, ...identity: readonly string[]) => {
    const file = (name: string) => join(VECTORS, 'field-cases', folder, name);
    return user.run([
      ...['verify', file('bundle.json'), '--artifact', file('artifact')],
      ...['--trusted-root', file('trusted_root.json'), ...identity],
    ]);
  };
  const [name, issuer] = ['--certificate-identity', '--certificate-oidc-issuer'];

  it.each(Object.entries(SIGNERS))('%s: is verified for %s alone', async (folder, signer) => {
    const { code, stdout, stderr } = await verify(folder, name, signer, issuer, ISSUER);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`by ${signer}, vouched for by ${ISSUER}, over the artifact\nVerified\n`);
    const other = await verify(folder, name, 'other@example.com', issuer, ISSUER);
    expect(other.code).toBe(1);
    expect(other.stderr).toContain(`the certificate is of ${signer}, not of other@example.com`);
    expect(other.stdout).not.toMatch(/verified/i);
  });

  it.each(Object.entries(SIGNERS))('%s: says %s where nobody says who', async (folder, signer) => {
    const { code, stdout } = await verify(folder);
    expect(code).toBe(1);
    expect(stdout).toContain(`by a certificate that says ${signer}, over the artifact\nNOT CHECKED`);
  });

  it('takes patterns, which match whole names', async () => {
    const patterns = [`${name}-regexp`, '\\w+!example\\.com', `${issuer}-regexp`, 'https://login\\..*'];
    const { code, stdout } = await verify('othername', ...patterns);
    expect({ code, isSaid: stdout.includes(`by user!example.com, vouched for by ${ISSUER}`) }).toEqual({
      code: 0,
      isSaid: true,
    });
    const part = await verify('othername', `${name}-regexp`, 'user!', issuer, ISSUER);
    expect(part.code).toBe(1);
    expect(part.stderr).toContain('not of one that matches user!');
  });

  it.each([
    [[`${name}-regexp`, '(', issuer, ISSUER], /--certificate-identity-regexp is not a regular expression/],
    [
      [name, 'a', `${name}-regexp`, 'a', issuer, ISSUER],
      /--certificate-identity and --certificate-identity-regexp stand for one another: give one of them/,
    ],
    [[`${name}-regexp`, 'a'], /--certificate-identity and --certificate-oidc-issuer go together/],
    [[issuer, ISSUER], /go together/],
  ])('is wrongly used with %j', async (identity, message) => {
    const { code, stderr } = await verify('othername', ...identity);
    expect({ code, isSaid: message.test(stderr) }).toEqual({ code: 2, isSaid: true });
  });
});
