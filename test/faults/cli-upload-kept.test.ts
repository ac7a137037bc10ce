/**
 * Failures of `stele upload`: it logs nothing when it could not finish afterwards, and loses no signature that may be
 * in the log.
 */
import { rm, stat, symlink, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type Daemon } from '../support/daemon.js';
import {
  expectEnded,
  jsonOf,
  startLoggedUser,
  startStub,
  type LoggedUser,
  type User,
} from '../support/cli.js';

let logged: LoggedUser;
let other: Daemon;

beforeAll(async () => {
  logged = await startLoggedUser();
  other = await startDaemon(logged.user.file('other-data'));
});

afterAll(async () => {
  await other.stop();
  await logged.stop();
});

/** A proxy before the real log, in which `change` alters the answers to submissions. */
async function proxy(change: (answer: string, tries: number) => string | undefined) {
  let tries = 0;
  const stub = await startStub((request, response) => {
    void text(request).then(async (body) => {
      const url = `${logged.daemon.url}${request.url ?? ''}`;
      if (request.method === 'GET') {
        const read = await fetch(url);
        response.writeHead(read.status).end(Buffer.from(await read.arrayBuffer()));
        return;
      }
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(url, { method: 'POST', headers, body });
      const changed = change(await answer.text(), ++tries);
      if (changed === undefined) response.destroy();
      else response.writeHead(answer.status).end(changed);
    });
  });
  return { ...stub, tries: () => tries };
}

async function sizeOf(user: User): Promise<number> {
  return Number(jsonOf(await user.run(['loginfo', '--format', 'json']))['ActiveTreeSize']);
}

/** Uploads with the key. `bundle` names the file to write. */
function upload(bundle: string, ...more: string[]): string[] {
  return ['upload', '--key', 'key.pem', '--artifact', 'a.txt', '--output', bundle, '--retry', '0', ...more];
}

