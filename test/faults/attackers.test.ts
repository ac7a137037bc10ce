/**
 * Good submissions beside attackers that send what is dear, as fast as they can, from processes of their own. The
 * bounds are wide, and relative: the machine may be busy with other tests. `bench/attackers.ts` has the figures.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { measure, type Measured } from '#bench/under-attack.js';

/** The most memory that the daemon may ever hold, in MB. */
const MOST_MEMORY = 700;

describe('good submissions', () => {
  const measured = (attack: string) => measure(join(process.cwd(), 'dist', 'cli', 'main.js'), attack, 50, 5);
  let calm: Measured;

  beforeAll(async () => {
    calm = await measured('none');
  });

  it.each(['many fields', 'large envelope', 'P-521', 'hold'])('beside attackers: %s', async (attack) => {
    const { logged, peak } = await measured(attack);
    // Each of eight attackers takes as much of two processors as the good client may.
    expect(logged).toBeGreaterThan(calm.logged / 5);
    if (process.platform === 'linux') expect(peak).toBeLessThan(MOST_MEMORY);
  });
});
