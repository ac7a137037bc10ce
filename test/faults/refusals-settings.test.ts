/**
 * Starts that are refused for the operator's settings: a key, an expected checkpoint, a log that does not exist, a
 * wrong clock.
 */
import { generateKeyPairSync } from 'node:crypto';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ConfigurationError, UnavailableError } from '#src/errors.js';
import { LogKey } from '#src/keys/node/log-key.js';
import { FolderStore } from '#src/store/folder.js';
import { parseTimes } from '#tiles-spec/index.js';
import { startDaemon } from '../support/daemon.js';
import { log } from '../support/http.js';
import { entry, filesIn, Folders, grow, refused, withWriter } from '../support/refused-start.js';
import { listenOnFreePort } from '../support/free-port.js';

const folders = new Folders();
/** A log of 2 entries, the same log at 4, another that grew from 2 to 4, and one of another key. */
let old: string, current: string, fork: string, other: string;

beforeAll(async () => {
  [old, other] = [await folders.make(), await folders.make()];
  await grow(old, 2);
  await grow(other, 2);
  [current, fork] = [await folders.copy(old), await folders.copy(old)];
  await grow(current, 2);
  await grow(fork, 2);
});

afterAll(() => folders.remove());

/** A start on a log's folder that is refused, and changes nothing in the folder. */
async function refusedUnchanged(data: string, code: 1 | 2, ...args: readonly string[]): Promise<string> {
  const before = await filesIn(data);
  const message = await refused(data, code, ...args);
  expect(await filesIn(data)).toStrictEqual(before);
  return message;
}

/** A start that succeeds. Returns the index of the next entry. */
async function starts(data: string, ...args: readonly string[]): Promise<number> {
  const daemon = await startDaemon(data, args);
  try {
    return Number((await log(daemon.url)).logIndex);
  } finally {
    expect(await daemon.stop(), daemon.log()).toBe(0);
  }
}

describe.concurrent('a key file', () => {
  it('that others can read', async () => {
    const data = await folders.copy(current);
    await chmod(join(data, 'log.key'), 0o644);
    expect(await refusedUnchanged(data, 2)).toMatch(
      /^the key file \S+log\.key can be read or written by others \(mode 644\): chmod 600 \S+log\.key$/,
    );
    await chmod(join(data, 'log.key'), 0o600);
    expect(await grow(data, 1)).toStrictEqual([4]);
  });

  it('that is missing', async () => {
    const data = await folders.copy(current);
    await rm(join(data, 'log.key'));
    expect(await refusedUnchanged(data, 1)).toMatch(
      /^there is no key file \S+log\.key, and there is a log already: give the right --data, or the log's own key/,
    );
  });

  it('that is missing where --key says it is, for a new log', async () => {
    const data = await folders.make();
    const message = await refused(data, 2, '--key', join(data, 'none.key'));
    expect(message).toMatch(/^there is no key file \S+none\.key/);
    expect(existsSync(join(data, 'log.key'))).toBe(false);
  });

  const pem = { type: 'pkcs8', format: 'pem' } as const;
  it.each([
    [
      'of ECDSA',
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pem),
      /^the key in \S+ is ec; a log signs with Ed25519/,
    ],
    [
      'of RSA',
      generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export(pem),
      /^the key in \S+ is rsa; a log signs with Ed25519/,
    ],
    [
      'of X25519',
      generateKeyPairSync('x25519').privateKey.export(pem),
      /is x25519; a log signs with Ed25519/,
    ],
    [
      'of a public key',
      generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }),
      /^\S+ is no private key in PEM that can be used: /,
    ],
    [
      'of cosign',
      '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n',
      /it holds ENCRYPTED SIGSTORE PRIVATE KEY: a log has a key of its own, which stele keygen makes$/,
    ],
    ['of garbage', 'hello', /^\S+ is no private key in PEM that can be used: /],
    ['that is empty', '', /^\S+ is no private key in PEM/],
  ] as const)('%s', async (_, text, message) => {
    const data = await folders.copy(current);
    const file = join(data, 'log.key');
    await writeFile(file, text);
    await expect(LogKey.read(file)).rejects.toThrow(ConfigurationError);
    await expect(LogKey.read(file)).rejects.toThrow(message);
  });

  it('of ECDSA, by the command', async () => {
    const data = await folders.copy(current);
    const ecdsa = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pem);
    await writeFile(join(data, 'log.key'), ecdsa);
    expect(await refusedUnchanged(data, 2)).toMatch(
      /^the key in \S+log\.key is ec; a log signs with Ed25519$/,
    );
  });

  it('that is a folder', async () => {
    await expect(LogKey.read('/tmp')).rejects.toThrow(/^cannot read the key file \/tmp: it is a folder$/);
  });
});

