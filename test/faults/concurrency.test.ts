/**
 * Thousands of submissions at once over HTTP, a third of them repeats: the log is then checked by its answers and its
 * files.
 */
import { createHash, generateKeyPairSync, randomBytes, randomInt, sign } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NoteVerifier } from '#tiles-spec/index.js';
import { problemSchema } from '#writer/http/openapi.js';
import { answerSchema } from '../support/answer-schema.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { BUCKET } from '../support/log-place.js';
import { hashedRekordRequest, proveAnswer, readBack, type ProvedAnswer } from '../support/submission.js';

const ENTRIES = 2_000;
const REPEATS = 1_000;
const KEYS = 50;

/** The daemon's memory limit at its peak, in MB. */
const MOST_MEMORY = 600;

/** How long a submitter goes on trying, in milliseconds. */
const PATIENCE = 150_000;

/** The answer to one submission of the entry with this number. */
interface Submission {
  readonly entry: number;
  readonly answer: ProvedAnswer;
  /** The messages of the answers that told the submitter to try again. */
  readonly refusals: readonly string[];
}

const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();

/** Requests for distinct entries. */
function newRequests(): string[] {
  const keys = Array.from({ length: KEYS }, () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return { privateKey, der: publicKey.export({ format: 'der', type: 'spki' }) };
  });
  return Array.from({ length: ENTRIES }, (_, i) => {
    const key = keys[i % KEYS];
    if (key === undefined) throw new TypeError('there are keys');
    const message = randomBytes(32);
    const verifier = { form: 'publicKey', der: key.der, keyDetails: 'PKIX_ECDSA_P256_SHA_256' } as const;
    return JSON.stringify(
      hashedRekordRequest(sha256(message), sign('sha256', message, key.privateKey), verifier),
    );
  });
}

/** Every entry once and some twice, shuffled. */
function newOrder(): number[] {
  const order = [
    ...Array.from({ length: ENTRIES }, (_, i) => i),
    ...Array.from({ length: REPEATS }, () => randomInt(ENTRIES)),
  ];
  for (let i = order.length - 1; i > 0; i--) {
    const j = randomInt(i + 1);
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order;
}

/** Submits until the entry is logged, and waits between tries as long as the log says. */
async function submitPatiently(
  url: string,
  body: string,
  dispatcher: Agent,
): Promise<{ text: string; refusals: string[] }> {
  const deadline = Date.now() + PATIENCE;
  for (const refusals: string[] = []; ;) {
    const response = await request(`${url}/api/v2/log/entries`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      dispatcher,
    }).catch((error: unknown) => {
      // The kernel's queue is too short for thousands of connections at once.
      expect(error).toMatchObject({ code: 'ECONNRESET' });
      expect(Date.now()).toBeLessThan(deadline);
    });
    if (response === undefined) continue;
    const text = await response.body.text();
    if (response.statusCode === 201) return { text, refusals };
    expect(response.statusCode, text).toBe(503);
    const { code, message } = problemSchema.parse(JSON.parse(text));
    expect(code).toBe(14);
    expect(response.headers['retry-after']).toMatch(/^[1-9]$/);
    refusals.push(message);
    expect(Date.now(), `still refused: ${message}`).toBeLessThan(deadline);
    // Spread the next tries over time.
    await sleep(Number(response.headers['retry-after']) * 1000 + randomInt(3000));
  }
}

/** A verifier that keeps its results: thousands of answers share a few checkpoints. */
function remembering(verifier: NoteVerifier): NoteVerifier {
  const verdicts = new Map<string, boolean>();
  return {
    name: verifier.name,
    keyId: verifier.keyId,
    verify: (text, signature) => {
      const key = `${Buffer.from(text).toString('hex')} ${Buffer.from(signature).toString('hex')}`;
      const verdict = verdicts.get(key) ?? verifier.verify(text, signature);
      verdicts.set(key, verdict);
      return verdict;
    },
  };
}

/** The Merkle tree hash, as RFC 6962 section 2.1 defines it. */
function treeHash(leaves: readonly Buffer[]): Buffer {
  const [only, ...more] = leaves;
  if (only === undefined) return sha256();
  if (more.length === 0) return only;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha256(Buffer.of(1), treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)));
}

const QUEUES = [
  { queue: 'the usual queue', args: [], fewestRefused: 0 },
  { queue: 'a queue of 256', args: ['--max-pending', '256'], fewestRefused: 100 },
];

