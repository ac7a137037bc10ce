/**
 * `stele upload`: puts a signature into a log, and proves that it is there.
 * @module
 */
import { isUrl } from '../reader/node/index.js';
import { ConfigurationError } from '../src/errors.js';
import { DOCUMENT_LIMITS, parseJson } from '../src/json.js';
import { formatSigstoreBundle } from '../src/sigstore/bundle.js';
import { verifyLoggedEntry } from '../src/sigstore/entry-proof.js';
import {
  entryOf,
  formatTransparencyLogEntry,
  parseTransparencyLogEntry,
  type LoggedEntry,
} from '../src/sigstore/transparency-log-entry.js';
import { nodeSha256 } from '../src/node-sha256.js';
import type { TrustedLog } from '../src/sigstore/trusted-root.js';
import {
  encodeHex,
  equalBytes,
  formatNote,
  leafHash,
  ProofError,
  type SignedCheckpoint,
} from '../tiles-spec/index.js';
import type { Invocation } from './command.js';
import { parseSetting } from './configuration.js';
import { requireWritable, writeOutput } from './files.js';
import { networkOf, tokenOf } from './network-settings.js';
import { openTrustedLog } from './open-log.js';
import type { UPLOAD_SETTINGS } from './settings.js';
import { canonicalBodyOf, readSignedArtifact, signWith } from './signed-artifact.js';
import { entries } from './terminal.js';
import { parseDuration, parseNumber } from './units.js';

export async function upload(invocation: Invocation<typeof UPLOAD_SETTINGS>): Promise<number> {
  const { values, terminal } = invocation;
  requireUrl(values.rekor_server);
  const { place, trusted, log } = await openTrustedLog(invocation);
  requireUrl(place);
  const signed =
    values.key === undefined ? await readSignedArtifact(values) : await signWith(values.key, values);
  // What the log would refuse is refused here, and what it must answer is known beforehand.
  const expected = canonicalBodyOf(signed);
  const output =
    values.output ?? (values.key === undefined ? undefined : `${values.artifact ?? ''}.sigstore.json`);
  if (output !== undefined) await requireWritable('--output', output);

  // With its HTTP client, which much of what is refused above does without.
  const { submit } = await import('./submit.js');
  const answer = await submit(place, signed.request, {
    timeout: parseSetting('timeout', values.timeout, parseDuration),
    retries: parseSetting('retry', values.retry, parseNumber),
    network: await networkOf(values, invocation.environment),
    token: tokenOf(values),
  });
  const entry = parseTransparencyLogEntry(parseJson(answer, "the log's answer", DOCUMENT_LIMITS));
  if (!equalBytes(entry.body, expected)) {
    throw new ProofError('the log has answered with another entry than the one that was sent');
  }
  const { index, checkpoint } = verifyLoggedEntry(entry, [trusted], nodeSha256);
  if (checkpoint === undefined) throw new ProofError('the log has answered without a proof');
  await log.see(checkpoint);

  // What was proved of the answer, and nothing else that is in it.
  const { kind, version, body, proof } = entry;
  const logged: LoggedEntry = {
    kind,
    version,
    index,
    body,
    proof: proof?.hashes ?? [],
    checkpoint: signedAlone(checkpoint, trusted),
  };
  if (output !== undefined) {
    const { content, material } = signed;
    const bundle = { content, material, entries: [entryOf(logged, trusted.logId)], timestamps: [] };
    await writeOutput('--output', output, formatSigstoreBundle(bundle));
    if (material.type === 'certificate') {
      terminal.err(
        `${output} has no time stamp: a certificate is believed only with one, so that most will not verify the bundle`,
      );
    }
  }
  const uuid = encodeHex(leafHash(entry.body, nodeSha256));
  if (values.format === 'tle') {
    terminal.out(formatTransparencyLogEntry(logged, trusted.logId));
  } else if (values.format === 'json') {
    terminal.json({
      Index: index,
      UUID: uuid,
      TreeSize: checkpoint.size,
      Location: place,
      ...(output === undefined ? {} : { Bundle: output }),
    });
  } else {
    terminal.out(`Entry at index ${index} of ${trusted.origin}, available at: ${place}`);
    terminal.out(`UUID: ${uuid}`);
    terminal.out(
      terminal.good(`Proved: in the tree of ${entries(checkpoint.size)} that ${trusted.origin} signed`),
    );
    if (output !== undefined) terminal.out(`Wrote ${output}`);
  }
  return 0;
}

/** @throws ConfigurationError where a place is no URL: what takes no entries cannot be asked to. */
function requireUrl(place: string | undefined): void {
  if (place === undefined || isUrl(place)) return;
  throw new ConfigurationError(
    `--rekor_server: entries are sent to a URL with http:// or https://, not to ${place}`,
  );
}

/** The checkpoint with the log's own signature alone: nobody has verified the others. */
function signedAlone(checkpoint: SignedCheckpoint, { verifier }: TrustedLog): SignedCheckpoint {
  const signatures = checkpoint.note.signatures.filter(
    ({ name, keyId }) => name === verifier.name && keyId === verifier.keyId,
  );
  const note = { ...checkpoint.note, signatures };
  return { ...checkpoint, note, bytes: formatNote(note) };
}
