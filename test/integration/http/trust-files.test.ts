/**
 * The trust files that the daemon writes into its log: as Sigstore's clients take them, with this log's own key and URL.
 */
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { expect, it } from 'vitest';
import { encodeBase64, keyHash, parseVerifierKey } from '#tiles-spec/index.js';
import { startDaemon, withFolder } from '../../support/daemon.js';
import { freePort } from '../../support/free-port.js';
import { describeWithVectors, readVectorJson } from '../../support/vectors.js';

interface TrustFile {
  readonly tlogs: [
    {
      readonly baseUrl: string;
      readonly publicKey: { readonly rawBytes: string; readonly validFor: { readonly start: string } };
      readonly logId: { readonly keyId: string };
    },
  ];
}

interface ConfigFile {
  readonly rekorTlogUrls: [{ readonly validFor: { readonly start: string } }];
}

describeWithVectors('the trust files', () => {
  const NAMES = ['trusted_root.json', 'signing_config.json'] as const;

  /** Both files, as served at both places: one line each. */
  async function trustFiles(url: string): Promise<{ root: TrustFile; config: ConfigFile }> {
    const files = [];
    for (const name of NAMES) {
      const texts = [];
      for (const base of [url, `${url}/api/v2`]) {
        const response = await fetch(`${base}/${name}`);
        expect(response.status).toBe(200);
        expect(response.headers.get('content-type')).toMatch(/^application\/json(;|$)/);
        texts.push(await response.text());
      }
      expect(texts[0]).toBe(texts[1]);
      expect(texts[0]?.indexOf('\n')).toBe(Number(texts[0]?.length) - 1);
      files.push(JSON.parse(texts[0] ?? '') as unknown);
    }
    return { root: files[0] as TrustFile, config: files[1] as ConfigFile };
  }

  /** The files that every client takes, with the URL, the key and the date of this log. */
  function expected(url: string, start: string, verifierKey: string) {
    const key = parseVerifierKey(verifierKey);
    const root = readVectorJson('trust', 'trusted_root.json') as TrustFile;
    const config = readVectorJson('trust', 'signing_config.json') as ConfigFile;
    // RFC 8410: what comes before the 32 bytes of every Ed25519 key.
    const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key.publicKey]);
    return {
      root: {
        ...root,
        tlogs: [
          {
            ...root.tlogs[0],
            baseUrl: url,
            publicKey: { ...root.tlogs[0].publicKey, rawBytes: spki.toString('base64'), validFor: { start } },
            logId: { keyId: encodeBase64(keyHash(key)) },
          },
        ],
      },
      config: {
        ...config,
        rekorTlogUrls: [
          { ...config.rekorTlogUrls[0], url, operator: new URL(url).hostname, validFor: { start } },
        ],
      },
    };
  }

  it('are those that every client takes, keep their dates over a restart, and follow --public-url', async () => {
    await withFolder(async (data) => {
      const before = Math.floor(Date.now() / 1000) * 1000;
      const first = await startDaemon(data);
      let start: string;
      try {
        const files = await trustFiles(first.url);
        start = files.root.tlogs[0].publicKey.validFor.start;
        expect(start).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        expect(Date.parse(start)).toBeGreaterThanOrEqual(before);
        expect(Date.parse(start)).toBeLessThanOrEqual(Date.now());
        expect(files).toEqual(expected(first.url, start, first.verifierKey));

        const [log] = TrustedRoot.fromJSON(files.root).tlogs;
        expect(log?.publicKey?.validFor?.start).toEqual(new Date(start));
        expect(log?.logId?.keyId.equals(keyHash(parseVerifierKey(first.verifierKey)))).toBe(true);
      } finally {
        await first.stop();
      }

      // Later than the second of the first start, so that "now" would show.
      await new Promise((resolve) => setTimeout(resolve, Date.parse(start) + 1000 - Date.now()));
      const listen = `127.0.0.1:${await freePort()}`;
      const publicUrl = 'https://127.0.0.1:8443/stele';
      const second = await startDaemon(data, ['--listen', listen, '--public-url', `${publicUrl}/`]);
      try {
        expect(second.url).toBe(publicUrl);
        expect(second.verifierKey).toBe(first.verifierKey);
        expect(await trustFiles(`http://${listen}`)).toEqual(expected(publicUrl, start, first.verifierKey));
        expect(second.log()).not.toContain("the log's origin is not the host name of its URL");
        expect(first.log()).not.toContain('has a path');
        expect(second.log()).toContain('the public URL has a path, which sigstore-java leaves out');
      } finally {
        await second.stop();
      }
    });
  });

  it('go with a warning where the public host name is not the origin', async () => {
    await withFolder(async (data) => {
      const args = ['--origin', 'log.example', '--public-url', 'https://elsewhere.example'];
      const log = await startDaemon(data, args);
      await log.stop();
      expect(log.log()).toContain("the log's origin is not the host name of its URL");
      expect(log.verifierKey).toMatch(/^log\.example\+/);
    });
  });
});
