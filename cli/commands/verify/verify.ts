/**
 * `stele verify`: proves that a signature is in a log, that it is over the artifact, and who made it.
 * @module
 */
import { ConfigurationError } from '../../../src/errors.js';
import { rfc3339 } from '../../../src/rfc3339.js';
import type { ShippedBundle } from '../../../src/sigstore/bundle/bundle-files.js';
import type { VerifiedEntry } from '../../../src/sigstore/verify/entry-proof.js';
import { namePattern, type NamePattern } from '../../../src/sigstore/verify/node/name-pattern.js';
import type { TrustedRoot } from '../../../src/sigstore/trust/trusted-root.js';
import {
  verifyBundle,
  type CheckedBundle,
  type NotChecked,
  type Signer,
  type SignerPolicy,
} from '../../../src/sigstore/verify/node/verify-bundle.js';
import { counted } from '../../../tiles-spec/counted.js';
import { encodeHex, leafHash } from '../../../tiles-spec/index.js';
import { readArtifact } from '../../signature/artifact.js';
import { readPublicKey } from '../../signature/public-key.js';
import { bundlesToVerify, type VerifyInvocation } from './bundles-to-verify.js';
import { readTrustedRoot } from '../../log/open-log.js';
import { ProofSteps } from './proof-steps.js';
import { verifySeveral } from './several-bundles.js';
import { plain, type Terminal } from '../../terminal.js';
import { VerdictError } from '../../verdict.js';

export async function verify(invocation: VerifyInvocation): Promise<number> {
  const { values, terminal } = invocation;
  const trustedRoot = await readTrustedRoot(values);
  const policy = await readPolicy(values, trustedRoot);
  const found = await bundlesToVerify({ ...invocation, trustedRoot });
  const { bundles, logs, isMadeOfArtifact = false } = found;
  const artifact = isMadeOfArtifact ? undefined : await readArtifact(values);
  const isJson = values.format === 'json';
  let hasSaid = false;
  const say = (label: string, text: string) => {
    if (isJson) return;
    hasSaid = true;
    // A certificate or a log chose some of these texts, and could put control characters into them.
    const column = label.padEnd(11);
    terminal.out(`${label === '' ? column : terminal.bold(column)} ${plain(text)}`);
  };
  const verifyOne = async ({ bundle }: ShippedBundle) => {
    const steps: ProofSteps[] = [];
    const verdict = await verifyBundle(bundle, logs, policy, artifact, {
      sha: () => {
        const made = new ProofSteps();
        steps.push(made);
        return made.sha;
      },
      // Printed before the signer is checked: a user sees what the log has even if the signer is refused.
      onEntries: (shown) => {
        for (const [i, entry] of shown.entries()) sayEntry(say, entry, steps[i]?.lines() ?? []);
      },
    });
    const checked = isMadeOfArtifact ? withArtifactChecked(verdict) : verdict;
    const over = artifact === undefined ? '' : ', over the artifact';
    say('signature', `${signerText(checked.signer)}${over}`);
    return checked;
  };
  const sayVerdict = (checked: CheckedBundle) => {
    if (isJson) return;
    if (checked.verified) terminal.out(terminal.good('Verified'));
    else sayNotChecked(checked, terminal);
  };

  if (bundles.length > 1) {
    return verifySeveral(bundles, { verify: verifyOne, sayVerdict, json: resultJson }, isJson, terminal);
  }
  const checked = await verifyOne(bundles[0]).catch((error: unknown) => {
    // The error goes to stderr. Where stdout goes to a file, the file's last line must not be a good one.
    if (hasSaid) terminal.out(terminal.bad('REFUSED'));
    throw error;
  });
  sayVerdict(checked);
  if (!checked.verified) throw new VerdictError(notVerified(checked), resultJson(checked));
  if (isJson) terminal.json(resultJson(checked));
  return 0;
}

/** The verdict on a bundle that was made of the artifact, with which the artifact need not be compared any more. */
function withArtifactChecked(verdict: CheckedBundle): CheckedBundle {
  const notChecked = verdict.notChecked.filter((part) => part !== 'artifact');
  return { ...verdict, notChecked, verified: notChecked.length === 0 };
}

