/**
 * Measures the effect of each kind of attack on 200 good submissions a second, all on this machine:
 * `node dist/bench/attackers.js [MAIN [ATTACK...]]`. MAIN is the `dist/cli/main.js` of another build, to compare.
 * @module
 */
import { fileURLToPath } from 'node:url';
import { KINDS, measure } from './under-attack.js';

const PER_SECOND = 200;
const SECONDS = 10;

const [main = fileURLToPath(new URL('../cli/main.js', import.meta.url)), ...only] = process.argv.slice(2);
console.log('attack                     p50 ms   p99 ms   logged  refused  peak MB  unhealthy');
for (const attack of only.length > 0 ? only : Object.keys(KINDS)) {
  const { p50, p99, logged, refused, peak, unhealthy } = await measure(main, attack, PER_SECOND, SECONDS);
  const columns = [p50.toFixed(0), p99.toFixed(0), logged, refused, peak.toFixed(0)].map((value) =>
    String(value).padStart(8),
  );
  console.log(`${attack.padEnd(24)} ${columns.join(' ')} ${unhealthy.padStart(10)}`);
}
