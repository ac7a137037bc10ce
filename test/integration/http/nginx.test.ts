/**
 * A log in a folder that a real nginx serves, by the lines of docs/deploy.md and by deploy/nginx.conf.
 */
import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fsck } from '#reader/index.js';
import { openLog } from '#reader/node/index.js';
import {
  encodeHex,
  FormatError,
  headersOf,
  parseEntryBundle,
  parsePath,
  type ObjectName,
} from '#tiles-spec/index.js';
import { deployedSite, describeWithNginx, type Nginx } from '../../support/nginx.js';
import { expectEnded, startLoggedUser, type Environment, type LoggedUser } from '../../support/cli.js';
import { goodEnvelope, goodRequest, log } from '../../support/http.js';

/** A full tile of 256, and a partial one. */
const ENTRIES = 300;

/** A block of the page. */
function blockOf(name: string): string {
  const [, block] =
    new RegExp(`^\`\`\`nginx ${name}\n([^]*?)^\`\`\`$`, 'm').exec(readFileSync('docs/deploy.md', 'utf8')) ??
    [];
  if (block === undefined) throw new Error(`docs/deploy.md has no block "nginx ${name}"`);
  return block;
}

describeWithNginx('a log behind nginx', (start) => {
  let logged: LoggedUser;
  let store: string;
  const running: Nginx[] = [];

  beforeAll(async () => {
    logged = await startLoggedUser();
    store = join(logged.data, 'store');
    // One after the other at first, for partial files of several widths.
    for (let i = 1; i < 5; i++) await log(logged.daemon.url, goodRequest());
    await Promise.all(
      Array.from({ length: ENTRIES - 5 }, (_, i) =>
        log(logged.daemon.url, i % 3 === 0 ? goodEnvelope() : goodRequest()),
      ),
    );
    // What a writer leaves that was killed.
    await writeFile(join(store, 'staging', '1'), 'a claim');
    await mkdir(join(store, '.tmp'), { recursive: true });
    await writeFile(join(store, '.tmp', 'half'), 'half a file');
  });

  afterAll(async () => {
    for (const { stop } of running) await stop();
    await logged.stop();
  });

  async function startServer(block: string): Promise<string> {
    const nginx = await start(
      (port) => `server {\n    listen 127.0.0.1:${port};\n    root ${store};\n${block}}`,
    );
    running.push(nginx);
    return `http://127.0.0.1:${nginx.port}`;
  }

  /** Demands that our own reader finds every file of the log there, and the same log as in the folder. */
  async function expectWholeLog(url: string): Promise<void> {
    const { verifierKey } = logged.daemon;
    const [there, here] = await Promise.all(
      [url, store].map(async (place) => {
        const { size, root } = (await fsck(await openLog(place, { verifierKey }))).checkpoint;
        return { size, root: encodeHex(root) };
      }),
    );
    expect(there?.size).toBeGreaterThanOrEqual(ENTRIES);
    expect(there).toEqual(here);
  }

  /** Demands of the command what it answers of any log. */
  async function expectCommands(url: string): Promise<void> {
    const at = ['--rekor_server', url, '--vkey', logged.daemon.verifierKey];
    const signed = ['--artifact', 'a.txt', '--public-key', 'key.pub'];
    for (const [args, stdout] of [
      [['fsck', ...at], /^every file of the tree of \d+ is right$/m],
      [['get', '--log-index', '0', ...at], /^Proved: in the tree of \d+ entries/m],
      [['verify', '--log-index', '0', ...signed, ...at], /^Verified$/m],
    ] as const)
      expectEnded(await logged.user.run(args), { code: 0, stdout });
  }

  describe.concurrent('with the two lines of docs/deploy.md', () => {
    let url: string;

    beforeAll(async () => {
      const lines = blockOf('two-lines');
      expect(lines.trimEnd().split('\n')).toHaveLength(2);
      url = await startServer(lines);
    });

    it('is read whole', () => expectWholeLog(url));

    it('is read by the command', () => expectCommands(url));

    it('has bundles that any HTTP client can read', async () => {
      const response = await fetch(`${url}/tile/entries/000`);
      expect(response.headers.get('content-encoding')).toBe('gzip');
      expect(parseEntryBundle(new Uint8Array(await response.arrayBuffer()), 256)).toHaveLength(256);
    });

    it.each(['staging/1', 'staging/', 'staging', '.tmp/half', '.lock.sqlite'])('hides %s', async (path) => {
      expect((await fetch(`${url}/${path}`)).status).toBe(404);
    });
  });

  it('is read whole by our own reader where nginx does not say that bundles are gzip', async () => {
    const lines = blockOf('two-lines').replace(' add_header Content-Encoding gzip;', '');
    const url = await startServer(lines);
    const { headers } = await fetch(`${url}/tile/entries/000`);
    expect(headers.get('content-encoding')).toBeNull();
    await expectWholeLog(url);
  });

  it('is read and written through a proxy, as docs/deploy.md has it', async () => {
    const address = 'http://127.0.0.1:3000';
    const block = blockOf('proxy');
    expect(block).toContain(address);
    const url = await startServer(block.replace(address, logged.daemon.url));
    await log(url);
    await expectWholeLog(url);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
  });

  describe('by deploy/nginx.conf', () => {
    let url: string;
    let client: Agent;
    let environment: Environment;

    beforeAll(async () => {
      const { user, daemon } = logged;
      const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
      const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'tls.key'];
      user.openssl('req', '-x509', ...key, '-out', 'tls.crt', ...name);
      const site = {
        root: store,
        daemon: new URL(daemon.url).host,
        certificate: { file: user.file('tls.crt'), key: user.file('tls.key') },
      };
      // What it says must hold whatever else an operator has.
      const others = 'gzip_types *; gzip_min_length 1; open_file_cache max=1000; charset koi8-r;';
      const nginx = await start((port) => `${others}\n${deployedSite(port, site)}`);
      running.push(nginx);
      url = `https://127.0.0.1:${nginx.port}`;
      client = new Agent({ connect: { ca: await user.read('tls.crt') } });
      environment = { NODE_EXTRA_CA_CERTS: user.file('tls.crt') };
    });

    afterAll(() => client.close());

    async function send(path: string, headers: Record<string, string> = {}, method = 'GET') {
      const answer = await request(`${url}/${path}`, { dispatcher: client, method, headers });
      return {
        status: answer.statusCode,
        headers: answer.headers,
        body: Buffer.from(await answer.body.arrayBuffer()),
      };
    }

    it('is written and read', async () => {
      const { user, daemon } = logged;
      await user.write('more.txt', 'one more artifact\n');
      const at = ['--rekor_server', url, '--vkey', daemon.verifierKey];
      const upload = ['upload', '--key', 'key.pem', '--artifact', 'more.txt', ...at];
      expectEnded(await user.run(upload, environment), { code: 0, stdout: /^Entry at index \d+ / });
      expectEnded(await user.run(['fsck', ...at], environment), {
        code: 0,
        stdout: /^every file of the tree of \d+ is right$/m,
      });
    });

    it('says of each file what it is, at both places, and of no other that it is there', async () => {
      const files = await readdir(store, { recursive: true, withFileTypes: true });
      const kinds = new Set<string>();
      for (const file of files) {
        const path = relative(store, join(file.parentPath, file.name));
        const name = file.isFile() ? nameOf(path) : undefined;
        kinds.add(name?.kind ?? 'none');
        for (const asked of [path, `api/v2/${path}`, ...(file.isFile() ? [] : [`${path}/`])]) {
          const { status, headers, body } = await send(asked, { 'accept-encoding': 'gzip, br' });
          expect({ asked, status }).toEqual({ asked, status: name === undefined ? 404 : 200 });
          if (name === undefined) {
            expect(headers['content-encoding']).toBeUndefined();
            expect(headers['cache-control']).toBeUndefined();
            continue;
          }
          const { contentType, cacheControl, contentEncoding } = headersOf(name);
          expect(headers).toMatchObject({
            'content-type': contentType,
            'cache-control': cacheControl,
            'access-control-allow-origin': '*',
          });
          expect(headers['content-encoding']).toBe(contentEncoding);
          expect(body.equals(await readFile(join(store, path)))).toBe(true);
        }
      }
      expect([...kinds].sort()).toEqual(
        ['checkpoint', 'entries', 'none', 'signing_config', 'tile', 'times', 'trusted_root'].sort(),
      );
    });

    it('answers a file that is not there so that readers go on: pages of other origins too', async () => {
      for (const path of ['tile/0/000.p/255', 'tile/entries/000.p/255', 'tile/times/999', 'tile/5/000']) {
        const { status, headers } = await send(path);
        expect({ path, status }).toEqual({ path, status: 404 });
        expect(headers['access-control-allow-origin']).toBe('*');
        expect(headers['content-encoding']).toBeUndefined();
        expect(headers['cache-control']).toBeUndefined();
      }
    });

    it('sends parts, heads, and nothing to whoever has it', async () => {
      const path = 'tile/entries/000';
      const whole = await readFile(join(store, path));
      const part = await send(path, { range: 'bytes=5-14' });
      expect(part.status).toBe(206);
      expect(part.headers).toMatchObject({
        'content-range': `bytes 5-14/${whole.length}`,
        'content-encoding': 'gzip',
      });
      expect(part.body.equals(whole.subarray(5, 15))).toBe(true);
      const head = await send(path, {}, 'HEAD');
      expect(head.headers).toMatchObject({
        'content-length': String(whole.length),
        'content-encoding': 'gzip',
        'accept-ranges': 'bytes',
      });
      const again = await send(path, { 'if-none-match': String(head.headers['etag']) });
      expect(again.status).toBe(304);
      expect(again.body).toHaveLength(0);
    });

    it('shows the newest checkpoint, and never says that it is the one that a client has', async () => {
      await send('checkpoint');
      await log(logged.daemon.url);
      const first = await send('checkpoint');
      expect(first.body.equals(await readFile(join(store, 'checkpoint')))).toBe(true);
      expect(first.headers['etag']).toBeUndefined();
      expect(first.headers['last-modified']).toBeUndefined();
      const { mtimeMs, size } = await stat(join(store, 'checkpoint'));
      // What nginx would make of the file.
      const etag = `"${Math.floor(mtimeMs / 1000).toString(16)}-${size.toString(16)}"`;
      const since = new Date(mtimeMs).toUTCString();
      for (const condition of [{ 'if-none-match': etag }, { 'if-modified-since': since }]) {
        const { status, body } = await send('checkpoint', condition);
        expect(status).toBe(200);
        expect(body.equals(first.body)).toBe(true);
      }
    });

    it("leaves what is the daemon's to the daemon", async () => {
      expect((await send('healthz')).status).toBe(200);
      expect(JSON.parse((await send('openapi.json')).body.toString())).toHaveProperty('openapi');
      expect((await send('metrics')).status).toBe(404);
      const tooLong = 'x'.repeat(4 * 1024 * 1024 + 1);
      const refused = await request(`${url}/api/v2/log/entries`, {
        dispatcher: client,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: tooLong,
      });
      expect(refused.statusCode).toBe(413);
      expect(await refused.body.json()).toMatchObject({ code: 8 });
    });
  });
});

/** What a path names for readers: claims are none of their business. */
function nameOf(path: string): ObjectName | undefined {
  try {
    const name = parsePath(path);
    return name.kind === 'claim' ? undefined : name;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
