/**
 * Tests that need an S3 server.
 * @module
 */
import { afterAll, describe, it } from 'vitest';
import { messageOf } from '#src/errors.js';
import { findS3Server, startS3Server, type S3Server } from './s3-server.js';

/**
 * A `describe` whose tests have an S3 server of their own. The server's program is installed while tests are collected,
 * when no test's time limit runs. Where that fails, a single test stands for all: it is skipped with the reason, or
 * fails under `CI=true`.
 * @param fn registers the tests. `server` runs already, and its credentials are in the environment.
 */
export function describeWithS3(title: string, fn: (server: S3Server) => Promise<void> | void): void {
  describe(title, async () => {
    try {
      await findS3Server();
    } catch (error) {
      it('needs an S3 server', ({ skip }) => {
        if (process.env['CI'] === 'true') throw error;
        skip(`there is no S3 server, and none can be installed: ${messageOf(error)}`);
      });
      return;
    }
    const server = await startS3Server();
    Object.assign(process.env, server.environment);
    afterAll(() => server.stop());
    try {
      await fn(server);
    } catch (error) {
      await server.stop();
      throw error;
    }
  });
}
