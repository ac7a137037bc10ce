/**
 * Runs suites on a bucket, with its credentials in the environment. Skips them where there is no bucket.
 * @module
 */
import { inject, TestRunner, type RunnerTask, type RunnerTestFile } from 'vitest';
import type { TestBucket } from './log-place.js';

export default class S3Runner extends TestRunner {
  onCollected(files: RunnerTestFile[]): void {
    const bucket = inject('bucket') as TestBucket | undefined;
    if (bucket === undefined) files.forEach(skip);
    else Object.assign(process.env, bucket.environment);
  }
}

function skip(task: RunnerTask): void {
  task.mode = 'skip';
  if (task.type === 'suite') task.tasks.forEach(skip);
}
