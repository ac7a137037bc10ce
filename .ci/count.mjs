// Prints every skipped test, then the one line that counts what ran: the tests in the reports, and the steps.
//
//     node .ci/count.mjs REPORTS STEPS_PASSED STEPS_FAILED
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, stepsPassed, stepsFailed] = process.argv.slice(2);
let passed = Number(stepsPassed);
let failed = Number(stepsFailed);
for (const name of readdirSync(folder)) {
  const report = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  for (const { fullName, status } of report.testResults.flatMap((file) => file.assertionResults)) {
    if (status !== 'passed' && status !== 'failed') console.log(`${status} (${name}): ${fullName}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