describe.concurrent('where there is no log', () => {
  it.each([['--no-create'], ['--expect-checkpoint']])('%s makes none', async (flag) => {
    const data = join(await folders.make(), 'none');
    const value = flag === '--no-create' ? [] : [join(current, 'store', 'checkpoint')];
    expect(await refused(data, 1, flag, ...value)).toMatch(
      /^there is no staging\.sqlite in \S+none, and --no-create or --expect-checkpoint forbids making a log: give the right --data/,
    );
    expect(existsSync(data)).toBe(false);
  });

  it('--no-create says so of a staging that holds none, too', async () => {
    const data = await folders.make();
    await writeFile(join(data, 'staging.sqlite'), '');
    const key = join(current, 'log.key');
    expect(await refused(data, 1, '--no-create', '--key', key)).toMatch(
      /^there is no log here, in staging or store/,
    );
  });

  it('and with a log, --no-create is nothing', async () => {
    expect(await starts(await folders.copy(current), '--no-create')).toBe(4);
  });
});

describe.concurrent('--expect-checkpoint', () => {
  const checkpointOf = (data: string) => join(data, 'store', 'checkpoint');
  const expectRefused = (data: string, place: string, code: 1 | 2 = 1) =>
    refusedUnchanged(data, code, '--expect-checkpoint', place);

  it('of a newer log, which staging and store were both restored before', async () => {
    expect(await expectRefused(await folders.copy(old), checkpointOf(current))).toMatch(
      /^the store has 2 entries, and the expected checkpoint 4: the store is an old copy\. Restore a newer one\. If there is none, this log has ended/,
    );
  });

  it('of a fork', async () => {
    expect(await expectRefused(await folders.copy(fork), checkpointOf(current))).toMatch(
      /^the log does not extend the expected checkpoint of 4 entries: a fork\. Keep both: they are the evidence/,
    );
  });

  it("of another log's", async () => {
    expect(await expectRefused(await folders.copy(current), checkpointOf(other))).toMatch(
      /^the expected checkpoint is not one of 127\.0\.0\.1 by this log's key: .*Give --expect-checkpoint one of this log/,
    );
  });

  it('of garbage', async () => {
    expect(await expectRefused(await folders.copy(current), join(current, 'log.key'))).toMatch(
      /^the expected checkpoint is not one of 127\.0\.0\.1 by this log's key: note /,
    );
  });

  it('that cannot be read', async () => {
    expect(await expectRefused(await folders.copy(current), join(current, 'none'), 2)).toMatch(
      /^cannot read the checkpoint \S+none: no such file or directory$/,
    );
  });

  it('of the log itself, or what it was', async () => {
    const data = await folders.copy(current);
    expect(await starts(data, '--expect-checkpoint', checkpointOf(current))).toBe(4);
    expect(await starts(data, '--expect-checkpoint', checkpointOf(old))).toBe(5);
  });

  it('by URL', async () => {
    const checkpoint = await readFile(checkpointOf(current));
    const server = createServer((request, response) => {
      if (request.url === '/checkpoint') response.end(checkpoint);
      else response.writeHead(404).end('none');
    });
    const url = `http://127.0.0.1:${await listenOnFreePort(server)}`;
    try {
      const [behind, missing] = await Promise.all([
        expectRefused(await folders.copy(old), `${url}/checkpoint`),
        expectRefused(await folders.copy(old), `${url}/none`, 2),
      ]);
      expect(behind).toMatch(/^the store has 2 entries, and the expected checkpoint 4/);
      expect(missing).toMatch(/^cannot read the checkpoint http:\S+: status 404/);
      const data = await folders.copy(current);
      expect(await starts(data, '--expect-checkpoint', `${url}/checkpoint`)).toBe(4);
    } finally {
      server.close();
    }
    expect(await expectRefused(await folders.copy(old), `${url}/checkpoint`, 2)).toMatch(
      /^cannot read the checkpoint http:\S+: .*ECONNREFUSED/,
    );
  });
});

