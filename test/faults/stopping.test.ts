/**
 * Writers that stop because they cannot go on.
 */
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { DamagedStoreError, UnavailableError } from '#src/errors.js';
import { LogKey } from '#src/keys/node/log-key.js';
import { FolderStore } from '#src/store/folder.js';
import { leafHash } from '#tiles-spec/index.js';
import { SqliteStaging } from '#writer/staging/staging.js';
import { Writer } from '#writer/writer.js';
import { withFolder } from '../support/daemon.js';

class ScriptedStore extends FolderStore {
  onCreate: (path: string) => Promise<void> = () => Promise.resolve();

  override async create(path: string, bytes: Uint8Array): Promise<boolean> {
    await this.onCreate(path);
    return super.create(path, bytes);
  }
}

async function withWriter(
  use: (writer: Writer, store: ScriptedStore, abort: AbortController) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const store = new ScriptedStore(join(folder, 'store'));
    const staging = await SqliteStaging.open(join(folder, 'staging.sqlite'));
    const abort = new AbortController();
    const options = { batchAge: 0, batchSize: 64, maxPending: 64, create: true, origin: 'stopping.example' };
    const key = await LogKey.create(join(folder, 'log.key'));
    const log = pino({ level: 'silent' });
    const writer = await Writer.open({ ...options, store, staging, key, log }, abort.signal);
    try {
      await use(writer, store, abort);
    } finally {
      abort.abort(new Error('the test is over'));
      await writer.close();
      await staging.close();
    }
  });
}

function entry(text: string) {
  const body = new TextEncoder().encode(text);
  return { body, leafHash: leafHash(body) };
}

describe('a store that is damaged in one place and does not answer in another', () => {
  test('stops the writer, and nothing of the batch goes on', () =>
    withWriter(async (writer, store) => {
      let bundleTries = 0;
      store.onCreate = async (path) => {
        if (path.startsWith('tile/entries/')) {
          bundleTries++;
          throw new Error('input/output error');
        }
        if (path.startsWith('tile/0/')) throw new DamagedStoreError('other bytes');
        await Promise.resolve();
      };
      await expect(writer.submit(entry('a'))).rejects.toThrow(
        'the log has stopped: its store or its staging is damaged',
      );
      expect(await writer.stopped).toBeInstanceOf(DamagedStoreError);
      const tries = bundleTries;
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(bundleTries).toBe(tries);
    }));
});

describe('a store call that never ends', () => {
  test('ends with the signal, and its reason is told', () =>
    withWriter(async (writer, store, abort) => {
      store.onCreate = () => new Promise(() => undefined);
      const submitted = writer.submit(entry('a'));
      submitted.catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 100));
      abort.abort(new UnavailableError('the store did not answer within 30 s'));
      await expect(submitted).rejects.toThrow('the store did not answer within 30 s');
      expect((await writer.stopped)?.message).toBe('the store did not answer within 30 s');
    }));
});
