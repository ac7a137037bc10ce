/**
 * Base64 by Node's Buffer, for where speed counts.
 * @module
 */
import type { Base64Encoder } from '../../tiles-spec/base64.js';

/** A view of the bytes is encoded: `Buffer.from(bytes)` would copy them first. */
export const bufferBase64: Base64Encoder = ({ buffer, byteOffset, length }) =>
  Buffer.from(buffer, byteOffset, length).toString('base64');
