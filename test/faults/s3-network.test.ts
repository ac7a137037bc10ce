/**
 * A bucket that is reached through a proxy, on a server with a certificate of a private authority.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ConfigurationError, UnreachableError } from '#src/errors.js';
import type { Network } from '#src/node/network.js';
import { S3Store } from '#src/store/s3.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { pass, PrivateAuthority, startProxy } from '../support/proxy.js';
import { describeWithS3 } from '../support/with-s3.js';

const BYTES = encodeText('0123456789');

describeWithS3('a bucket', (server) => {
  /** Writes, reads and deletes. */
  async function use(endpoint: string, network: Network): Promise<void> {
    const place = { bucket: await server.newBucket(), prefix: 'log/' };
    const store = new S3Store(place, { endpoint, pathStyle: true, network, timeout: 5_000 });
    try {
      expect(await store.create('tile/0/000', BYTES)).toBe(true);
      expect(await store.create('tile/0/000', BYTES)).toBe(false);
      expect((await store.read('tile/0/000'))?.bytes).toEqual(Buffer.from(BYTES));
      expect((await store.readRange('tile/0/000', 2, 5))?.bytes).toEqual(Buffer.from('234'));
      await store.delete(['tile/0/000', 'tile/0/001']);
      expect(await store.stat('tile/0/000')).toBeUndefined();
    } finally {
      store.close();
    }
  }

  it('is reached by a proxy, and by none where NO_PROXY names its server', async () => {
    const proxy = await startProxy();
    const { port } = new URL(server.endpoint);
    const network = { httpProxy: proxy.url };
    await use(`http://s3.invalid:${port}`, network);
    expect(proxy.requests.length).toBeGreaterThan(5);
    expect(proxy.requests.every((each) => / http:\/\/s3\.invalid:\d+\//.test(each))).toBe(true);
    const before = proxy.requests.length;
    await use(server.endpoint, { ...network, noProxy: new URL(server.endpoint).hostname });
    expect(proxy.requests).toHaveLength(before);
    proxy.close();
  });

  it('is reached by a tunnel, and its certificate believed where its authority is', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stele-'));
    const authority = new PrivateAuthority(folder);
    const secure = await authority.serve((request, response) => {
      pass(request, response, new URL(request.url ?? '', server.endpoint));
    });
    const proxy = await startProxy();
    const endpoint = `https://s3.invalid:${new URL(secure.url).port}`;
    const network = { httpsProxy: proxy.url };
    await use(endpoint, { ...network, authorities: [authority.certificate] });
    expect(new Set(proxy.requests)).toEqual(new Set([`CONNECT ${new URL(endpoint).host}`]));
    const refused = use(endpoint, network);
    await expect(refused).rejects.toThrow(UnreachableError);
    await expect(refused).rejects.toThrow(
      /: its certificate is not of an authority that this machine trusts: .*--ca-cert FILE/,
    );
    secure.close();
    proxy.close();
    await rm(folder, { recursive: true });
  });

  it('is not reached by what is no proxy', async () => {
    const refused = use(server.endpoint, { httpProxy: 'socks5://127.0.0.1:1' });
    await expect(refused).rejects.toThrow(ConfigurationError);
    await expect(refused).rejects.toThrow(/: HTTP_PROXY is not the URL of an HTTP proxy/);
  });
});
