/**
 * What the log refuses: by the right status, in words that name the fault, and without a trace in the log.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type Daemon } from '../../support/daemon.js';
import { BAD_REQUESTS, MAX_BODY, type BadRequest } from '../../support/bad-input-cases.js';
import {
  ENTRIES,
  exchange,
  expectProblem,
  goodEnvelope,
  goodRequest,
  log,
  open,
  send,
  submit,
} from '../../support/http.js';

describe('bad input', () => {
  let data: string;
  let daemon: Daemon;
  let checkpoint: string;

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'stele-'));
    daemon = await startDaemon(data, ['--max-body', `${MAX_BODY}B`]);
    await log(daemon.url);
    checkpoint = await readCheckpoint();
  });

  afterAll(async () => {
    await daemon.stop();
    await rm(data, { recursive: true, force: true });
  });

  const readCheckpoint = async () => (await send(daemon.url, 'GET', '/checkpoint')).body.toString();

  const sendBad = ({ method = 'POST', body, headers }: BadRequest) =>
    send(daemon.url, method, ENTRIES, body, headers ?? { 'content-type': 'application/json' });

  describe.each(BAD_REQUESTS)('in %s', (_, requests) => {
    it.each(requests)('$name', async (bad) => {
      const answer = await sendBad(bad);
      const { status = 400 } = bad;
      if (bad.method === 'HEAD') expect(answer.status).toBe(status);
      else expect(expectProblem(answer, status)).toMatch(bad.message);
      if (status === 405) expect(answer.headers['allow']).toBe('POST, OPTIONS');
      expect(answer.headers['cache-control']).toBe('no-store');
    });
  });

  it('has sixty causes and more, each of its own name', () => {
    const names = BAD_REQUESTS.flatMap(([, requests]) => requests.map(({ name }) => name));
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(60);
  });

  describe('below HTTP', () => {
    const head = `POST ${ENTRIES} HTTP/1.1\r\nHost: log\r\nContent-Type: application/json\r\n`;
    const good = JSON.stringify(goodRequest());

    it.each([
      ['not HTTP at all', 'hello\r\n\r\n', 400, /^this is not an HTTP\/1\.1 request/],
      ['TLS', Buffer.from('16030100c8010000c4', 'hex'), 400, /^this is not an HTTP\/1\.1 request/],
      [
        'a Content-Length that is no number',
        `${head}Content-Length: x\r\n\r\n`,
        400,
        /not an HTTP\/1\.1 request/,
      ],
      ['a Content-Length below 0', `${head}Content-Length: -1\r\n\r\n`, 400, /not an HTTP\/1\.1 request/],
      ['two Content-Lengths', `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, 400, /not an HTTP/],
      [
        'Content-Length and Transfer-Encoding',
        `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        400,
        /not an HTTP\/1\.1 request/,
      ],
      [
        'a Content-Length that is short',
        `${head}Content-Length: 20\r\n\r\n${good}`,
        400,
        /is not JSON|not an HTTP/,
      ],
      [
        'a Content-Length over the limit',
        `${head}Content-Length: ${MAX_BODY + 1}\r\n\r\n`,
        413,
        /--max-body/,
      ],
      [
        'a Content-Length over 2^53',
        `${head}Content-Length: 99999999999999999999\r\n\r\n`,
        400,
        /HTTP.*Content-Length/,
      ],
      [
        'a chunked body over the limit',
        `${head}Transfer-Encoding: chunked\r\n\r\n${(MAX_BODY + 1).toString(16)}\r\n${' '.repeat(MAX_BODY + 1)}\r\n`,
        413,
        /--max-body/,
      ],
      ['a chunk without its length', `${head}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`, 400, /HTTP|aborted/],
      [
        'headers of 20 KiB',
        `${head}X: ${'x'.repeat(20_000)}\r\n\r\n`,
        431,
        /^the request headers are too large/,
      ],
      ['a header without a colon', `${head}nonsense\r\n\r\n`, 400, /not an HTTP\/1\.1 request/],
    ] as const)('%s', async (_, bytes, status, message) => {
      expect(expectProblem(await exchange(daemon.url, bytes), status)).toMatch(message);
    });

    it('takes entries after any number of connections that were dropped', async () => {
      for (let round = 0; round < 40; round++) {
        const sockets = await Promise.all(Array.from({ length: 20 }, () => open(daemon.url)));
        for (const socket of sockets) socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":`);
        await sleep(5);
        for (const socket of sockets) socket.destroy();
      }
      await sleep(50);
      // What the dropped ones had reserved is over 128 MiB: it must have been given back.
      expectProblem(await submit(daemon.url, {}), 400);
    });
  });

  it('has changed nothing, and takes a good entry', async () => {
    expect(await readCheckpoint()).toBe(checkpoint);
    expect((await log(daemon.url)).logIndex).toBe('1');
    expect((await log(daemon.url, goodEnvelope())).logIndex).toBe('2');
  });

  it('takes what is odd, but right', async () => {
    const { hashedRekordRequestV002: request } = goodRequest(randomBytes(8));
    const { digest, signature } = request;
    const odd = {
      hashed_rekord_request_v0_0_2: {
        digest: digest.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''),
        signature: {
          content: signature.content.replace(/=+$/, ''),
          verifier: {
            public_key: { raw_bytes: signature.verifier.publicKey.rawBytes },
            x509_certificate: null,
            key_details: 5,
          },
        },
      },
    };
    const first = await send(daemon.url, 'POST', ENTRIES, ` ${JSON.stringify(odd, null, 1)}\n`, {
      'content-type': 'application/json; charset=UTF-8',
    });
    expect(first.status, first.body.toString()).toBe(201);
    const { logIndex } = JSON.parse(first.body.toString()) as { logIndex: string };
    expect((await log(daemon.url, { hashedRekordRequestV002: request })).logIndex).toBe(logIndex);
    expect((await readCheckpoint()).split('\n')[1]).toBe('4');
  });
});
