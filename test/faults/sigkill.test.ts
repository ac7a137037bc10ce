/**
 * A writer on a real folder, with real SQLite and real locks, is killed before and after each of its durable calls.
 * Then another writer starts on the same folder.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LogKey } from '#src/keys/node/log-key.js';
import { rebuild, requirePrefix, type NaiveLog } from '../support/naive-log.js';
import { ORIGIN } from '../support/test-log.js';

interface Acknowledgement {
  readonly leaf: string;
  readonly index: number;
  readonly size: number;
}

interface End {
  readonly calls: readonly string[];
  readonly error?: string;
  readonly sequenced: number;
  readonly unpublished: number;
}

interface Life {
  /** How the process ended: `SIGKILL`, or an exit code. */
  readonly end: string;
  readonly acknowledged: readonly Acknowledgement[];
  readonly said: End | undefined;
}

const FOLDERS = await mkdtemp(join(tmpdir(), 'stele-sigkill-'));
afterAll(() => rm(FOLDERS, { recursive: true }));

/** Runs a writer on a folder (kill-writer.mjs). */
async function live(folder: string, ...args: readonly string[]): Promise<Life> {
  const { end, stdout } = await new Promise<{ end: string; stdout: string }>((resolve) => {
    const file = join(process.cwd(), 'test', 'faults', 'kill-writer.mjs');
    execFile(process.execPath, [file, folder, ...args], (error, stdout, stderr) => {
      resolve({ end: error === null ? '0' : (error.signal ?? `${String(error.code)}: ${stderr}`), stdout });
    });
  });
  const lines = stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Acknowledgement | End);
  return {
    end,
    acknowledged: lines.filter((line) => 'leaf' in line),
    said: lines.find((line) => 'calls' in line),
  };
}

/** The whole log in a folder, by the naive reader; undefined where the folder has no log. */
async function logIn(folder: string): Promise<NaiveLog | undefined> {
  const file = (path: string) => join(folder, 'store', path);
  if (!existsSync(file('checkpoint'))) return undefined;
  const { spki } = await LogKey.read(join(folder, 'log.key'));
  const read = (path: string) => (existsSync(file(path)) ? readFileSync(file(path)) : undefined);
  return rebuild(readFileSync(file('checkpoint')), read, { origin: ORIGIN, spki });
}

function requireThere(log: NaiveLog | undefined, acknowledged: readonly Acknowledgement[]): void {
  for (const { leaf, index } of acknowledged) assert.equal(log?.leaves[index], leaf);
}

let folders = 0;
/** A copy of a folder, or an empty folder. */
async function folderFrom(base?: string): Promise<string> {
  const folder = join(FOLDERS, String(folders++));
  if (base === undefined) return mkdtemp(folder);
  await cp(base, folder, { recursive: true });
  return folder;
}

async function folderOf(size: number): Promise<string> {
  const folder = await folderFrom();
  const { end } = await live(folder, 'none', 'before', `before:${size}`);
  assert.equal(end, '0');
  return folder;
}

const SHAPES = [
  { name: 'a new log and its first entry', base: undefined, before: 0, batch: 1 },
  { name: 'five entries after 254', base: await folderOf(254), before: 254, batch: 5 },
];

for (const { name, base, before, batch } of SHAPES) {
  const whole = await live(await folderFrom(base), 'none', 'before', `batch:${batch}`);
  assert.equal(whole.end, '0');
  const calls = whole.said?.calls ?? [];
  describe.concurrent(name, () => {
    it('has kill points', () => {
      expect(calls.length).toBeGreaterThanOrEqual(10);
      expect(calls.at(-1)).toBe(`store.delete staging/${before}`);
    });
    for (const [number, call] of calls.entries()) {
      for (const when of ['before', 'after']) {
        it(`SIGKILL ${when} ${number} ${call}`, async () => {
          const folder = await folderFrom(base);
          const killed = await live(folder, String(number), when, `batch:${batch}`);
          expect(killed.end).toBe('SIGKILL');
          const left = await logIn(folder);
          requireThere(left, killed.acknowledged);

          const next = await live(folder, 'none', when, `batch:${batch}`, 'more:3');
          expect(next.end).toBe('0');
          expect(next.said?.error).toBeUndefined();
          const log = await logIn(folder);
          assert.ok(log);
          if (left !== undefined) requirePrefix(left, log);
          requireThere(log, [...killed.acknowledged, ...next.acknowledged]);
          expect(next.acknowledged).toHaveLength(batch + 3);
          expect(log.size).toBe(before + batch + 3);
          expect(next.said).toMatchObject({ sequenced: log.size, unpublished: 0 });
          await rm(folder, { recursive: true });
        });
      }
    }
  });
}
