/**
 * SHA-256 by node:crypto, for where speed counts.
 * @module
 */
import { hash } from 'node:crypto';
import type { Sha256 } from '../../tiles-spec/index.js';

/** By way of a latin1 string, which costs a third of asking `hash` for a Buffer. */
export const opensslSha256: Sha256 = (data) => Buffer.from(hash('sha256', data, 'binary'), 'binary');