// Admission is the same for every store, so one is enough.
describe.each(BUCKET === undefined ? QUEUES : QUEUES.slice(0, 1))(
  'a log of many submitters, with $queue,',
  ({ args, fewestRefused }) => {
    let folder: string;
    let daemon: Daemon;
    let submissions: Submission[];
    let started: number;
    let peak: string | undefined;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'stele-'));
      daemon = await startDaemon(folder, args);
      const requests = newRequests();
      const order = newOrder();
      const agent = new Agent({ connectTimeout: PATIENCE });
      started = Date.now();
      const answers = await Promise.all(
        order.map((entry) => submitPatiently(daemon.url, requests[entry] ?? '', agent)),
      ).finally(() => agent.destroy());
      if (process.platform === 'linux') {
        peak = await readFile(`/proc/${String(daemon.process.pid)}/status`, 'utf8');
      }
      const verifier = remembering(daemon.verifier);
      // Every answer's checkpoint and proof are verified here.
      submissions = answers.map(({ text, refusals }, i) => ({
        entry: order[i] ?? 0,
        answer: proveAnswer(answerSchema.parse(JSON.parse(text)), verifier),
        refusals,
      }));
    });

    afterAll(async () => {
      await daemon.stop();
      await rm(folder, { recursive: true, force: true });
    });

    /** An object of the log, as it is stored. */
    async function stored(path: string): Promise<Buffer> {
      const { statusCode, body } = await request(`${daemon.url}/${path}`);
      expect(statusCode, path).toBe(200);
      return Buffer.from(await body.arrayBuffer());
    }

    /** The paths of the bundles, or of their times. */
    function bundlePaths(kind: 'entries' | 'times'): string[] {
      return Array.from({ length: Math.ceil(ENTRIES / 256) }, (_, n) => {
        const width = Math.min(256, ENTRIES - n * 256);
        return `tile/${kind}/${String(n).padStart(3, '0')}${width === 256 ? '' : `.p/${width}`}`;
      });
    }

    /** The bodies in the entry bundles. A length of two bytes precedes each. */
    async function storedBodies(): Promise<Buffer[]> {
      const bodies: Buffer[] = [];
      for (const path of bundlePaths('entries')) {
        const bundle = gunzipSync(await stored(path));
        for (let at = 0; at < bundle.length;) {
          const length = bundle.readUInt16BE(at);
          bodies.push(bundle.subarray(at + 2, at + 2 + length));
          at += 2 + length;
        }
      }
      return bodies;
    }

    it('has each entry once, at indices without gaps', () => {
      const leaves = new Map(
        submissions.map(({ answer }) => [answer.index, Buffer.from(answer.leaf).toString('hex')]),
      );
      expect([...leaves.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: ENTRIES }, (_, i) => i));
      expect(new Set(leaves.values()).size).toBe(ENTRIES);
    });

    it('gave every repeat the same index', () => {
      const indices = new Map<number, Set<number>>();
      for (const { entry, answer } of submissions) {
        indices.set(entry, (indices.get(entry) ?? new Set()).add(answer.index));
      }
      expect(indices.size).toBe(ENTRIES);
      expect([...indices.values()].filter((of) => of.size !== 1)).toEqual([]);
    });

    it('has the answered bodies in its bundles, and the roots that they give', async () => {
      const bodies = await storedBodies();
      expect(bodies).toHaveLength(ENTRIES);
      const misplaced = submissions.filter(({ answer }) => !bodies[answer.index]?.equals(answer.body));
      expect(misplaced.map(({ answer }) => answer.index)).toEqual([]);

      const leaves = bodies.map((body) => sha256(Buffer.of(0), body));
      const rootOf = (size: number) => treeHash(leaves.slice(0, size)).toString('base64');
      const [origin, size, root] = (await stored('checkpoint')).toString().split('\n');
      expect([origin, size, root]).toEqual(['127.0.0.1', String(ENTRIES), rootOf(ENTRIES)]);
      // Every checkpoint in an answer is of the same tree.
      const given = new Map(submissions.map(({ answer: { checkpoint } }) => [checkpoint.size, checkpoint]));
      for (const [size, checkpoint] of given) {
        expect(Buffer.from(checkpoint.root).toString('base64')).toBe(rootOf(size));
      }
      const roots = new Set(
        submissions.map(({ answer: { checkpoint } }) => Buffer.from(checkpoint.root).toString('hex')),
      );
      expect(roots.size).toBe(given.size);
    });

    it('has times that never go back', async () => {
      const times: number[] = [];
      for (const path of bundlePaths('times')) {
        const bytes = await stored(path);
        for (let at = 0; at < bytes.length; at += 8) times.push(Number(bytes.readBigUInt64BE(at)));
      }
      expect(times).toHaveLength(ENTRIES);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(times[0]).toBeGreaterThanOrEqual(started);
      expect(times.at(-1)).toBeLessThanOrEqual(Date.now());
    });

    it('shows its entries to a reader', async () => {
      const last = submissions.find(({ answer }) => answer.index === ENTRIES - 1);
      for (const submission of [submissions[0], submissions.at(-1), last]) {
        if (submission === undefined) throw new Error('an entry is missing');
        await readBack(daemon.url, daemon.verifier, submission.answer);
      }
    });

    it('told those that it had no room for to come again, and logged them then', () => {
      const refused = submissions.filter(({ refusals }) =>
        refusals.some((message) => /^the log has \d+ entries waiting already/.test(message)),
      );
      expect(refused.length).toBeGreaterThanOrEqual(fewestRefused);
    });

    it(`never held more than ${MOST_MEMORY} MB`, ({ skip }) => {
      const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(peak ?? '') ?? [];
      if (process.platform !== 'linux') skip('only Linux tells the peak of resident memory');
      expect(Number(kilobytes) / 1024).toBeLessThan(MOST_MEMORY);
    });
  },
);
