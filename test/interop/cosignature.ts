/**
 * Cosignatures of witnesses (c2sp.org/tlog-cosignature), by a reading of that specification which is apart from the
 * code under test.
 * @module
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { parseNote } from '#tiles-spec/index.js';

/** A witness's key: its name, and the 32 bytes of its public Ed25519 key. */
export interface WitnessKey {
  readonly name: string;
  readonly publicKey: Uint8Array;
}

const TYPE = 0x04;
/** DER up to the 32 bytes of the key (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** The key in a verifier key of type 4, `<name>+<key id>+<type and key>`. */
export function witnessKeyOf(vkey: string): WitnessKey {
  const [, name, encoded] = /^([^+]+)\+[0-9a-f]{8}\+(.+)$/.exec(vkey) ?? [];
  const [type, ...publicKey] = Buffer.from(encoded ?? '', 'base64');
  if (name === undefined || type !== TYPE) throw new Error(`${vkey} is not the key of a witness`);
  return { name, publicKey: Uint8Array.from(publicKey) };
}

/**
 * When a witness cosigned a checkpoint, Unix seconds.
 * @param lines what it answered to add-checkpoint.
 * @throws Error unless its cosignature is among the lines, and verifies.
 */
export function cosignedAt(checkpoint: string, lines: string, { name, publicKey }: WitnessKey): number {
  const keyId = createHash('sha256')
    .update(Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(TYPE), publicKey]))
    .digest()
    .readUInt32BE(0);
  const note = parseNote(Buffer.from(checkpoint + lines));
  const line = note.signatures.find((line) => line.name === name && line.keyId === keyId);
  if (line === undefined) throw new Error(`${name} has not cosigned:\n${lines}`);
  const [time, signature] = [line.signature.subarray(0, 8), line.signature.subarray(8)];
  const seconds = Buffer.from(time).readBigUInt64BE();
  const key = createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, publicKey]),
    format: 'der',
    type: 'spki',
  });
  if (!verify(null, Buffer.from(`cosignature/v1\ntime ${seconds}\n${note.text}`), key, signature))
    throw new Error(`the cosignature of ${name} does not verify`);
  return Number(seconds);
}
