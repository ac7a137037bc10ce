/**
 * `stele get`, `loginfo`, `logproof` and `fsck`: of a log that runs, of folders, and of logs that are not what they
 * were.
 */
import { cp, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LogKey } from '#src/keys/node/log-key.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { encodeHex, leafHash, openCheckpoint } from '#tiles-spec/index.js';
import { answerSchema } from '../../support/answer-schema.js';
import {
  expectCase,
  expectEnded,
  jsonOf,
  serveAsTheyLie,
  startLoggedUser,
  User,
  type Environment,
  type LoggedUser,
} from '../../support/cli.js';
import { folderPlace } from '../../support/log-place.js';
import { changed, fileOf, makeLog, ORIGIN, type MadeLog } from '../../support/fsck.js';

const HASH = '[0-9a-f]{64}';

let logged: LoggedUser;

beforeAll(async () => {
  logged = await startLoggedUser();
  const more = await logged.user.run(['upload', '--key', 'key.pem', '--artifact', 'other.txt']);
  expect(more.code, more.stderr).toBe(0);
});

afterAll(() => logged.stop());

describe.concurrent('a log that runs', () => {
  it.each([
    [
      ['get', '--log-index', '0'],
      new RegExp(
        `^LogID: ${HASH}\nIndex: 0\nIntegratedTime: \\S+Z \\(the writer's word\\)\nUUID: ${HASH}\nBody: \\{[^]*\n\\}\nProved: in the tree of \\d+ entries that 127\\.0\\.0\\.1 signed\n`,
        'm',
      ),
    ],
    [
      ['loginfo'],
      /^Verification Successful!\nLog: +http:\S+\nOrigin: +127\.0\.0\.1\nActive Tree Size: +\d+\n/m,
    ],
    [
      ['logproof', '--first-size', '1', '--last-size', '2'],
      new RegExp(
        `^Current Root Hash: ${HASH}\nHashes: \\[${HASH}\\]\nVerified: the tree of 2 begins with that of 1`,
        'm',
      ),
    ],
    [
      ['fsck'],
      /^http:\S+: \d+ entries of 127\.0\.0\.1, root \S+\nsequenced from \S+Z to \S+Z\nevery file of the tree of \d+ is right\n/m,
    ],
    [['fsck', 'data'], /^data: \d+ entries of 127\.0\.0\.1/m],
    [['fsck', '--no-times', 'data'], /^data: .*\nevery file of the tree of \d+ but the times is right$/m],
  ] as const)('%j', async (args, stdout) => {
    await expectCase(logged.user, { args, code: 0, stdout });
  });

  it.each([
    [
      ['get', '--log-index', '0'],
      ['LogID', 'LogIndex', 'IntegratedTime', 'UUID', 'Body', 'TreeSize', 'RootHash', 'Hashes'],
    ],
    [
      ['loginfo'],
      ['ActiveTreeSize', 'TotalTreeSize', 'RootHash', 'TreeID', 'Origin', 'LogID', 'ConsistentWith'],
    ],
    [
      ['logproof'],
      [
        ...['FirstSize', 'LastSize', 'FirstRootHash', 'RootHash', 'Hashes'],
        ...['ConsistencyProof', 'Checkpoint'],
      ],
    ],
    [
      ['fsck', 'data'],
      ['ok', 'origin', 'size', 'rootHash', 'first', 'last'],
    ],
    [['version'], ['version', 'node', 'platform']],
  ] as const)('%j in JSON', async (args, names) => {
    const ended = await logged.user.run([...args, '--format', 'json']);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(Object.keys(jsonOf(ended))).toStrictEqual(names);
  });

  it('is proved to a witness by hashes in base64, and by the checkpoint that they lead to', async () => {
    const { user, daemon } = logged;
    const proof = async (...flags: string[]) =>
      jsonOf(await user.run(['logproof', ...flags, '--format', 'json']));
    const newest = await proof('--first-size', '1');
    const { Hashes, ConsistencyProof, Checkpoint, LastSize } = newest;
    const decoded = (ConsistencyProof as string[]).map((hash) => Buffer.from(hash, 'base64').toString('hex'));
    expect(decoded).toStrictEqual(Hashes);
    expect(decoded).not.toStrictEqual([]);
    const { size } = openCheckpoint(encodeText(Checkpoint as string), daemon.verifier);
    expect(size).toBe(LastSize);
    // Nobody has signed the smaller trees that are asked for, or their checkpoints are gone.
    expect(await proof('--last-size', '1')).toMatchObject({ LastSize: 1, Checkpoint: null });
  });

  it('is fsckable where bundles are served as they lie, with a warning for the sake of other readers', async () => {
    const { user, data, daemon } = logged;
    const asTheyLie = await serveAsTheyLie(join(data, 'store'));
    const stderr =
      /^stele: warning: http:\S+\/tile\/entries\/000\.p\/\d+ is gzip, and is served without Content-Encoding: gzip\. /m;
    const args = ['fsck', asTheyLie.url, '--vkey', 'data/log.vkey'];
    await expectCase(user, { args, code: 0, stdout: /^every file of the tree of \d+ is right$/m, stderr });
    asTheyLie.close();
    // Neither a folder nor a server that sends the header is complained of.
    for (const place of [daemon.url, 'data'])
      expectEnded(await user.run(['fsck', place]), {
        code: 0,
        stdout: /^every file of the tree of \d+ is right$/m,
      });
  });

  it('finds an entry by its leaf hash and by Rekor\u2019s id, and says so where there is none', async () => {
    const { user } = logged;
    const entry = jsonOf(await user.run(['get', '--log-index', '1', '--format', 'json']));
    const { TreeID } = jsonOf(await user.run(['loginfo', '--format', 'json']));
    const leaf = String(entry['UUID']);
    const id = BigInt(String(TreeID)).toString(16).padStart(16, '0') + leaf;
    for (const uuid of [leaf, id.toUpperCase()]) {
      const found = jsonOf(await user.run(['get', '--uuid', uuid, '--format', 'json']));
      expect(found['LogIndex']).toBe(1);
    }
    const both = ['get', '--uuid', leaf, '--log-index'];
    expect((await user.run([...both, '1'])).code).toBe(0);
    expectEnded(await user.run([...both, '0']), {
      code: 1,
      stderr: /^stele: entry 0 of .* has the leaf hash/,
    });
    const none = ['get', '--uuid', '00'.repeat(32)];
    await expectCase(user, {
      args: none,
      code: 1,
      stderr: /^stele: \S+ has \d+ entries, none with the leaf hash 0+$/m,
    });
    const beyond = ['get', '--log-index', '999'];
    await expectCase(user, {
      args: beyond,
      code: 1,
      stderr: /^stele: there is no entry 999: the log has \d+ entr\w+, the first at index 0$/m,
    });
  });

  it('is asked for an entry as Sigstore has it, and for proofs that stand alone', async () => {
    const { user } = logged;
    const tle = jsonOf(await user.run(['get', '--log-index', '1', '--format', 'tle']));
    expect(answerSchema.parse(tle).logIndex).toBe('1');
    for (const file of ['kept.tlog-proof', 'kept.json']) {
      const got = await user.run(['get', '--log-index', '1', '--proof', file]);
      expectEnded(got, { code: 0, stdout: new RegExp(`^Wrote ${file.replace('.', '\\.')}$`, 'm') });
      // Without the log, by somebody who has its key alone.
      const reader = user.other(`reader of ${file}`);
      const offline = ['verify', file, '--artifact', 'other.txt', '--public-key', 'key.pub'];
      expectEnded(await reader.run([...offline, '--vkey', logged.daemon.verifierKey]), {
        code: 0,
        stdout: /^Verified$/m,
      });
    }
  });

  it('is refused by another key', async () => {
    const key = (await logged.user.run(['keygen', '--origin', '127.0.0.1', '--key', 'x.key'])).stdout.split(
      '\n',
    )[0];
    for (const args of [
      ['loginfo'],
      ['get', '--log-index', '0'],
      ['logproof'],
      ['upload', '--key', 'key.pem', '--artifact', 'a.txt', '--output', 'x'],
    ]) {
      const ended = await logged.user
        .other('stranger')
        .run([...args, '--rekor_server', logged.daemon.url, '--vkey', key ?? '']);
      expectEnded(ended, {
        code: 1,
        stderr: /^stele: (\S+(?:\/| )checkpoint: |the entry is of the log "127\.0\.0\.1" with id)/,
      });
    }
    const fsck = ['fsck', logged.daemon.url, '--vkey', key ?? ''];
    await expectCase(logged.user.other('stranger'), {
      args: fsck,
      code: 1,
      stdout: /^WRONG checkpoint$/m,
      stderr: /^stele: http:\S+\/checkpoint: no signature of /m,
    });
  });
});

