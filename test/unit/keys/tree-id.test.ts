import { describe, expect, it } from 'vitest';
import { treeIdOf } from '#src/keys/tree-id.js';

describe('a tree id', () => {
  // By hashlib of Python: int.from_bytes(sha256(log_id).digest()[:8], 'big') & (2**63 - 1)
  it.each([
    [Buffer.alloc(32), 7379282877061709175n],
    [Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 7137586562153591654n],
    // The digest's top bit is set.
    [Buffer.alloc(32, 0xff), 3428949564075434847n],
  ])('is of the hash of the log id, in 63 bits: %#', (logId, treeId) => {
    expect(treeIdOf(logId)).toBe(treeId);
  });
});
