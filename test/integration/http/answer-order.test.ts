/**
 * Answers on a connection come in the order of the requests, also where what follows is no HTTP: a client must not take
 * the refusal of what came after an accepted entry for the entry's.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type Daemon } from '../../support/daemon.js';
import { Conversation, submission } from '../../support/admission.js';
import { ENTRIES, goodRequest, log } from '../../support/http.js';

describe.concurrent('behind an entry that is not published yet', () => {
  let data: string;
  let daemon: Daemon;

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'stele-'));
    // Long enough for what follows to be looked at before the entry is answered.
    daemon = await startDaemon(data, ['--batch-age', '2s']);
    await log(daemon.url);
  });

  afterAll(async () => {
    await daemon.stop();
    await rm(data, { recursive: true, force: true });
  });

  const chunked = `POST ${ENTRIES} HTTP/1.1\r\nHost: log\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;

  it.each([
    ['what is no HTTP', 'hello\r\n\r\n', 400, /not an HTTP\/1\.1 request/],
    ['headers of 20 KiB', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431, /headers are too large/],
    ['a body whose chunks are none', `${chunked}xyz\r\n`, 400, /not an HTTP\/1\.1 request/],
    ['a body that ends in the middle', `${chunked}5\r\n{"a":\r\nxyz\r\n`, 400, /not an HTTP\/1\.1 request/],
  ])('%s is refused in its turn', async (_, following, status, message) => {
    const conversation = await Conversation.open(daemon.url);
    const request = goodRequest();
    conversation.socket.write(submission(request) + following);
    expect(await conversation.answers(2)).toEqual([201, status]);
    await conversation.closed;
    expect(conversation.statuses).toEqual([201, status]);
    expect(conversation.received).toMatch(message);
    // The first answer was the entry's own.
    const { logIndex } = await log(daemon.url, request);
    expect(conversation.received).toContain(`"logIndex":"${logIndex}"`);
  });

  it('several entries are all answered first', async () => {
    const conversation = await Conversation.open(daemon.url);
    const requests = Array.from({ length: 5 }, () => submission(goodRequest()));
    conversation.socket.write(`${requests.join('')}hello\r\n\r\n`);
    expect(await conversation.answers(6)).toEqual([201, 201, 201, 201, 201, 400]);
    await conversation.closed;
  });
});
