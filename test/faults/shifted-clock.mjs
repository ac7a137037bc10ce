/**
 * Loaded into a daemon before its own code: shifts the machine's clock by the milliseconds in the file that TEST_CLOCK
 * names.
 */
import { readFileSync } from 'node:fs';

const now = Date.now.bind(Date);
Date.now = () => now() + Number(readFileSync(process.env['TEST_CLOCK'], 'utf8'));
