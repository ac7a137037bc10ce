/**
 * The client of rekor-tiles: its writer, its reader, and its verification of entries.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withMirror } from './altered-mirror.js';
import { expectRefusal, expectSuccess, run } from './program.js';
import { startLog, type ServedLog } from './served-log.js';
import { ecdsa, ed25519, rsa } from './signing-keys.js';
import { describeWithTools } from './with-tools.js';

const RANDOMIZED = [
  ['ECDSA P-256', () => ecdsa('P-256')],
  ['ECDSA P-384', () => ecdsa('P-384')],
  ['ECDSA P-521', () => ecdsa('P-521')],
] as const;
/** Of kinds whose signature over the same message is the same. */
const DETERMINISTIC = [
  ['RSA 2048', () => rsa(2048)],
  ['RSA 3072', () => rsa(3072)],
  ['RSA 4096', () => rsa(4096)],
  ['Ed25519ph', ed25519],
] as const;

/** What a mirror of a log changes, the entry that is read from it, and how that is refused. */
const ALTERED = [
  [
    'checkpoint',
    'at the end',
    { path: /^\/checkpoint$/, at: 20 },
    /fetching checkpoint: .*invalid signature/,
  ],
  ['full tile', 'in a full tile', { path: /^\/tile\/0\/000$/, at: 0 }, /calculated root/],
  ['partial tile', 'at the end', { path: /^\/tile\/0\/002\.p\/\d+$/, at: 0 }, /calculated root/],
  ['tile of a higher level', 'at the end', { path: /^\/tile\/1\//, at: 0 }, /calculated root/],
  [
    'bundle',
    'at the end',
    { path: /^\/tile\/entries\/002\.p\/\d+$/, at: -1 },
    /bundle: entry \d+ is another/,
  ],
] as const;

describeWithTools(['rekor-tiles'], 'rekor-tiles', (tools) => {
  let log: ServedLog;
  let otherLog: ServedLog;
  let artifact: string;

  const client = (
    command: string,
    entry: string,
    { url = log.url, logKey = log.publicKey },
    ...args: string[]
  ) => {
    const held = ['-url', url, '-origin', log.origin, '-log-key', logKey, '-entry', entry];
    return run(tools('rekor-tiles'), [command, ...held, ...args], log.folder);
  };
  const newKey = async (name: string, generate: () => string) => {
    const file = join(log.folder, `${name}.key`);
    await writeFile(file, generate());
    return file;
  };
  /** Signs and logs, and verifies the answer. Returns the entry's index. */
  const write = async (key: string, entry: string) => {
    const output = expectSuccess(await client('write', entry, {}, '-signer', key, artifact));
    return Number(/^logged at (\d+)$/m.exec(output)?.[1]);
  };

  beforeAll(async () => {
    [log, otherLog] = await Promise.all([startLog(), startLog()]);
    await log.add(3);
    artifact = join(log.folder, 'artifact');
    await writeFile(artifact, 'an artifact');
  });
  afterAll(() => Promise.all([log.stop(), otherLog.stop()]));

  describe('writes, and verifies the checkpoint and inclusion of the answer', () => {
    it.each(RANDOMIZED)('with a key of %s; again is a new signature and entry', async (kind, generate) => {
      const key = await newKey(kind, generate);
      const size = await log.size();
      expect(await write(key, `${kind}.json`)).toBe(size);
      expect(await write(key, `${kind}.json`)).toBe(size + 1);
    });

    it.each(DETERMINISTIC)('with a key of %s; again is the same entry', async (kind, generate) => {
      const key = await newKey(kind, generate);
      const size = await log.size();
      expect(await write(key, `${kind}.json`)).toBe(size);
      await log.add(1);
      expect(await write(key, `${kind}.json`)).toBe(size);
      expect(await log.size()).toBe(size + 2);
    });

    it("and refuses the answer with another log's key", async () => {
      const key = await newKey('unheld', () => ecdsa('P-256'));
      const held = { logKey: otherLog.publicKey };
      const ended = await client('write', 'unheld.json', held, '-signer', key, artifact);
      expectRefusal(ended, /the answer: unverified checkpoint signature/);
    });
  });

  describe('reads an entry back by checkpoint, tiles and entry bundle', () => {
    const entries = ['in a full tile', 'in a partial tile', 'at the end'] as const;
    beforeAll(async () => {
      const key = await newKey('reading', () => ecdsa('P-256'));
      const [inFull, inPartial, atEnd] = entries;
      await write(key, inFull);
      await log.add(600);
      await write(key, inPartial);
      await log.add(5);
      await write(key, atEnd);
      const size = await log.size();
      expect(size % 256).toBeGreaterThan(7);
    });

    it.each(entries)('%s', async (entry) => {
      const output = expectSuccess(await client('read', entry, {}));
      expect(output).toMatch(/^read entry \d+ in a log of \d+$/m);
      expect(output).toContain(` in a log of ${await log.size()}\n`);
    });

    it("but not with another log's key", async () => {
      const ended = await client('read', 'at the end', { logKey: otherLog.publicKey });
      expectRefusal(ended, /unverified checkpoint signature/);
    });

    it('but not one that was not logged', async () => {
      const answer = JSON.parse(await readFile(join(log.folder, 'at the end'), 'utf8')) as {
        canonicalizedBody: string;
      };
      const body = Buffer.from(answer.canonicalizedBody, 'base64').toString().replace('0.0.2', '0.0.3');
      answer.canonicalizedBody = Buffer.from(body).toString('base64');
      await writeFile(join(log.folder, 'not logged'), JSON.stringify(answer));
      expectRefusal(
        await client('read', 'not logged', {}),
        /the answer: verifying inclusion: calculated root/,
      );
    });

    it.each(ALTERED)(
      'but not from a mirror where one byte of a %s is changed',
      async (_file, entry, altered, words) => {
        await withMirror(log.url, altered, async (url) => {
          expectRefusal(await client('read', entry, { url }), words);
        });
      },
    );
  });
});
