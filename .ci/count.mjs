// Prints every skipped test and every failed one, then the one line that counts what ran: the tests in the reports, and
// the steps. The failed come last, so that the end of a long output says what to look at.
//
//     node .ci/count.mjs REPORTS STEPS_PASSED STEPS_FAILED
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const LINES_OF_A_FAILURE = 6;

const [folder, stepsPassed, stepsFailed] = process.argv.slice(2);
let passed = Number(stepsPassed);
let failed = Number(stepsFailed);
const skipped = [];
const failures = [];
for (const name of readdirSync(folder)) {
  const report = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  for (const file of report.testResults) {
    const where = `${name}, ${relative(process.cwd(), file.name)}`;
    // A file that could not be loaded has no tests, and a message of its own.
    if (file.status === 'failed' && file.assertionResults.length === 0) {
      failed += 1;
      failures.push(failure(where, 'the file itself', file.message));
    }
    for (const { fullName, status, failureMessages } of file.assertionResults) {
      if (status === 'failed') failures.push(failure(where, fullName, (failureMessages ?? []).join('\n')));
      else if (status !== 'passed') skipped.push(`${status} (${where}): ${fullName}`);
    }
  }
}
for (const line of [...skipped, ...failures]) console.log(line);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function failure(where, test, message) {
  const lines = message.split('\n').slice(0, LINES_OF_A_FAILURE);
  return [`failed (${where}): ${test}`, ...lines.map((line) => `    ${line}`)].join('\n');
}