function sayEntry(
  say: (label: string, text: string) => void,
  { log, checkpoint, index, body, integratedTime }: VerifiedEntry,
  steps: readonly string[],
): void {
  say('log', `${log.origin}, by the key ${log.vkey}`);
  if (checkpoint !== undefined) {
    say(
      'checkpoint',
      `${counted(checkpoint.size, 'entry')}, root ${encodeHex(checkpoint.root)}: its signature is the log's`,
    );
  }
  if (integratedTime !== undefined) say('promise', `signed by the log at ${rfc3339(integratedTime * 1000)}`);
  say('entry', `index ${index}, leaf hash ${encodeHex(leafHash(body))}`);
  for (const step of steps) say('', step);
  if (checkpoint !== undefined) say('', `which is the root: the entry is in the log`);
}

function signerText(signer: Signer): string {
  switch (signer.type) {
    case 'given key':
      return 'by the public key given';
    case 'identity':
      return `by ${signer.identity}, vouched for by ${signer.issuer ?? 'no provider that it names'}`;
    case 'logged key':
      return 'by the public key that is logged';
    case 'logged certificate':
      return `by a certificate that says ${signer.names.join(', ') || 'no name'}`;
  }
}

/** What is not checked, and what to give for it to be. */
const NOT_CHECKED: Readonly<Record<NotChecked, readonly [what: string, remedy: string]>> = {
  'public key': ['whose key that is', 'give --public-key'],
  certificate: [
    'the certificate, and so who signed',
    'give --certificate-identity, --certificate-oidc-issuer and --trusted-root, or --public-key',
  ],
  artifact: ['what was signed', 'give --artifact or --artifact-hash'],
};

function sayNotChecked({ notChecked }: CheckedBundle, terminal: Terminal): void {
  for (const part of notChecked)
    terminal.out(`${terminal.bad('NOT CHECKED')} ${NOT_CHECKED[part].join(': ')}`);
}

function notVerified({ notChecked }: CheckedBundle): string {
  const parts = notChecked.map((part) => {
    const [what, remedy] = NOT_CHECKED[part];
    return `${what} (${remedy})`;
  });
  return `not verified, since this is not checked: ${parts.join('; ')}`;
}

function resultJson({ verified, notChecked, entries: [entry], signer }: CheckedBundle): object {
  const { checkpoint } = entry;
  return {
    Verified: verified,
    ...(verified ? {} : { NotChecked: notChecked.map((part) => NOT_CHECKED[part].join(': ')) }),
    Signer: signerText(signer),
    EntryUUID: encodeHex(leafHash(entry.body)),
    Index: entry.index,
    Log: entry.log.origin,
    ...(checkpoint === undefined
      ? {}
      : {
          Size: checkpoint.size,
          RootHash: encodeHex(checkpoint.root),
          Hashes: entry.hashes.map(encodeHex),
        }),
  };
}

/** The signer that the user demands; undefined where none is demanded. */
async function readPolicy(
  values: VerifyInvocation['values'],
  trustedRoot: TrustedRoot | undefined,
): Promise<SignerPolicy | undefined> {
  const { 'public-key': keyFile } = values;
  const identity = wantedName('certificate-identity', values);
  const issuer = wantedName('certificate-oidc-issuer', values);
  if (identity === undefined && issuer === undefined) {
    if (keyFile === undefined) return undefined;
    return { publicKey: (await readPublicKey(keyFile)).spki };
  }
  if (identity === undefined || issuer === undefined) {
    throw new ConfigurationError(
      '--certificate-identity and --certificate-oidc-issuer go together; each may be the one that ends in -regexp',
    );
  }
  if (trustedRoot === undefined) {
    throw new ConfigurationError(
      '--certificate-identity needs --trusted-root: it names the authorities to believe',
    );
  }
  return { identity, issuer, authorities: trustedRoot.authorities };
}

/** A name of the certificate, given as text or as a pattern. */
function wantedName(
  name: 'certificate-identity' | 'certificate-oidc-issuer',
  values: VerifyInvocation['values'],
): string | NamePattern | undefined {
  const pattern = `${name}-regexp` as const;
  const { [name]: text, [pattern]: regexp } = values;
  return regexp === undefined ? text : namePattern(regexp, `--${pattern}`);
}
