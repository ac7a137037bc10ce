/**
 * The command line on a log in a bucket: by `s3://`, by the bucket's URL, and through a daemon that redirects readers
 * to the bucket.
 */
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { publishBucket } from '../support/s3-server.js';
import { describeWithS3 } from '../support/with-s3.js';
import { expectCase, expectEnded, jsonOf, startStub, User, type Environment } from '../support/cli.js';

describeWithS3('a log in a bucket', (server) => {
  let user: User;
  let daemon: Daemon;
  let vkey: string;
  /** The log's place as `s3://`, and its URL in the bucket. */
  let place: string;
  let url: string;
  let reach: string[];

  beforeAll(async () => {
    const { endpoint, environment } = server;
    const bucket = await server.newBucket();
    place = `s3://${bucket}/logs/one`;
    url = `${await publishBucket(server, bucket)}/logs/one`;
    reach = ['--s3-endpoint', endpoint, '--s3-path-style'];
    user = (await User.create()).other('home', environment);
    const flags = ['--store', `${place}/`, ...reach, '--read-url', url, '--batch-age', '50ms'];
    daemon = await startDaemon(user.file('data'), flags, environment);
    vkey = daemon.verifierKey;
    user.openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'key.pem');
    user.openssl('pkey', '-in', 'key.pem', '-pubout', '-out', 'key.pub');
    await user.write('a.txt', 'an artifact\n');
    // The daemon redirects the reads of an upload.
    expectEnded(await user.run(['trust', '--pin', daemon.url]), { code: 0, stdout: /^Pinned: +http:/m });
    expectEnded(await user.run(['upload', '--key', 'key.pem', '--artifact', 'a.txt']), {
      code: 0,
      stdout: /^Entry at index 0 of 127\.0\.0\.1/m,
    });
  });

  afterAll(async () => {
    await daemon.stop();
    await user.remove();
  });

  /** The places by which a command that reads is given the log. */
  const at = (where: string, timeout = '5s') => [
    ...['--rekor_server', where, '--vkey', vkey, '--retry', '0', '--timeout', timeout],
  ];

  /** Commands that read, with their output. */
  const READS: Readonly<Record<string, readonly [readonly string[], RegExp]>> = {
    fsck: [
      ['fsck'],
      /: [12] entr(y|ies) of 127\.0\.0\.1, root [0-9a-f]{64}\n.*\nevery file of the tree of \d+ is right$/m,
    ],
    loginfo: [['loginfo'], /^Active Tree Size: +[12]$/m],
    get: [['get', '--log-index', '0'], /"hashedRekordV002"/],
    verify: [
      [
        'verify',
        '--artifact',
        'a.txt',
        '--signature',
        'a.sig',
        '--public-key',
        'key.pub',
        '--log-index',
        '0',
      ],
      /^Verified$/m,
    ],
    logproof: [['logproof', '--first-size', '1'], /[0-9a-f]{64}/],
  };

  describe.concurrent.each(Object.entries(READS))('%s', (name, [args, stdout]) => {
    beforeAll(async () => {
      if (name !== 'verify') return;
      const bundle = JSON.parse(await user.read('a.txt.sigstore.json')) as {
        messageSignature: { signature: string };
      };
      await user.write('a.sig', Buffer.from(bundle.messageSignature.signature, 'base64'));
    });

    it('by s3://, in a pipe and in a terminal', () =>
      expectCase(user.other(`${name} by s3`, server.environment), {
        args: [...args, ...at(place), ...reach],
        code: 0,
        stdout,
      }));

    it("by the bucket's address, and through the daemon, without credentials", async () => {
      for (const where of [url, daemon.url]) {
        const ended = await user.other(`${name} by http`).run([...args, ...at(where)]);
        expectEnded(ended, { code: 0, stdout });
      }
    });
  });

  it('settings come from the environment and a file as well', async () => {
    const { endpoint, environment } = server;
    const reader = user.other('settings', environment);
    const here = { STELE_S3_ENDPOINT: endpoint, STELE_S3_PATH_STYLE: 'true', STELE_S3_REGION: 'us-east-1' };
    expectEnded(await reader.run(['loginfo', ...at(place)], here), { code: 0, stdout: /^Active Tree/m });
    await user.write('s3.json', JSON.stringify({ 's3-endpoint': endpoint, 's3-path-style': true }));
    expectEnded(await reader.run(['loginfo', ...at(place), '--config', 's3.json']), {
      code: 0,
      stdout: /^Active Tree/m,
    });
  });

  it('one checkpoint is remembered for all of its addresses', async () => {
    const reader = user.other('remembering', server.environment);
    for (const where of [place, url, daemon.url])
      expectEnded(await reader.run(['loginfo', ...at(where), ...reach]), {
        code: 0,
        stdout: /^Active Tree/m,
      });
    expect(await readdir(user.file('remembering', 'state', 'stele', 'heads'))).toStrictEqual([
      '127.0.0.1.checkpoint',
    ]);
  });

  it('is pinned by s3://, and read by the pin from then on', async () => {
    const reader = user.other('pinning', server.environment);
    expectEnded(await reader.run(['trust', '--pin', `${place}/`, ...reach]), {
      code: 0,
      stdout: new RegExp(`^Pinned: +${place}\nOrigin: +127\\.0\\.0\\.1\nKey: +127\\.0\\.0\\.1\\+`, 'm'),
    });
    const info = await reader.run(['loginfo', ...reach, '--format', 'json']);
    expect(info.code, info.stderr).toBe(0);
    expectEnded(await reader.run(['fsck', place, ...reach]), {
      code: 0,
      stdout: /every file of the tree of \d+ is right$/m,
    });
    const trust = await reader.run(['trust', place, '--output', 'trust-s3', ...reach, '--format', 'json']);
    expect(jsonOf(trust)).toMatchObject({ logs: [daemon.url] });
    // Only the daemon takes entries.
    expectEnded(await reader.run(['upload', '--key', 'key.pem', '--artifact', 'a.txt', ...reach]), {
      code: 2,
      stderr: /entries are sent to a URL with http:\/\/ or https:\/\/, not to s3:\/\//,
    });
  });

  it('takes no entries by s3://', () =>
    expectCase(user, {
      args: ['upload', '--key', 'key.pem', '--artifact', 'a.txt', ...at(place), ...reach],
      code: 2,
      stderr:
        /^stele: --rekor_server: entries are sent to a URL with http:\/\/ or https:\/\/, not to s3:\/\//m,
    }));

  describe.concurrent('cannot be reached', () => {
    it.each(['fsck', 'loginfo', 'get', 'verify', 'logproof'] as const)(
      'by %s, where nobody listens',
      async (name) => {
        const args = [...(READS[name]?.[0] ?? []), ...at(place), '--s3-endpoint', 'http://127.0.0.1:1'];
        expectEnded(await user.run(args), {
          code: 3,
          stderr:
            /^stele: s3:\/\/\S+ at http:\/\/127\.0\.0\.1:1: get logs\/one\/checkpoint: connect ECONNREFUSED/,
        });
      },
    );

    const REASONS: readonly [string, () => string, Environment, number, RegExp][] = [
      [
        'without a log',
        () => place.replace('one', 'none'),
        {},
        3,
        /s3:\/\/\S+\/none: there is no checkpoint: no log is here/,
      ],
      ['without a bucket', () => 's3://no-such-bucket', {}, 3, /answers 404 NoSuchBucket: /],
      [
        'with other credentials',
        () => place,
        { AWS_SECRET_ACCESS_KEY: 'another' },
        3,
        /answers 403 SignatureDoesNotMatch: /,
      ],
      [
        'without credentials',
        () => place,
        { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_EC2_METADATA_DISABLED: 'true' },
        3,
        /there are no credentials \(AWS_ACCESS_KEY_ID/,
      ],
    ];
    it.each(REASONS)('%s', async (_, where, environment, code, stderr) => {
      const ended = await user.run(['loginfo', ...at(where()), ...reach, '--format', 'json'], environment);
      expect(ended.stderr).toMatch(stderr);
      expect(jsonOf(ended)).toStrictEqual({ error: { code, message: ended.stderr.slice(7, -1) } });
      expect(ended.code).toBe(code);
    });

    it('where there is no region, on AWS', async () => {
      const ended = await user.run(['loginfo', ...at('s3://bucket')], { AWS_REGION: '' });
      expectEnded(ended, { code: 2, stderr: /: give the region, by --s3-region or AWS_REGION$/m });
    });

    it('from a server that hangs, or answers with a page', async () => {
      const hanging = await startStub(() => undefined);
      const page = await startStub((_request, response) => response.end('<html>sign in</html>'));
      const to = (stub: { url: string }) => ['--s3-endpoint', stub.url, '--s3-path-style'];
      try {
        const late = await user.run(['loginfo', ...at(place, '500ms'), ...to(hanging)]);
        expectEnded(late, { code: 3, stderr: /: no whole answer within 0\.5 s$/m });
        const ended = await user.run(['loginfo', ...at(place), ...to(page)]);
        expectEnded(ended, { code: 3, stderr: /: the answer has no body, or no ETag$/m });
      } finally {
        hanging.close();
        page.close();
      }
    });
  });

  it.each([
    ['s3://', /"s3:\/\/" is not s3:\/\/BUCKET/],
    ['s3://Bucket', /is not s3:\/\/BUCKET/],
    ['s3://bucket/../x', /is not s3:\/\/BUCKET/],
    ['S3://bucket', /a log is read by http:\/\/, https:\/\/, s3:\/\/ or a folder/],
    ['gs://bucket', /a log is read by http:\/\/, https:\/\/, s3:\/\/ or a folder/],
  ])('is not at %s', async (where, stderr) => {
    expectEnded(await user.run(['loginfo', ...at(where), ...reach]), { code: 2, stderr });
  });

  it.each([
    [['--s3-endpoint', 'nowhere'], /^stele: --s3-endpoint: "nowhere" is not an http or https URL/],
    [['--s3-region', 'us east'], /^stele: --s3-region: "us east" is not a region/],
    [['--s3-path-style=yes'], /--s3-path-style/],
  ])('is not reached by %j', async (flags, stderr) => {
    expectEnded(await user.run(['loginfo', ...at(place), ...flags]), { code: 2, stderr });
  });
});
