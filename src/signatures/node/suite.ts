/**
 * The signature suite of Node: OpenSSL's arithmetic, by way of `node:crypto`.
 * @module
 */
import { hash } from 'node:crypto';
import type { SignatureSuite } from '../suite.js';
import { certificateKey } from './certificate.js';
import { verifySignatures } from './verify.js';

export const nodeSuite: SignatureSuite = {
  digest: (name, message) => hash(name, message, 'buffer'),
  certificateKey,
  verify: verifySignatures,
};