describe('before anything is sent', () => {
  it.each(['/dev/null/state', '/proc/none/state'])(
    'a state that cannot be kept in %s is found out',
    async (state) => {
      const { user } = logged;
      const before = await sizeOf(user);
      const ended = await user.run(upload('unsent.json'), { XDG_STATE_HOME: state });
      expect(await sizeOf(user)).toBe(before);
      const place = `${state}/stele/heads/127\\.0\\.0\\.1\\.checkpoint`;
      expectEnded(ended, {
        code: 2,
        stderr: new RegExp(`cannot keep the newest checkpoint in ${place}: no`),
      });
    },
  );

  it("another log's key is found out", async () => {
    const { user, daemon } = logged;
    const before = await sizeOf(user);
    const key = ['--rekor_server', daemon.url, '--vkey', other.verifierKey];
    const ended = await user.other('wrong key').run(upload('unsent.json', ...key));
    expect(await sizeOf(user)).toBe(before);
    expectEnded(ended, { code: 1, stderr: /^stele: http:\S+\/checkpoint: no signature of 127\.0\.0\.1/ });
  });

  it('a bundle of another log, and what is no bundle, are not overwritten', async () => {
    const { user } = logged;
    const elsewhere = ['--rekor_server', other.url, '--vkey', other.verifierKey, '--state', 'elsewhere'];
    expect((await user.run(upload('elsewhere.json', ...elsewhere))).code).toBe(0);
    const before = await sizeOf(user);
    expectEnded(await user.run(upload('elsewhere.json')), {
      code: 2,
      stderr:
        /^stele: --output: elsewhere\.json is there already, and is of the log "127\.0\.0\.1", not of 127\.0\.0\.1 by this key: delete it, or give another name$/m,
    });
    expectEnded(await user.run(upload('other.txt')), {
      code: 2,
      stderr: /^stele: --output: other\.txt is there already, and is no Sigstore bundle: delete it/,
    });
    expect(await user.read('other.txt')).toBe('another artifact\n');
    expect(await sizeOf(user)).toBe(before);
    // An empty file, as mktemp makes one.
    await writeFile(user.file('empty.json'), '');
    await writeFile(user.file('empty.json.signature'), '');
    expect((await user.run(upload('empty.json'))).code).toBe(0);
  });

  it('a bundle of another artifact or key, and the artifact itself, are not overwritten', async () => {
    const { user } = logged;
    expect((await user.run(upload('mine.json'))).code).toBe(0);
    const mine = await user.read('mine.json');
    const before = await sizeOf(user);
    user.openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'second.pem');
    const to = (artifact: string, key: string, output: string) =>
      user.run(['upload', '--key', key, '--artifact', artifact, '--output', output]);
    const refused = (why: string) => ({
      code: 2,
      stderr: new RegExp(
        `^stele: --output: mine\\.json is there already, and ${why}: delete it, or give another name\n$`,
      ),
    });
    expectEnded(await to('other.txt', 'key.pem', 'mine.json'), refused('is of another artifact'));
    expectEnded(await to('a.txt', 'second.pem', 'mine.json'), refused('is by another key'));
    expectEnded(await to('mine.json', 'key.pem', './mine.json'), {
      code: 2,
      stderr: /^stele: --output: \.\/mine\.json is the artifact: give another name\n$/,
    });
    expect(await user.read('mine.json')).toBe(mine);
    expect(await sizeOf(user)).toBe(before);
  });

  it('a proof replaces none but a proof of the same entry', async () => {
    const { user } = logged;
    expect(await sizeOf(user)).toBeGreaterThan(0);
    expect((await user.run(upload('mine.json'))).code).toBe(0);
    const own = jsonOf(
      await user.run(['upload', '--key', 'key.pem', '--artifact', 'other.txt', '--format', 'json']),
    );
    for (const file of ['own.tlog-proof', 'own-proof.json']) {
      const get = (index: unknown) => user.run(['get', '--log-index', String(index), '--proof', file]);
      expect((await get(own['Index'])).code).toBe(0);
      expect((await get(own['Index'])).code).toBe(0);
      const kept = await user.read(file);
      expectEnded(await get(0), {
        code: 2,
        stderr:
          /^stele: --proof: \S+ is there already, and is no proof of this entry: delete it, or give another name$/m,
      });
      expect(await user.read(file)).toBe(kept);
    }
    expectEnded(await user.run(['get', '--log-index', '0', '--proof', 'root.json']), {
      code: 0,
      stdout: /^Wrote/m,
    });
    await user.write('root.json', '{"mine":1}');
    expect((await user.run(['get', '--log-index', '0', '--proof', 'root.json'])).code).toBe(2);
    expect(await user.read('root.json')).toBe('{"mine":1}');
  });

  it.each(['a signature of mine\n', 'AAAA\nAAAA\n', '\n'])(
    'a file where the signature would be kept is not overwritten: %j',
    async (content) => {
      const { user } = logged;
      const before = await sizeOf(user);
      await user.write('own.json.signature', content);
      expectEnded(await user.run(upload('own.json')), {
        code: 2,
        stderr:
          /^stele: --output: own\.json\.signature is there already, and is no signature that stele kept: delete it, or give another name\n$/,
      });
      expect(await user.read('own.json.signature')).toBe(content);
      expect(await sizeOf(user)).toBe(before);
    },
  );

  it('a file without an end where the signature would be kept is not read to it', async () => {
    const { user } = logged;
    await symlink('/dev/zero', user.file('endless.json.signature'));
    expectEnded(await user.run(upload('endless.json')), {
      code: 2,
      stderr: /^stele: --output: cannot read endless\.json\.signature: it is over 64 MiB\n$/,
    });
  });

  it('a signature that is given may be there: none is kept', async () => {
    const { user } = logged;
    user.openssl('dgst', '-sha256', '-sign', 'key.pem', '-out', 'given.json.signature', 'a.txt');
    const given = ['--signature', 'given.json.signature', '--public-key', 'key.pub', '--artifact', 'a.txt'];
    const ended = await user.run(['upload', ...given, '--output', 'given.json']);
    expectEnded(ended, { code: 0, stdout: /^Wrote given\.json$/m });
    expect((await stat(user.file('given.json.signature'))).size).toBeGreaterThan(0);
  });
});

