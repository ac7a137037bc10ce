/**
 * sigstore-python on what the log answers to submissions: its classes read the entry, and its Merkle and checkpoint
 * modules verify it with the trust file that the log serves. Its own verifier takes certificates alone, so that bare
 * keys are verified in no other way.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ALGORITHMS } from '#src/signatures/algorithms.js';
import { decodeBase64, encodeBase64 } from '#tiles-spec/index.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { goodEnvelope, goodRequest } from '../support/http.js';
import { hashedRekordRequest, submit, type Answer, type RequestVerifier } from '../support/submission.js';
import { OpenSsl } from '../support/openssl-keys.js';
import { describeWithTools } from './with-tools.js';

const DRIVER = join(import.meta.dirname, 'python', 'log_entries.py');

/** More than one tile of hashes is wide, so that proofs go over two levels of tiles. */
const LARGE = 300;

/** What sigstore-python read of an entry that it verified, or why it refused it. */
type Verdict =
  | {
      readonly index: number;
      readonly size: number;
      readonly hashes: number;
      readonly kind: string;
      readonly version: string;
      readonly keyDetails: string;
    }
  | { readonly refused: string };

describeWithTools(['python'], 'sigstore-python', (tools) => {
  let folder: string;
  let log: Daemon;
  let other: Daemon;
  let openssl: OpenSsl;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stele-'));
    openssl = new OpenSsl();
    [log, other] = await Promise.all([
      startDaemon(join(folder, 'log'), ['--batch-age', '1ms']),
      startDaemon(join(folder, 'other')),
    ]);
  });

  afterAll(async () => {
    await Promise.all([log.stop(), other.stop()]);
    openssl.remove();
    await rm(folder, { recursive: true, force: true });
  });

  /** Has sigstore-python verify entries with the trust file that a log serves. */
  async function verdicts(trusted: Daemon, entries: readonly object[]): Promise<Verdict[]> {
    const root = join(folder, `${randomBytes(8).toString('hex')}.json`);
    await writeFile(root, await (await fetch(`${trusted.url}/trusted_root.json`)).text());
    const printed = await new Promise<string>((resolve, reject) => {
      const child = execFile(
        tools('python'),
        [DRIVER, root],
        { maxBuffer: 1 << 26 },
        (error, stdout, stderr) => {
          if (error === null) resolve(stdout);
          else reject(new Error(`the driver failed:\n${stderr}`));
        },
      );
      child.stdin?.end(JSON.stringify(entries));
    });
    return JSON.parse(printed) as Verdict[];
  }

  it('verifies the log\u2019s first entry, whose index is 0 and whose proof has no hashes', async () => {
    const answer = await submit(other.url, goodRequest());
    expect(await verdicts(other, [answer])).toEqual([
      expect.objectContaining({ index: 0, size: 1, hashes: 0, kind: 'hashedrekord' }),
    ]);
  });

  it('verifies entries of each kind of key, as bare keys and as certificates', async () => {
    const requests = ALGORITHMS.flatMap((algorithm) => {
      const { key, certificate, digest, signature } = openssl.signed(algorithm, randomBytes(40));
      const { keyDetails } = algorithm;
      const verifiers: RequestVerifier[] = [
        { form: 'publicKey', der: key, keyDetails },
        { form: 'x509Certificate', der: certificate, keyDetails },
      ];
      return verifiers.map((verifier) => ({
        keyDetails,
        request: hashedRekordRequest(digest, signature, verifier),
      }));
    });
    const answers = await Promise.all(requests.map(({ request }) => submit(log.url, request)));
    const read = await verdicts(log, answers);
    expect(read).toEqual(
      answers.map(({ logIndex, inclusionProof: { treeSize, hashes } }, i) => ({
        index: Number(logIndex),
        size: Number(treeSize),
        hashes: hashes.length,
        kind: 'hashedrekord',
        version: '0.0.2',
        keyDetails: requests[i]?.keyDetails,
      })),
    );
  });

  it('verifies a DSSE envelope\u2019s entry', async () => {
    const answer = await submit(log.url, goodEnvelope());
    expect(await verdicts(log, [answer])).toEqual([
      expect.objectContaining({ kind: 'hashedrekord', keyDetails: 'PKIX_ECDSA_P256_SHA_256' }),
    ]);
  });

  it('verifies entries at every size that the log passes through, and old ones at a late size', async () => {
    const first = goodRequest();
    const answers = [await submit(log.url, first)];
    for (let size = 0; size < LARGE; size = Number(answers.at(-1)?.inclusionProof.treeSize)) {
      // By fives: of those in one batch only the last one is at the right edge of the tree.
      const batch = await Promise.all(Array.from({ length: 5 }, () => submit(log.url, goodRequest())));
      answers.push(...batch.toSorted((a, b) => Number(a.logIndex) - Number(b.logIndex)));
    }
    // A repeat is answered with the entry it repeats, and a proof for the tree as it is now.
    const again = await submit(log.url, first);
    expect(again.logIndex).toBe(answers[0]?.logIndex);
    answers.push(again);

    const read = await verdicts(log, answers);
    expect(read).toEqual(
      answers.map(({ logIndex, inclusionProof }): unknown =>
        expect.objectContaining({ index: Number(logIndex), size: Number(inclusionProof.treeSize) }),
      ),
    );
    expect(new Set(answers.map(({ inclusionProof }) => inclusionProof.treeSize)).size).toBeGreaterThan(40);
    expect(again.inclusionProof.hashes.length).toBeGreaterThan(8);
  });

  it('refuses an entry of one log with the key of another', async () => {
    const [of, ofOther] = [await submit(log.url, goodRequest()), await submit(other.url, goodRequest())];
    const refused = { refused: 'checkpoint: invalid signature: keyring: invalid signature' };
    expect(await verdicts(other, [of, ofOther])).toEqual([
      refused,
      expect.objectContaining({ kind: 'hashedrekord' }),
    ]);
    expect(await verdicts(log, [of, ofOther])).toEqual([
      expect.objectContaining({ kind: 'hashedrekord' }),
      refused,
    ]);
  });

  const TAMPERINGS: readonly [string, RegExp, (entry: Answer) => void][] = [
    [
      'a hash of the proof flipped',
      /invalid root hash/,
      ({ inclusionProof: { hashes } }) => {
        hashes[0] = flipped(hashes[0]);
      },
    ],
    [
      'a hash left out',
      /inclusion proof has wrong size/,
      ({ inclusionProof: { hashes } }) => {
        hashes.pop();
      },
    ],
    [
      'the index of another entry',
      /inclusion proof has wrong size|invalid root hash/,
      ({ inclusionProof }) => {
        inclusionProof.logIndex = String(Number(inclusionProof.logIndex) ^ 1);
      },
    ],
    [
      'a tree of another size',
      /inclusion proof has wrong size|invalid root hash/,
      ({ inclusionProof }) => {
        inclusionProof.treeSize = String(Number(inclusionProof.treeSize) * 2);
      },
    ],
    [
      'another root in the proof',
      /invalid root hash/,
      ({ inclusionProof }) => {
        inclusionProof.rootHash = flipped(inclusionProof.rootHash);
      },
    ],
    [
      'another body',
      /invalid root hash/,
      (entry) => {
        entry.canonicalizedBody = Buffer.from(
          Buffer.from(entry.canonicalizedBody, 'base64')
            .toString()
            .replace(/"digest":"[^"]*"/, `"digest":"${encodeBase64(randomBytes(32))}"`),
        ).toString('base64');
      },
    ],
    [
      'another root in the checkpoint',
      /checkpoint: invalid signature/,
      inCheckpoint((lines) => {
        lines[2] = flipped(lines[2]);
      }),
    ],
    [
      'another signature of the checkpoint',
      /checkpoint: invalid signature/,
      inCheckpoint((lines) => {
        const [dash, name, signature] = lines[4]?.split(' ') ?? [];
        lines[4] = `${String(dash)} ${String(name)} ${flipped(signature, -1)}`;
      }),
    ],
    [
      'another log\u2019s id',
      /checkpoint: Signature not found for log ID/,
      (entry) => {
        entry.logId.keyId = flipped(entry.logId.keyId);
      },
    ],
    [
      'no checkpoint',
      /checkpoint/,
      ({ inclusionProof }) => {
        Object.assign(inclusionProof, { checkpoint: null });
      },
    ],
  ];

  it('refuses an entry that was tampered with, each in the place where it was', async () => {
    await submit(log.url, goodRequest());
    const answer = await submit(log.url, goodRequest());
    const tampered = TAMPERINGS.map(([, , tamper]) => {
      const copy = structuredClone(answer);
      tamper(copy);
      return copy;
    });
    const [good, ...refused] = await verdicts(log, [answer, ...tampered]);
    expect(good).toMatchObject({ index: Number(answer.logIndex) });
    const told = refused.map((verdict, i) => [TAMPERINGS[i]?.[0], 'refused' in verdict && verdict.refused]);
    expect(told).toEqual(TAMPERINGS.map(([name, why]) => [name, expect.stringMatching(why) as unknown]));
  });
});

function inCheckpoint(change: (lines: string[]) => void): (entry: Answer) => void {
  return ({ inclusionProof: { checkpoint } }) => {
    const lines = checkpoint.envelope.split('\n');
    change(lines);
    checkpoint.envelope = lines.join('\n');
  };
}

/** Base64 with one bit of one byte changed. */
function flipped(base64 = '', at = 0): string {
  const bytes = decodeBase64(base64);
  const place = (at + bytes.length) % bytes.length;
  return encodeBase64(bytes.map((byte, i) => (i === place ? byte ^ 1 : byte)));
}
