/**
 * Good submissions beside attackers, each a process that sends expensive requests as fast as it can. The bounds are
 * wide and relative, since the machine may be busy with other tests. `bench/attackers.ts` measures the exact figures.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { measure, type Measured } from '#bench/under-attack.js';

/** The daemon's memory limit at its peak, in MB. */
const MOST_MEMORY = 700;

describe('good submissions', () => {
  const measured = (attack: string) => measure(join(process.cwd(), 'dist', 'cli', 'main.js'), attack, 50, 5);
  let calm: Measured;

  beforeAll(async () => {
    calm = await measured('none');
  });

  it.each(['many fields', 'large envelope', 'P-521', 'hold'])('beside attackers: %s', async (attack) => {
    const { logged, peak } = await measured(attack);
    // Eight attackers and the good client share two processors, each with as much as the others.
    expect(logged).toBeGreaterThan(calm.logged / 5);
    if (process.platform === 'linux') expect(peak).toBeLessThan(MOST_MEMORY);
  });
});
