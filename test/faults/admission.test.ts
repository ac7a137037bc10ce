/**
 * The limits on what one client may take from others: time of the validation threads, and memory for bodies.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { badSignature, Conversation, dearBadSignature, head, submission } from '../support/admission.js';
import { expectProblem, goodEnvelope, goodRequest, log, submit } from '../support/http.js';

const MEBIBYTE = 1024 * 1024;

describe('a client', () => {
  let data: string;
  let daemon: Daemon;

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'stele-'));
    daemon = await startDaemon(data);
    await log(daemon.url);
  });

  afterAll(async () => {
    await daemon.stop();
    await rm(data, { recursive: true, force: true });
  });

  it('that sends three hundred dear requests at once is not served before another', async () => {
    const many = await Conversation.open(daemon.url);
    const other = await Conversation.open(daemon.url);
    many.socket.write(Array.from({ length: 300 }, () => submission(dearBadSignature())).join(''));
    await many.answers(1);
    other.socket.write(submission(badSignature()));
    expect(await other.answers(1)).toEqual([400]);
    const served = many.statuses.length;
    expect(served).toBeLessThan(150);
    // The last requests may have waited for longer than four seconds.
    expect((await many.answers(300)).filter((status) => status !== 400 && status !== 503)).toEqual([]);
    for (const { socket } of [many, other]) socket.destroy();
  });

  it('that has most requests waiting is the first to be refused', async () => {
    const many = await Conversation.open(daemon.url);
    const other = await Conversation.open(daemon.url);
    // More requests than --max-pending lets wait.
    many.socket.write(Array.from({ length: 5_000 }, () => submission(dearBadSignature())).join(''));
    await many.answers(1);
    other.socket.write(submission(badSignature()));
    expect(await other.answers(1)).toEqual([400]);
    for (const { socket } of [many, other]) socket.destroy();
  });

  it('that leaves takes with it what it has waiting', async () => {
    const request = submission(dearBadSignature());
    for (let i = 0; i < 200; i++) {
      const { socket } = await Conversation.open(daemon.url);
      socket.write(request.repeat(10), () => socket.destroy());
    }
    // Two thousand such requests would take the threads ten seconds.
    const other = await Conversation.open(daemon.url);
    other.socket.write(submission(badSignature()));
    expect(await other.answers(1)).toEqual([400]);
    other.socket.destroy();
  });

  it('that holds back the last byte of forty long bodies keeps nobody out', async () => {
    const long = Buffer.alloc(4 * MEBIBYTE - 1, ' ');
    const holders = await Promise.all(Array.from({ length: 40 }, () => Conversation.open(daemon.url)));
    for (const { socket } of holders) {
      socket.write(head(4 * MEBIBYTE));
      socket.write(long);
    }
    // The memory for long bodies is used up when the first request is refused.
    await Promise.race(holders.map((holder) => holder.answers(1)));
    const refused = holders.filter(({ statuses }) => statuses.length > 0);
    expect(refused.every(({ received }) => received.includes('too many requests are being read'))).toBe(true);
    await log(daemon.url, goodRequest());
    await log(daemon.url, goodEnvelope(Buffer.alloc(MEBIBYTE, 'a')));
    for (const { socket } of holders) socket.destroy();
  });

  it.each([
    [
      '330,000 fields',
      `{${Array.from({ length: 330_000 }, (_, i) => `"k${i}":0`).join(',')}}`,
      /over 256 fields/,
    ],
    [
      'a million empty objects',
      `{"hashedRekordRequestV002":[${'{},'.repeat(1_000_000)}{}]}`,
      /over 1024 brackets/,
    ],
    ['a name of 3 MB', `{"${'_a'.repeat(1_500_000)}":0}`, /a name of 3000000 characters, over 256/],
    [
      'a signature of 3 MB',
      JSON.stringify({
        hashedRekordRequestV002: {
          ...goodRequest().hashedRekordRequestV002,
          signature: { content: '-'.repeat(3_000_000), verifier: {} },
        },
      }),
      /signature\.content: has 3000000 characters; an entry has at most 65535 bytes/,
    ],
  ])('that sends %s is told at which limit it was stopped', async (_, body, message) => {
    const answer = await submit(daemon.url, JSON.parse(body) as unknown);
    expect(expectProblem(answer, 400)).toMatch(message);
  });
});