describe('a clock that was ahead once', () => {
  const RIGHT = Date.UTC(2026, 0, 1);
  const AHEAD = RIGHT + 400 * 86_400_000;

  it('stops entries until its operator accepts the clock, and the log goes on with its last time', async () => {
    const data = await folders.make();
    const now = { now: () => RIGHT };
    const first = entry();
    await withWriter(data, (writer) => writer.submit(first), { now: () => AHEAD });

    await withWriter(
      data,
      async (writer) => {
        const submission = writer.submit(entry());
        await expect(submission).rejects.toThrow(UnavailableError);
        await expect(submission).rejects.toThrow(
          /^the log takes no entries now: the log's last entry is of 2027-02-05/,
        );
        // A repeat is refused too.
        await expect(writer.submit(first)).rejects.toThrow(UnavailableError);
        const fault = await writer.fault();
        expect(fault?.code).toBe('clock');
        expect(fault?.reason).toContain('restart with --accept-clock');
        expect(writer.published.checkpoint.size).toBe(1);
      },
      now,
    );

    await withWriter(
      data,
      async (writer) => {
        expect((await writer.submit(entry())).index).toBe(1);
        expect(await writer.fault()).toBeUndefined();
      },
      { ...now, clock: { accept: true } },
    );
    const times = await new FolderStore(join(data, 'store')).read('tile/times/000.p/2');
    expect(parseTimes(times?.bytes ?? new Uint8Array(), 2)).toStrictEqual([AHEAD, AHEAD]);
  });
});

describe('a clock that jumps', () => {
  it('stops entries that wait too, before anything is sequenced by it', async () => {
    const data = await folders.make();
    const machine = { shown: Date.UTC(2026, 0, 1), steady: 0 };
    const steps: unknown[] = [];
    await withWriter(
      data,
      async (writer) => {
        await writer.submit(entry());
        // The entry is accepted, and not in the queue yet.
        const waiting = writer.submit(entry());
        machine.shown += 86_400_000;
        await expect(waiting).rejects.toThrow(UnavailableError);
        expect((await writer.fault())?.code).toBe('clock');
        expect(writer.published.checkpoint.size).toBe(1);
        machine.shown -= 86_400_000;
        await vi.waitFor(() => {
          expect(writer.published.checkpoint.size).toBe(2);
        }, 10_000);
      },
      {
        now: () => machine.shown,
        clock: { steady: () => machine.steady, onChange: ({ step }) => steps.push(step) },
      },
    );
    expect(steps).toEqual([
      { shown: expect.any(Number) as number, expected: expect.any(Number) as number },
      undefined,
    ]);
  });

  it('back by less than ten minutes is not seen in the log', async () => {
    const data = await folders.make();
    let now = Date.UTC(2026, 0, 1);
    const start = now;
    await withWriter(
      data,
      async (writer) => {
        await writer.submit(entry());
        now -= 599_000;
        await writer.submit(entry());
        now += 599_500;
        await writer.submit(entry());
      },
      { now: () => now },
    );
    const times = await new FolderStore(join(data, 'store')).read('tile/times/000.p/3');
    expect(parseTimes(times?.bytes ?? new Uint8Array(), 3)).toStrictEqual([start, start, start + 500]);
  });
});