describe.concurrent('a log that is wrong', () => {
  let user: User;
  let log: MadeLog;
  let key: LogKey;

  beforeAll(async () => {
    user = await User.create();
    key = await LogKey.create(user.file('log.key'));
    log = await makeLog(folderPlace(user.file('right')), [100, 300, 700], key);
  });

  afterAll(() => user.remove());

  /** A copy of the log with one file that is wrong; undefined takes it away. */
  async function damaged(name: string, path: string, bytes: Uint8Array | undefined): Promise<string> {
    await cp(log.place.name, user.file(name), { recursive: true });
    if (bytes === undefined) await rm(user.file(name, path));
    else await folderPlace(user.file(name)).write(path, bytes);
    return name;
  }

  const TILE = 'tile/0/001';

  it('is named by its first file that is wrong, and how', async () => {
    const tile = await damaged('tampered', TILE, changed(fileOf(log, TILE), 40, 1));
    const fsck = ['fsck', tile, '--vkey', log.verifierKey];
    await expectCase(user, {
      args: fsck,
      code: 1,
      stdout: /^WRONG tile\/0\/001$/m,
      stderr: /^stele: tile\/0\/001 is not the tile of the tree of 700$/m,
    });
    const json = await user.run([...fsck, '--format', 'json']);
    const message = 'tile/0/001 is not the tile of the tree of 700';
    expect(json.stderr).toBe(`stele: ${message}\n`);
    expect(jsonOf(json)).toStrictEqual({ ok: false, path: TILE, error: { code: 1, message } });
    const bundle = await damaged('missing', 'tile/entries/001', undefined);
    expectEnded(await user.run(['fsck', bundle, '--vkey', log.verifierKey]), {
      code: 1,
      stdout: /^WRONG tile\/entries\/001$/m,
      stderr: /^stele: the log has no tile\/entries\/001$/m,
    });
  });

  it('is refused by get, verify and logproof where they meet the file', async () => {
    const tile = await damaged('met', TILE, changed(fileOf(log, TILE), 40, 1));
    const flags = ['--rekor_server', tile, '--vkey', log.verifierKey];
    for (const args of [
      ['get', '--log-index', '300'],
      ['verify', '--log-index', '300'],
      ['logproof', '--first-size', '300'],
    ]) {
      expectEnded(await user.run([...args, ...flags]), {
        code: 1,
        stderr: /^stele: tile\/0\/001 is not the tile/,
      });
    }
  });

  it('is fsckable without times, which other software does not have', async () => {
    const name = await damaged('timeless', 'tile/times/000', undefined);
    const fsck = ['fsck', name, '--vkey', log.verifierKey];
    expectEnded(await user.run(fsck), {
      code: 1,
      stdout: /^WRONG tile\/times\/000$/m,
      stderr: /^stele: the log has no tile\/times\/000$/m,
    });
    expectEnded(await user.run([...fsck, '--no-times']), {
      code: 0,
      stdout: /^every file of the tree of \d+ but the times is right$/m,
    });
  });

  /** Somebody who has seen the log as it is. */
  async function witness(name: string): Promise<{ who: User; head: string; state: Environment }> {
    const who = user.other(name);
    const info = await who.run(['loginfo', '--rekor_server', 'right', '--vkey', log.verifierKey]);
    expectEnded(info, { code: 0, stdout: /^Consistent with: +nothing: this log was not seen before$/m });
    const state = join(user.file(name), 'state', 'stele', 'heads');
    return { who, head: join(state, `${ORIGIN}.checkpoint`), state: {} };
  }

  it('is found out when it was rolled back, by those who remember', async () => {
    const { who } = await witness('rolled');
    await damaged('rolled-back', 'checkpoint', log.checkpoints.get(300));
    const at = ['--rekor_server', 'rolled-back', '--vkey', log.verifierKey];
    await expectCase(who, {
      args: ['loginfo', ...at],
      code: 1,
      stderr:
        /^stele: fsck\.example has 300 entries, and had 700: .*\. Both checkpoints are in \S+\/rolled\/state\/stele\/heads\/evidence\/\S+: keep them, and ask the log's operator$/m,
    });
    for (const args of [
      ['get', '--log-index', '0'],
      ['logproof'],
      ['fsck'],
      ['verify', '--log-index', '0'],
    ]) {
      expectEnded(await who.run([...args, ...at]), { code: 1, stderr: /has 300 entries, and had 700/ });
    }
    const forgetful = ['loginfo', ...at, '--store_tree_state', 'false'];
    expectEnded(await who.run(forgetful), { code: 0, stdout: /^Consistent with: +nothing/m });
    expectEnded(await who.run(['loginfo', '--rekor_server', 'right', '--vkey', log.verifierKey]), {
      code: 0,
      stdout: /^Consistent with: +the tree of 700 entries seen before$/m,
    });
  });

  it('is found out when it was rolled back, though there is no room for the evidence', async () => {
    const { who, head } = await witness('full');
    await writeFile(join(dirname(head), 'evidence'), 'a file');
    await damaged('rolled-back-again', 'checkpoint', log.checkpoints.get(300));
    expectEnded(
      await who.run(['loginfo', '--rekor_server', 'rolled-back-again', '--vkey', log.verifierKey]),
      {
        code: 1,
        stderr:
          /^stele: fsck\.example has 300 entries, and had 700: .*; and the evidence cannot be kept in \S+: not a directory\. Give another folder with --state/,
      },
    );
  });

  it('is found out when it shows another history, and the evidence is kept', async () => {
    const { who } = await witness('forked');
    const bodyOf = (index: number) => (index === 5 ? 'another entry' : `entry ${index}`);
    const fork = await makeLog(folderPlace(user.file('fork')), [100, 300, 800], key, { bodyOf });
    const ended = await who.run([
      'loginfo',
      '--rekor_server',
      'fork',
      '--vkey',
      fork.verifierKey,
      '--format',
      'json',
    ]);
    expect(ended.code).toBe(1);
    const { error } = jsonOf(ended) as { error: { code: number; message: string } };
    expect(error.message).toMatch(/has signed two histories: its tree of 700 is not the one/);
    const [, folder = ''] = /Both checkpoints are in (\S+): keep them/.exec(error.message) ?? [];
    expect((await readdir(folder)).sort()).toStrictEqual(['seen.checkpoint', 'shown.checkpoint']);
  });

  it('is told from a new one of its name, with the file that is in the way', async () => {
    const { who, head } = await witness('renewed');
    const renewed = await makeLog(
      folderPlace(user.file('renewed-log')),
      [10],
      await LogKey.create(user.file('new.key')),
    );
    const info = ['loginfo', '--rekor_server', 'renewed-log', '--vkey', renewed.verifierKey];
    expectEnded(await who.run(info), {
      code: 1,
      stderr: new RegExp(
        `was seen with another key before: .*, delete ${head.replaceAll('.', '\\.')}\\. .* --state DIR, .*--store_tree_state=false\\. Both checkpoints are in \\S+$`,
        'm',
      ),
    });
    await rm(head);
    expectEnded(await who.run(info), { code: 0, stdout: /^Active Tree Size: +10$/m });
  });

  it('says which file is damaged in what was remembered', async () => {
    const { who, head } = await witness('damaged state');
    await writeFile(head, 'nonsense');
    expectEnded(await who.run(['loginfo', '--rekor_server', 'right', '--vkey', log.verifierKey]), {
      code: 2,
      stderr: new RegExp(`^stele: the checkpoint of ${ORIGIN} that was kept in ${head} is damaged: `),
    });
  });

  it('has neither an entry nor a tree where it is empty', async () => {
    const empty = await makeLog(folderPlace(user.file('empty')), [0], key);
    const flags = ['--rekor_server', 'empty', '--vkey', empty.verifierKey, '--store_tree_state', 'false'];
    expectEnded(await user.run(['get', '--log-index', '0', ...flags]), {
      code: 1,
      stderr: /^stele: there is no entry 0: the log is empty$/m,
    });
    expectEnded(await user.run(['logproof', ...flags]), {
      code: 1,
      stderr: /^stele: the log is empty: there is no tree to prove$/m,
    });
  });

  it('ends with one code where what is asked for is past its end', async () => {
    const flags = ['--rekor_server', 'right', '--vkey', log.verifierKey];
    for (const [args, stderr] of [
      [['get', '--log-index', '700'], /^stele: there is no entry 700: the log has 700 entries, /],
      [['verify', '--log-index', '700'], /^stele: there is no entry 700: the log has 700 entries, /],
      [['logproof', '--last-size', '701'], /^stele: there is no tree of 701: the log has 700 entries$/m],
      [['logproof', '--first-size', '701'], /^stele: there is no tree of 701: the log has 700 entries$/m],
    ] as const)
      expectEnded(await user.run([...args, ...flags]), { code: 1, stderr });
  });

  it('ends with one code where a file cannot be written, of the state or of the output', async () => {
    const get = ['get', '--log-index', '0', '--rekor_server', 'right', '--vkey', log.verifierKey];
    await writeFile(user.file('a-file'), '');
    for (const [more, stderr] of [
      [['--state', 'a-file/x'], /^stele: cannot [a-z ]* in a-file\/x\/\S+: not a directory\. Give/],
      [['--proof', 'a-file/x.json'], /^stele: --proof: cannot write a-file\/x\.json: not a directory$/m],
    ] as const)
      expectEnded(await user.run([...get, ...more]), { code: 2, stderr });
  });

  it('says that of one entry there is one', async () => {
    const single = await makeLog(folderPlace(user.file('single')), [1], key);
    const flags = ['--rekor_server', 'single', '--vkey', single.verifierKey, '--store_tree_state', 'false'];
    expectEnded(await user.run(['fsck', ...flags]), {
      code: 0,
      stdout: /^single: 1 entry of fsck\.example/m,
    });
    const uuid = encodeHex(leafHash(Buffer.from('entry 0')));
    const got = await user.run(['get', '--uuid', uuid, ...flags]);
    expectEnded(got, { code: 1, stderr: /./ });
  });
});
