/**
 * Partial tiles, bundles and times go once the full ones are published; nothing that a reader needs goes with them.
 */
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { LogReader } from '#reader/index.js';
import { nodeGunzip } from '#reader/node/gunzip.js';
import { LogKey } from '#src/keys/node/log-key.js';
import { leafHash, verifyConsistency, type SignedCheckpoint } from '#tiles-spec/index.js';
import { PartialCollector } from '#writer/partial-collector.js';
import { SqliteStaging } from '#writer/staging/staging.js';
import { Writer } from '#writer/writer.js';
import { withFolder } from '../../support/daemon.js';
import { placeOf } from '../../support/log-place.js';

const bodyOf = (i: number) => new TextEncoder().encode(`entry ${i}`);

test('a log of 600 entries keeps the partial objects of its end alone, and every older tree is read as before', () =>
  withFolder(async (folder) => {
    const place = placeOf(folder);
    const store = place.store();
    const staging = await SqliteStaging.open(join(folder, 'staging.sqlite'));
    const key = await LogKey.create(join(folder, 'log.key'));
    const log = pino({ level: 'silent' });
    const options = {
      batchAge: 0,
      batchSize: 64,
      maxPending: 4096,
      create: true,
      origin: 'partials.example',
    };
    const writer = await Writer.open({ ...options, store, staging, key, log }, new AbortController().signal);
    const checkpoints: SignedCheckpoint[] = [];
    for (let size = 0; size < 600;) {
      const entries = Array.from({ length: 1 + (size % 37) }, () => bodyOf(size++));
      const proved = await Promise.all(
        entries.map((body) => writer.submit({ body, leafHash: leafHash(body) })),
      );
      checkpoints.push(...proved.slice(-1).map(({ checkpoint }) => checkpoint));
    }
    await writer.close();
    const { size } = writer.published.checkpoint;
    const partials = async () => (await place.paths()).filter((path) => /\.p\/\d+$/.test(path));
    const before = (await partials()).length;

    const collector = new PartialCollector(store, staging, log, 60_000);
    await collector.collect(size);
    await collector.collect(size);
    expect(await staging.collected()).toBe(size);
    const left = await partials();
    expect(left.length).toBeLessThan(before);
    expect(left.every((path) => /(002|1\/000)\.p\/\d+$/.test(path))).toBe(true);
    expect((await place.paths()).filter((path) => /^tile\/[^.]*\/\d{3}$/.test(path))).toHaveLength(6);

    const reader = new LogReader({
      read: async (path) => (await store.read(path))?.bytes,
      verifier: key.verifier('partials.example'),
      gunzip: nodeGunzip,
    });
    for (const old of checkpoints) {
      const tree = reader.at(old);
      const last = (await tree.entryBundle(Math.floor((old.size - 1) / 256))).at(-1);
      expect(last).toEqual(Buffer.from(bodyOf(old.size - 1)));
      expect(await tree.times(Math.floor((old.size - 1) / 256))).toHaveLength(((old.size - 1) % 256) + 1);
      const proof = await reader.at(writer.published.checkpoint).consistencyProof(old.size);
      verifyConsistency(old.size, old.root, size, writer.published.checkpoint.root, proof);
    }
    await staging.close();

    // The log goes on from what is left.
    const again = await SqliteStaging.open(join(folder, 'staging.sqlite'));
    const next = await Writer.open(
      { ...options, store, staging: again, key, log },
      new AbortController().signal,
    );
    const body = bodyOf(size);
    expect(await next.submit({ body, leafHash: leafHash(body) })).toMatchObject({ index: size });
    await next.close();
    await again.close();
    expect((await place.read('checkpoint'))?.toString().split('\n')[1]).toBe(String(size + 1));
  }));
