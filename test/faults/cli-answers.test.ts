/**
 * `stele upload` verifies a log's answer: whatever is changed in the answer, it exits with 1 and writes no bundle.
 */
import { cp, rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { text } from 'node:stream/consumers';
import {
  expectCase,
  expectEnded,
  startLoggedUser,
  startStub,
  User,
  type LoggedUser,
  type Stub,
} from '../support/cli.js';
import { startDaemon, type Daemon } from '../support/daemon.js';

interface Answer {
  logIndex: string;
  logId: { keyId: string };
  kindVersion: { kind: string; version: string };
  integratedTime: string;
  inclusionPromise: unknown;
  inclusionProof: {
    logIndex: string;
    rootHash: string;
    treeSize: string;
    hashes: string[];
    checkpoint: { envelope: string };
  } | null;
  canonicalizedBody: string;
}

let logged: LoggedUser;
let otherUser: User;
/** Another log of the same name, with another key. */
let other: Daemon;
/** Passes requests on to the log, and changes its answers. The first part of the path names the change. */
let proxy: Stub;

beforeAll(async () => {
  logged = await startLoggedUser();
  otherUser = await User.create();
  other = await startDaemon(otherUser.file('data'));
  proxy = await startStub((request, response) => {
    const [, change = '', ...path] = (request.url ?? '').split('/');
    void (async () => {
      if (request.method === 'GET') {
        const read = await fetch(`${logged.daemon.url}/${path.join('/')}`);
        response.writeHead(read.status).end(Buffer.from(await read.arrayBuffer()));
        return;
      }
      const body = await text(request);
      const submit = (url: string) =>
        fetch(`${url}/${path.join('/')}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        });
      const answer = (await (await submit(logged.daemon.url)).json()) as Answer;
      const changed = await CHANGES[decodeURIComponent(change)]?.(answer, async () => {
        return (await (await submit(other.url)).json()) as Answer;
      });
      response.writeHead(201, { 'content-type': 'application/json' });
      response.end(typeof changed === 'string' ? changed : JSON.stringify(changed ?? answer));
    })();
  });
});

afterAll(async () => {
  proxy.close();
  await other.stop();
  await otherUser.remove();
  await logged.stop();
});

type Change = (answer: Answer, fromOther: () => Promise<Answer>) => unknown;

const proofOf = ({ inclusionProof }: Answer) => {
  if (inclusionProof === null) throw new Error('the answer has no proof');
  return inclusionProof;
};

/** The base64 of the same bytes with the first one changed. */
function flipped(base64 = ''): string {
  const bytes = Buffer.from(base64, 'base64');
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return bytes.toString('base64');
}

const CHANGES: Readonly<Record<string, Change>> = {
  'nothing at all': () => undefined,
  'the digest in its body': (answer) => {
    const body = Buffer.from(answer.canonicalizedBody, 'base64').toString();
    const changed = body.replace(/"digest":"[^"]*"/, `"digest":"${Buffer.alloc(32).toString('base64')}"`);
    answer.canonicalizedBody = Buffer.from(changed).toString('base64');
  },
  'its index': (answer) => {
    answer.logIndex = proofOf(answer).logIndex = '0';
  },
  'the index outside of its proof': (answer) => {
    answer.logIndex = '0';
  },
  'a hash of its proof': (answer) => {
    proofOf(answer).hashes[0] = flipped(proofOf(answer).hashes[0]);
  },
  'its proof, left out': (answer) => {
    answer.inclusionProof = null;
  },
  'its hashes, left out': (answer) => {
    proofOf(answer).hashes = [];
  },
  'its root': (answer) => {
    proofOf(answer).rootHash = flipped(proofOf(answer).rootHash);
  },
  'its size': (answer) => {
    proofOf(answer).treeSize = String(Number(proofOf(answer).treeSize) + 1);
  },
  'the size in its checkpoint': (answer) => {
    const { checkpoint } = proofOf(answer);
    const lines = checkpoint.envelope.split('\n');
    proofOf(answer).treeSize = lines[1] = String(Number(lines[1]) + 1);
    checkpoint.envelope = lines.join('\n');
  },
  "its checkpoint's signature": (answer) => {
    const { checkpoint } = proofOf(answer);
    checkpoint.envelope = checkpoint.envelope.replace(
      /(— \S+ \S{20})(.)/,
      (_all, before: string, at: string) => before + (at === 'A' ? 'B' : 'A'),
    );
  },
  'its checkpoint, left out': (answer) => {
    proofOf(answer).checkpoint.envelope = '';
  },
  'its log id': (answer) => {
    answer.logId.keyId = flipped(answer.logId.keyId);
  },
  'its kind': (answer) => {
    answer.kindVersion.kind = 'dsse';
  },
  'a promise that is added': (answer) => {
    answer.inclusionPromise = { signedEntryTimestamp: 'AAAA' };
    answer.integratedTime = '1700000000';
  },
  "another log's answer": (_answer, fromOther) => fromOther(),
  "another log's answer, under this one's id": async (answer, fromOther) => ({
    ...(await fromOther()),
    logId: answer.logId,
  }),
  'a page': () => '<html>Verified</html>',
  'an empty answer': () => '',
  'a list': () => [],
};

describe.concurrent('an answer in which is changed', () => {
  const args = (change: string, n: number, vkey = logged.daemon.verifierKey) => [
    ...['upload', '--key', 'key.pem', '--artifact', 'a.txt', '--output', `${n}.json`],
    ...['--rekor_server', `${proxy.url}/${encodeURIComponent(change)}`, '--vkey', vkey],
  ];

  it('nothing at all is believed', async () => {
    expectEnded(await logged.user.run(args('nothing at all', 0)), { code: 0, stdout: /^Wrote 0\.json$/m });
  });

  it.each(
    Object.keys(CHANGES)
      .slice(1)
      .map((change, n) => [change, n + 1] as const),
  )('%s is refused', async (change, n) => {
    const { code, stdout, stderr } = await logged.user.run(args(change, n));
    expect({ code, stdout }, stderr).toStrictEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^stele: [^\n]+\n$/);
    expect(stderr).not.toMatch(/unexpected error|undefined/);
    await expect(logged.user.read(`${n}.json`)).rejects.toThrow(/ENOENT/);
  });

  it('its proof is refused in a terminal, too', () =>
    expectCase(logged.user, {
      args: args('a hash of its proof', 100),
      code: 1,
      stderr: /^stele: inclusion proof/m,
    }));

  it('nothing is refused by the key of another log', async () => {
    const ended = await logged.user.run(args('nothing at all', 101, other.verifierKey));
    expectEnded(ended, {
      code: 1,
      stderr:
        /^stele: http:\S+\/checkpoint: no signature of \S+; signed by .*: that is another log, or the key given/,
    });
    await expect(logged.user.read('101.json')).rejects.toThrow(/ENOENT/);
  });
});

it('an answer of another history than was seen is refused, and the evidence is kept', async () => {
  const user = await User.create();
  const daemons: Daemon[] = [];
  try {
    // Copy the log before it has an entry: two writers with one key, each with its own entries.
    expect(await (await startDaemon(user.file('log'))).stop()).toBe(0);
    await cp(user.file('log'), user.file('fork'), { recursive: true });
    for (const folder of ['log', 'fork']) daemons.push(await startDaemon(user.file(folder)));
    const [log, fork] = daemons as [Daemon, Daemon];
    user.openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'key.pem');
    await user.write('a.txt', 'a');
    const upload = (daemon: Daemon, ...more: string[]) =>
      user.run([
        ...['upload', '--key', 'key.pem', '--artifact', 'a.txt', '--output', 'bundle.json'],
        ...['--rekor_server', daemon.url, '--vkey', daemon.verifierKey, ...more],
      ]);
    expect((await upload(log)).code).toBe(0);
    // Delete the bundle: the next upload would reuse its signature, and both logs would have the same entry.
    await rm(user.file('bundle.json'));
    expect((await upload(fork, '--store_tree_state', 'false')).code).toBe(0);
    await rm(user.file('bundle.json'));
    const refused = await upload(fork);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/has signed two histories: its tree of 1 is not .* Both checkpoints/);
    await expect(user.read('bundle.json')).rejects.toThrow(/ENOENT/);
    expect((await upload(log)).code).toBe(0);
  } finally {
    for (const daemon of daemons) await daemon.stop();
    await user.remove();
  }
});
