/**
 * Proves that a log has the entry of a bundle, and that the log is one of those that the reader trusts.
 * @module
 */
import { encodeText } from '../../../tiles-spec/bytes.js';
import { counted } from '../../../tiles-spec/counted.js';
import {
  encodeBase64,
  encodeHex,
  equalBytes,
  leafHash,
  openCheckpoint,
  parseNote,
  ProofError,
  sha256,
  verifyInclusion,
  type Hash,
  type Sha256,
  type SignedCheckpoint,
} from '../../../tiles-spec/index.js';
import { parseBody, type Body } from '../../kinds/canonical-body.js';
import { rfc3339 } from '../../rfc3339.js';
import type { TransparencyLogEntry } from '../bundle/transparency-log-entry.js';
import { isRekorV1, isTrustedLog, isWithin, type KnownLog, type TrustedLog } from '../trust/trusted-root.js';

/** An entry that a log was proved to have. */
export interface VerifiedEntry {
  /** The log that has it. */
  readonly log: TrustedLog;
  /** The signed tree that the entry is proved to be in. Absent where only a promise shows the entry. */
  readonly checkpoint?: SignedCheckpoint;
  /** The inclusion proof up to the checkpoint, leaf's sibling first; empty without one. */
  readonly hashes: readonly Hash[];
  /** In the checkpoint's tree; without a checkpoint, the index that the promise signs. */
  readonly index: number;
  /** The canonical body. */
  readonly body: Uint8Array;
  /** The body, parsed. */
  readonly content: Body;
  /** The log signed a promise of inclusion (Rekor v1). */
  readonly promise?: true;
  /** Signed with the promise: the index over all shards of the log. */
  readonly globalIndex?: number;
  /** Signed with the promise, Unix seconds. */
  readonly integratedTime?: number;
}

/**
 * Verifies that one of the logs has the entry: the inclusion proof of its body up to a checkpoint that the log
 * signed, and the promise where there is one. Whether the entry is of a certain signature or artifact is not checked:
 * `verifyBundle` checks that.
 *
 * A promise without a proof is enough in a bundle of v0.1. Signatures of others in the checkpoint are ignored.
 *
 * The time in which the log's key was in use (`validFor`) is compared with the time of a promise alone. Entries of Rekor
 * v2 and Stele have no time of their own, and checkpoints have none: a proof stays good after its log has stopped. Time
 * stamps say when the signature was made, and `verifyBundle` verifies them.
 * @param logs `parseTrustedRoot`'s or `trustedLogFromVerifierKey`'s.
 * @param sha computes all hashes from the leaf to the root. A caller that shows the steps of a proof passes a function that
 *   also records each input and its hash.
 * @throws ProofError when something is not shown, saying what; FormatError when checkpoint or body are malformed.
 */
export function verifyLoggedEntry(
  entry: TransparencyLogEntry,
  logs: readonly KnownLog[],
  sha: Sha256 = sha256,
): VerifiedEntry {
  const log = logOf(entry, logs);
  const content = contentOf(entry);
  const promise = verifyPromise(entry, log);
  if (entry.proof === undefined && entry.promiseSuffices === true && promise !== undefined)
    return { log, hashes: [], index: entry.index, body: entry.body, content, ...promise };
  return { log, ...verifyProof(entry, log, sha), body: entry.body, content, ...promise };
}

/**
 * The trusted log that the entry names by its id. A trust file may list one log several times, each time with another time
 * of use of its key: the listing is found that covers the time of the promise.
 */
function logOf(entry: TransparencyLogEntry, logs: readonly KnownLog[]): TrustedLog {
  const listings = logs.filter((log) => equalBytes(log.logId, entry.logId));
  const [first] = listings;
  if (first === undefined) throw untrustedLog(entry, logs);
  // Only a promise signs the integrated time. Without a promise, anybody may have written that time.
  const time = entry.promise === undefined ? undefined : entry.integratedTime;
  const log = time === undefined ? first : listings.find(({ validFor }) => isWithin(validFor, time * 1000));
  if (log === undefined) {
    throw new ProofError(
      `the entry's integrated time, ${rfc3339((time ?? 0) * 1000)}, is not within the time in which ${first.origin} used its key`,
    );
  }
  if (!isTrustedLog(log)) {
    throw new ProofError(
      `the key of the log ${log.origin} is of a type that Stele does not verify: ${log.keyDetails}`,
    );
  }
  return log;
}

function untrustedLog({ logId, proof }: TransparencyLogEntry, logs: readonly KnownLog[]): ProofError {
  // Nobody has verified the origin in the checkpoint. It is shown because it helps a person to find the log.
  const [origin = ''] = proof?.checkpoint?.split('\n', 1) ?? [];
  const name = origin === '' ? '' : ` ${JSON.stringify(origin.slice(0, 200))}`;
  const trusted = logs.map((log) => `${log.origin} with id ${encodeBase64(log.logId)}`).join(', ');
  return new ProofError(
    `the entry is of the log${name} with id ${encodeBase64(logId)}, which is none of the trusted logs (${trusted || 'there are none'})`,
  );
}

