/* global fetch */
/**
 * One of several processes that read a growing log with one state folder. Reads the log again and again, and prints as
 * JSON the sizes that it saw, or the error.
 */
import { openLog } from '#reader/node/index.js';

const { place, options, times } = JSON.parse(process.argv[2]);
const sizes = [];
let failure;
try {
  for (let i = 0; i < times; i++) {
    // Each read sees a larger log than the one before.
    await fetch(`${place}/grow`);
    const log = await openLog(place, { ...options, retries: 0 });
    sizes.push((await log.latest()).checkpoint.size);
  }
} catch (error) {
  failure = { name: error.name, code: error.code, message: error.message };
}
process.stdout.write(JSON.stringify({ sizes, failure }));
