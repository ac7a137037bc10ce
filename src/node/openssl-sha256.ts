/**
 * SHA-256 by node:crypto, for where speed counts.
 * @module
 */
import { hash } from 'node:crypto';
import type { Sha256 } from '../../tiles-spec/index.js';

/** A third of the cost of asking for a Buffer: the digest as a binary (latin1) string, written back into bytes. */
export const opensslSha256: Sha256 = (data) => Buffer.from(hash('sha256', data, 'binary'), 'binary');
