/**
 * `stele serve` on a bucket whose server misbehaves while the log starts.
 */
import { describe, expect, it, vi } from 'vitest';
import { describeWithS3 } from '../support/with-s3.js';
import { startDaemon, withFolder, type Daemon } from '../support/daemon.js';
import { log } from '../support/http.js';
import { S3Proxy, type Call, type Fault } from '../support/faulty-s3.js';

vi.setConfig({ maxConcurrency: 6 });

/** The first calls test the server's conditional writes, on an object with a new name at each start. */
const isProbe = ({ path }: Call) => path.startsWith('staging/probe-');

const FAULTS = new Map<string, Fault>([
  ['503, not done', { acts: false, answer: 503 }],
  ['done, and reset', { acts: true, answer: 'reset' }],
]);

describeWithS3('stele serve', async (server) => {
  const bucket = await server.newBucket();
  let logs = 0;

  /** Starts the daemon through a proxy, and gives both to `use`. */
  async function withStart(
    fault: (call: Call, number: number) => Fault | undefined,
    use: (start: Promise<Daemon>, proxy: S3Proxy) => Promise<void>,
  ): Promise<void> {
    const prefix = `log-${logs++}/`;
    const proxy = await S3Proxy.start(server.endpoint, {
      bucket,
      prefix,
      fault: (call) => fault(call, proxy.calls.length - 1),
    });
    try {
      await withFolder((data) => use(start(data, prefix, proxy.url), proxy));
    } finally {
      await proxy.stop();
    }
  }

  function start(data: string, prefix: string, endpoint: string): Promise<Daemon> {
    const place = ['--store', `s3://${bucket}/${prefix}`, '--s3-endpoint', endpoint, '--s3-path-style'];
    return startDaemon(data, [...place, '--log-level', 'error'], server.environment);
  }

  /** Requires that a daemon has started, takes an entry, and stops without an error. */
  async function requireWorks(daemon: Daemon): Promise<void> {
    const { inclusionProof } = await log(daemon.url);
    expect(inclusionProof.treeSize).toBe('1');
    expect(await daemon.stop()).toBe(0);
  }

  const calls: Call[] = [];
  await withStart(
    () => undefined,
    async (start, proxy) => {
      await (await start).stop();
      calls.push(...proxy.calls.filter((call) => !isProbe(call)));
    },
  );

  it('asks for these when a log is made', () => {
    expect(calls.map(({ name, status }) => `${name}: ${String(status)}`)).toEqual([
      'read checkpoint: 404',
      'read checkpoint (2): 404',
      'create checkpoint: 200',
      'read checkpoint (3): 200',
      'read checkpoint (4): 200',
      'read staging/0: 404',
      'read trusted_root.json: 404',
      'create trusted_root.json: 200',
      'read trusted_root.json (2): 200',
      'read signing_config.json: 404',
      'create signing_config.json: 200',
      'read signing_config.json (2): 200',
    ]);
  });

  describe.concurrent('on a bucket', () => {
    describe('whose server', () => {
      it('does not answer: exit code 3, and what was asked for how long', async () => {
        await withStart(
          () => ({ acts: false, answer: 'none' }),
          async (start, { calls }) => {
            await expect(start).rejects.toThrow(
              /^stele serve ended with 3:\nstele: s3:\/\/\S+ at http:\S+: get \S+: no whole answer within 5 s\n$/,
            );
            expect(calls).toHaveLength(4);
          },
        );
      });

      it('is not there: exit code 3', async () => {
        const proxy = await S3Proxy.start(server.endpoint, { bucket, prefix: '' });
        await proxy.stop();
        await withFolder(async (data) => {
          await expect(start(data, 'nowhere/', proxy.url)).rejects.toThrow(
            /^stele serve ended with 3:\nstele: s3:\/\/\S+ at http:\S+: get \S+: .*ECONNREFUSED.*\n$/,
          );
        });
      });

      it('is always busy: exit code 3, and what it answered', async () => {
        await withStart(
          () => ({ acts: false, answer: 503 }),
          async (start, { calls }) => {
            await expect(start).rejects.toThrow(
              /^stele serve ended with 3:\nstele: s3:\/\/\S+ at http:\S+: get \S+: the server answers 503 SlowDown: .*\n$/,
            );
            expect(calls).toHaveLength(4);
          },
        );
      });

      it('is busy at first: starts', async () => {
        await withStart(
          (_, number) => (number < 3 ? { acts: false, answer: 503 } : undefined),
          async (start) => {
            await requireWorks(await start);
          },
        );
      });

      it('refuses: exit code 1, and which rights are missing', async () => {
        await withStart(
          () => ({ acts: false, answer: 403 }),
          async (start, { calls }) => {
            await expect(start).rejects.toThrow(
              /^stele serve ended with 1:\nstele: the store does not say whether .* 403 AccessDenied.*s3:GetObject, s3:ListBucket.*\n$/,
            );
            expect(calls).toHaveLength(1);
          },
        );
      });
    });

    describe('starts all the same where one call fails once', () => {
      for (const { name } of calls) {
        for (const [faultName, fault] of FAULTS) {
          it(`${name}: ${faultName}`, async () => {
            let failed = false;
            const failOnce = (call: Call) => {
              if (failed || call.name !== name) return undefined;
              failed = true;
              return fault;
            };
            await withStart(failOnce, async (start, { taken }) => {
              await requireWorks(await start);
              expect(failed).toBe(true);
              expect(taken.paths().filter((path) => path.endsWith('.json'))).toHaveLength(2);
            });
          });
        }
      }
    });
  });
});