describe('a repeat', () => {
  it('with the key is the same entry, and is said to be', async () => {
    const { user } = logged;
    const first = await user.run(upload('repeated.json'));
    expectEnded(first, { code: 0, stdout: /^Entry at index \d+ of/ });
    const before = await sizeOf(user);
    const again = await user.run(upload('repeated.json'));
    expectEnded(again, {
      code: 0,
      stdout: /^It was in the log already: nothing is added\nEntry at index \d+ of/,
    });
    expect(jsonOf(await user.run(upload('repeated.json', '--format', 'json')))).toMatchObject({
      AlreadyExists: true,
    });
    expect(await sizeOf(user)).toBe(before);
    // Another artifact makes another entry.
    await user.write('changed.txt', 'changed\n');
    const changed = ['upload', '--key', 'key.pem', '--artifact', 'changed.txt', '--output', 'changed.json'];
    expect(jsonOf(await user.run([...changed, '--format', 'json']))).toMatchObject({ AlreadyExists: false });
  });
});

describe('after it is sent', () => {
  it('a signature whose answer is lost is kept, and the command that is shown logs it', async () => {
    const { user, daemon } = logged;
    const lossy = await proxy((answer, tries) => (tries === 1 ? undefined : answer));
    const at = ['--rekor_server', lossy.url, '--vkey', daemon.verifierKey];
    const lost = await user.run(upload('it is lost.json', ...at));
    expect(lost.code).toBe(3);
    const [, line = ''] = /finds it logged: (stele .*)\n$/.exec(lost.stderr) ?? [];
    expect(line).toContain(`--output 'it is lost.json'`);
    await expect(stat(user.file('it is lost.json'))).rejects.toThrow(/ENOENT/);
    const before = await sizeOf(user);
    expectEnded(await user.shell(line), {
      code: 0,
      stdout: /^It was in the log already[^]*^Wrote it is lost\.json$/m,
    });
    lossy.close();
    expect(await sizeOf(user)).toBe(before);
    await expect(stat(user.file('it is lost.json.signature'))).rejects.toThrow(/ENOENT/);
    const verify = ['verify', 'it is lost.json', '--artifact', 'a.txt', '--public-key', 'key.pub'];
    expect((await user.run(verify)).code).toBe(0);
  });

  it('an answer that is not proved leaves no bundle, and the signature', async () => {
    const { user, daemon } = logged;
    const lying = await proxy((answer) => {
      const entry = JSON.parse(answer) as { inclusionProof: { checkpoint: { envelope: string } } };
      const { checkpoint } = entry.inclusionProof;
      checkpoint.envelope = checkpoint.envelope.replace(/\n\n— .*\n/, '\n\n— 127.0.0.1 AAAAAAAA\n');
      return JSON.stringify(entry);
    });
    const at = ['--rekor_server', lying.url, '--vkey', daemon.verifierKey];
    const ended = await user.run(upload('lying.json', ...at));
    lying.close();
    expectEnded(ended, {
      code: 1,
      stderr: /^stele: .*\. The signature is kept in lying\.json\.signature, so/,
    });
    await expect(stat(user.file('lying.json'))).rejects.toThrow(/ENOENT/);
    const before = await sizeOf(user);
    expectEnded(await user.run(upload('lying.json')), { code: 0, stdout: /^It was in the log already/ });
    expect(await sizeOf(user)).toBe(before);
  });

  it('a checkpoint that cannot be remembered any more is a warning: entry and bundle are there', async () => {
    const { user, daemon } = logged;
    const state = user.file('vanishing');
    // The file can be written at the check before the submission, and no longer when the answer comes.
    const stub = await startStub((request, response) => {
      void text(request).then(async (body) => {
        const method = request.method ?? 'GET';
        const headers = { 'content-type': 'application/json' };
        const init = method === 'GET' ? { method } : { method, headers, body };
        const answer = await fetch(`${daemon.url}${request.url ?? ''}`, init);
        const bytes = Buffer.from(await answer.arrayBuffer());
        if (method === 'POST') {
          await rm(state, { recursive: true, force: true });
          await writeFile(state, 'a file');
        }
        response.writeHead(answer.status).end(bytes);
      });
    });
    const at = ['--rekor_server', stub.url, '--vkey', daemon.verifierKey];
    const ended = await user.run(upload('warned.json', ...at), { XDG_STATE_HOME: state });
    stub.close();
    expectEnded(ended, {
      code: 0,
      stdout: /^Wrote warned\.json$/m,
      stderr: /^stele: the entry is logged, but its checkpoint is not remembered: .*not a directory$/m,
    });
    const verify = ['verify', 'warned.json', '--artifact', 'a.txt', '--public-key', 'key.pub'];
    expect((await user.run(verify)).code).toBe(0);
  });
});