/** The parsed body, of the kind and version that the entry states. */
function contentOf({ kind, version, body }: TransparencyLogEntry): Body {
  const logged = parseBody(body);
  if (logged.kind !== kind || logged.version !== version) {
    throw new ProofError(
      `the entry is said to be a ${kind} ${version}, but its body is a ${logged.kind} ${logged.version}`,
    );
  }
  return logged;
}

/**
 * Verifies the log's signature over the entry and its time, which Rekor v1 calls a signed entry timestamp.
 * @returns the facts that the promise signs; undefined where the entry has no promise.
 */
function verifyPromise(
  entry: TransparencyLogEntry,
  log: TrustedLog,
): Pick<VerifiedEntry, 'promise' | 'globalIndex' | 'integratedTime'> | undefined {
  const { promise, integratedTime, index, logId, body } = entry;
  if (promise === undefined) return undefined;
  if (!isRekorV1(log))
    throw new ProofError(
      `the entry has an inclusion promise, which a log like ${log.origin} (Rekor v2) never gives`,
    );
  if (integratedTime === undefined)
    throw new ProofError('the entry has an inclusion promise and no integrated time');
  // The log has signed these four fields as RFC 8785 writes them. JSON.stringify writes the same bytes: the fields stand in
  // RFC 8785's order, base64 and hexadecimal need no escapes, and the integers are safe.
  const signed = { body: encodeBase64(body), integratedTime, logID: encodeHex(logId), logIndex: index };
  if (!log.verifier.verify(encodeText(JSON.stringify(signed)), promise)) {
    throw new ProofError(
      `the inclusion promise (signed entry timestamp) of ${log.origin} does not verify over the entry`,
    );
  }
  return { promise: true, globalIndex: index, integratedTime };
}

/** Verifies the inclusion proof of the entry's body, up to a checkpoint that the log signed. */
function verifyProof(
  entry: TransparencyLogEntry,
  log: TrustedLog,
  sha: Sha256,
): Pick<VerifiedEntry, 'hashes' | 'index'> & { readonly checkpoint: SignedCheckpoint } {
  const { proof } = entry;
  if (proof === undefined) throw new ProofError('the entry has no inclusion proof');
  if (proof.checkpoint === undefined) throw new ProofError("the entry's inclusion proof has no checkpoint");
  const checkpoint = openLogCheckpoint(encodeText(proof.checkpoint), log);
  if (proof.size !== checkpoint.size) {
    throw new ProofError(
      `the inclusion proof is for a tree of ${counted(proof.size, 'entry')}, its checkpoint of ${checkpoint.size}`,
    );
  }
  if (!equalBytes(proof.root, checkpoint.root)) {
    throw new ProofError(
      `the inclusion proof is for the root ${encodeBase64(proof.root)}, its checkpoint has ${encodeBase64(checkpoint.root)}`,
    );
  }
  // In a log of Rekor v1, the entry's own index counts the entries of earlier shards too.
  if (!isRekorV1(log) && entry.index !== proof.index) {
    throw new ProofError(
      `the entry is said to have index ${entry.index}, its inclusion proof is for index ${proof.index}`,
    );
  }
  const leaf = leafHash(entry.body, sha);
  verifyInclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root, sha);
  return { checkpoint, hashes: proof.hashes, index: proof.index };
}

/**
 * Parses a checkpoint, and verifies that the log signed it. The checkpoint of Rekor v2 or Stele must have the log's origin.
 * That of Rekor v1 has the origin `<name> - <tree id>`, with a name that the operator chose. No trust file holds that
 * origin: its form is checked, and the signature decides, as in Sigstore's clients.
 */
function openLogCheckpoint(bytes: Uint8Array, log: TrustedLog): SignedCheckpoint {
  const { verifier } = log;
  if (!isRekorV1(log)) return openCheckpoint(bytes, verifier);
  const { text, signatures } = parseNote(bytes);
  const [origin = ''] = text.split('\n', 1);
  if (!REKOR_V1_ORIGIN.test(origin)) {
    throw new ProofError(
      `the checkpoint is of ${JSON.stringify(origin.slice(0, 200))}, which is not a name, " - " and a tree id, as Rekor v1 has it`,
    );
  }
  // Rekor v1 may sign with another name than the trust file has, so that the signature is found by its key id alone.
  const line = signatures.find(({ keyId }) => keyId === verifier.keyId);
  return openCheckpoint(bytes, { ...verifier, name: line?.name ?? verifier.name }, origin);
}

const REKOR_V1_ORIGIN = /^.+ - [0-9]{1,20}$/;
