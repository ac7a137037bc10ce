/**
 * The daemon under load, killed at random moments and started again. Every entry that it answered with 201 stays
 * logged.
 */
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, randomBytes, randomInt, sign } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { expect, it } from 'vitest';
import { LogKey } from '#src/keys/node/log-key.js';
import { startDaemon, withFolder } from '../support/daemon.js';
import { BUCKET, placeOf } from '../support/log-place.js';
import { hashedRekordRequest } from '../support/submission.js';
import { rebuild, requirePrefix, type NaiveLog } from '../support/naive-log.js';

/** Lives of each of two logs, which run at once; in a bucket there is one log, with fewer lives. */
const LOGS = BUCKET === undefined ? ['one', 'another'] : ['one'];
const ROUNDS = BUCKET === undefined ? 8 : 4;

/** Time limit in milliseconds: on a busy machine so many starts take long. */
const LONGEST = 180_000;
const SUBMITTERS = 8;
const ORIGIN = 'log.example';

/** The part of an answer that is checked again at the end. */
interface Answer {
  readonly logIndex: string;
  readonly canonicalizedBody: string;
  readonly inclusionProof: { readonly checkpoint: { readonly envelope: string } };
}

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const der = publicKey.export({ format: 'der', type: 'spki' });

/** A request for a new entry. */
function newRequest(): string {
  const artifact = randomBytes(24);
  return JSON.stringify(
    hashedRekordRequest(
      createHash('sha256').update(artifact).digest(),
      sign('sha256', artifact, privateKey),
      { form: 'publicKey', der, keyDetails: 'PKIX_ECDSA_P256_SHA_256' },
    ),
  );
}

/** Submits until the daemon is dead. A request that was not answered is submitted again in the next life. */
async function load(url: string, unanswered: Set<string>, answers: Answer[]): Promise<void> {
  const agent = new Agent();
  const waiting = [...unanswered];
  const submit = async (): Promise<void> => {
    for (;;) {
      const body = waiting.pop() ?? newRequest();
      unanswered.add(body);
      const { statusCode, body: answer } = await request(`${url}/api/v2/log/entries`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        dispatcher: agent,
      });
      const json = await answer.text();
      assert.equal(statusCode, 201, json);
      answers.push(JSON.parse(json) as Answer);
      unanswered.delete(body);
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: SUBMITTERS }, submit));
  await agent.destroy();
  for (const end of ends) {
    if (end.status === 'rejected' && end.reason instanceof assert.AssertionError) throw end.reason;
  }
}

/** The whole log in the daemon's data folder, by the naive reader. */
async function logIn(data: string): Promise<NaiveLog> {
  const place = placeOf(data);
  const { spki } = await LogKey.read(join(data, 'log.key'));
  const paths = await place.paths();
  const files = new Map(
    await Promise.all(paths.map(async (path) => [path, await place.read(path)] as const)),
  );
  const checkpoint = files.get('checkpoint');
  assert.ok(checkpoint);
  return rebuild(checkpoint, (path) => files.get(path), { origin: ORIGIN, spki });
}

it.concurrent.each(LOGS)(
  `%s log survives ${ROUNDS} kills under load`,
  async () => {
    await withFolder(async (data) => {
      const unanswered = new Set<string>();
      const answers: Answer[] = [];
      let last: NaiveLog | undefined;
      let grew = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const daemon = await startDaemon(data, [
          '--origin',
          ORIGIN,
          '--batch-age',
          '10ms',
          '--log-level',
          'warn',
        ]);
        let isOver = false;
        const hasEnded = () => isOver;
        const loaded = load(daemon.url, unanswered, answers).finally(() => {
          isOver = true;
        });
        // A third of the lives end during the start, the others after an answer.
        const before = answers.length;
        while (round % 3 !== 0 && answers.length === before && !hasEnded()) await sleep(5);
        await sleep(randomInt(120));
        await daemon.stop('SIGKILL');
        await loaded;
        const log = await logIn(data);
        if (last !== undefined) requirePrefix(last, log);
        if (log.size > (last?.size ?? 0)) grew++;
        last = log;
      }
      const daemon = await startDaemon(data, ['--origin', ORIGIN]);
      expect((await request(`${daemon.url}/healthz`)).statusCode).toBe(200);
      expect(await daemon.stop()).toBe(0);

      const log = await logIn(data);
      if (last !== undefined) requirePrefix(last, log);
      for (const { logIndex, canonicalizedBody } of answers) {
        const body = Buffer.from(canonicalizedBody, 'base64');
        const leaf = createHash('sha256').update(Buffer.of(0)).update(body).digest('hex');
        expect(log.leaves[Number(logIndex)]).toBe(leaf);
      }
      // The load was real: at most a little over a third of the lives may end before they publish.
      expect(grew).toBeGreaterThan(1);
      expect(answers.length).toBeGreaterThanOrEqual(ROUNDS / 2);
    });
  },
  LONGEST,
);
