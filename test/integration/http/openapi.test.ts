/**
 * The description of the daemon's HTTP interface: it holds for what the daemon takes and answers.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type Daemon } from '../../support/daemon.js';
import { faults, refsIn, resolveRef } from '../../support/http-schema.js';
import { ENTRIES, exchange, goodEnvelope, goodRequest, log, send, submit } from '../../support/http.js';

let data: string;
let daemon: Daemon;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'stele-'));
  daemon = await startDaemon(data);
  // A full tile and a full bundle, which the example of every path names.
  await Promise.all(Array.from({ length: 256 }, () => log(daemon.url)));
});

afterAll(async () => {
  await daemon.stop();
  await rm(data, { recursive: true, force: true });
});

const get = (path: string) => send(daemon.url, 'GET', path);

describe('/openapi.json', () => {
  type Json = Readonly<Record<string, unknown>>;
  type Media = Readonly<Record<string, { readonly schema?: Json }>>;
  interface Operation {
    readonly requestBody?: { readonly content: Media };
    readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Media }>>;
  }
  interface OpenApi extends Json {
    readonly openapi: string;
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
    readonly components: { readonly schemas: Readonly<Record<string, Json>> };
  }

  const document = async () => {
    const answer = await get('/openapi.json');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    return JSON.parse(answer.body.toString()) as OpenApi;
  };
  const schemaNamed = (name: string) => ({ $ref: `#/components/schemas/${name}` });

  it('is OpenAPI 3.1, and each of its references names something', async () => {
    const api = await document();
    expect(api.openapi).toMatch(/^3\.1\./);
    expect(api['info']).toMatchObject({
      title: 'Stele',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
    });
    const refs = refsIn(api);
    expect(refs.length).toBeGreaterThan(5);
    for (const ref of refs) expect(resolveRef(api, ref)).toBeTypeOf('object');
    for (const item of Object.values(api.paths)) {
      for (const { responses } of ['get', 'post'].flatMap((method) => item[method] ?? [])) {
        expect(Object.keys(responses).length).toBeGreaterThan(1);
        for (const { description } of Object.values(responses)) expect(description).toMatch(/\.$|;/);
      }
    }
  });

  it('describes the requests that are taken, and not those that are not', async () => {
    const api = await document();
    const request = schemaNamed('CreateEntryRequest');
    const good = goodRequest();
    for (const each of [good, goodEnvelope()]) {
      expect(faults(api, request, each)).toStrictEqual([]);
      await log(daemon.url, each);
    }
    const { digest, signature } = good.hashedRekordRequestV002;
    const byNumber = { ...signature, verifier: { ...signature.verifier, keyDetails: 5 } };
    expect(faults(api, request, { hashedRekordRequestV002: { digest, signature: byNumber } })).toStrictEqual(
      [],
    );
    for (const bad of [
      {},
      { ...good, ...goodEnvelope() },
      { hashedRekordRequestV002: { digest } },
      { hashedRekordRequestV002: { digest: 1, signature } },
      { hashedRekordRequestV002: { digest, signature, note: '' } },
      { hashedRekordRequestV002: { digest, signature: { ...signature, verifier: { keyDetails: 'RSA' } } } },
      { dsseRequestV002: { ...goodEnvelope().dsseRequestV002, verifiers: [] } },
    ]) {
      expect(faults(api, request, bad), JSON.stringify(bad)).not.toStrictEqual([]);
      expect((await submit(daemon.url, bad)).status).toBe(400);
    }
  });

  it('describes the answers that are given', async () => {
    const api = await document();
    const { responses } = api.paths[ENTRIES]?.['post'] ?? { responses: {} };
    const jsonType = { 'content-type': 'application/json' };
    const head = `POST ${ENTRIES} HTTP/1.1\r\nHost: log\r\nContent-Type: application/json\r\n`;
    const answers = [
      await submit(daemon.url, goodRequest()),
      await submit(daemon.url, goodEnvelope()),
      await submit(daemon.url, {}),
      await send(daemon.url, 'POST', ENTRIES, '{}', { 'content-type': 'text/plain' }),
      await send(daemon.url, 'POST', ENTRIES, '{}', { ...jsonType, 'content-encoding': 'br' }),
      await exchange(daemon.url, `${head}Content-Length: 9999999\r\n\r\n`),
    ];
    expect(answers.map(({ status }) => status)).toStrictEqual([201, 201, 400, 415, 415, 413]);
    for (const { status, body } of answers) {
      const schema = responses[status]?.content?.['application/json']?.schema;
      expect(schema, String(status)).toBeDefined();
      expect(faults(api, schema ?? {}, JSON.parse(body.toString()))).toStrictEqual([]);
    }
    expect(Object.keys(responses)).toStrictEqual(expect.arrayContaining(['408', '503']));
    const missing = await get('/tile/0/999');
    expect(faults(api, schemaNamed('Problem'), JSON.parse(missing.body.toString()))).toStrictEqual([]);
    // The check is none that passes everything.
    expect(
      faults(api, schemaNamed('TransparencyLogEntry'), JSON.parse(missing.body.toString())),
    ).not.toStrictEqual([]);
  });

  it('names paths that are there', async () => {
    const api = await document();
    const example = (path: string) => path.replace('{L}', '0').replace('{N}', '000');
    for (const [path, item] of Object.entries(api.paths)) {
      if (item['get'] === undefined) continue;
      expect((await get(example(path))).status, path).toBe(200);
      expect(Object.keys(item['get'].responses), path).toContain('200');
    }
  });
});
