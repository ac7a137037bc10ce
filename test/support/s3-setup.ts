/**
 * The S3 server of a run, with one bucket for the run's logs that anybody may read.
 * @module
 */
import type { TestProject } from 'vitest/node';
import { findS3Server, publishBucket, startS3Server } from './s3-server.js';

/** Starts the server, and stops it at the end. Without a server the suites are skipped, except under CI. */
export default async function setup({
  name,
  provide,
}: TestProject): Promise<(() => Promise<void>) | undefined> {
  try {
    await findS3Server();
  } catch (error) {
    if (process.env['CI'] === 'true') throw error;
    process.stdout.write(
      `${name}: skipped, for there is no S3 server, and none can be installed: ${String(error)}\n`,
    );
    return undefined;
  }
  const server = await startS3Server();
  const bucket = await server.newBucket();
  provide('bucket', {
    endpoint: server.endpoint,
    name: bucket,
    url: await publishBucket(server, bucket),
    environment: server.environment,
  });
  return () => server.stop();
}
