/* global fetch */
/**
 * One of several processes that read a growing log with one state folder: reads it time and again, and says in JSON
 * which sizes it saw, or what went wrong.
 */
import { openLog } from '#reader/node/index.js';

const { place, options, times } = JSON.parse(process.argv[2]);
const sizes = [];
let failure;
try {
  for (let i = 0; i < times; i++) {
    // Every one sees a log that is larger than the one before.
    await fetch(`${place}/grow`);
    const log = await openLog(place, { ...options, retries: 0 });
    sizes.push((await log.latest()).checkpoint.size);
  }
} catch (error) {
  failure = { name: error.name, code: error.code, message: error.message };
}
process.stdout.write(JSON.stringify({ sizes, failure }));
