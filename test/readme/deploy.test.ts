/**
 * docs/deploy.md is true where it can be run without an account or a container: what it says of nginx is in
 * test/integration/nginx.test.ts.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { fsck } from '#reader/index.js';
import { openLog } from '#reader/node/index.js';
import { startDaemon, STELE, withFolder } from '../support/daemon.js';
import { goodRequest, log } from '../support/http.js';
import { describeWithProgram } from '../support/program.js';

const PAGE = readFileSync('docs/deploy.md', 'utf8');

describeWithProgram({ names: ['rsync'], variable: 'STELE_TEST_RSYNC' }, 'a copy of a store', () => {
  test('that is made while the writer runs is a whole log, and so is what a later one adds', async () => {
    const [, commands] = /^```sh copy\n([^]*?)^```$/m.exec(PAGE) ?? [];
    if (commands === undefined) throw new Error('docs/deploy.md does not say how to copy a store');
    await withFolder(async (data) => {
      const daemon = await startDaemon(data, ['--batch-age', '10ms']);
      const over = new AbortController();
      const submitting = (async () => {
        while (!over.signal.aborted)
          await Promise.all(Array.from({ length: 7 }, () => log(daemon.url, goodRequest())));
      })();
      try {
        let last = 0;
        for (let copies = 0; copies < 2; copies++) {
          await log(daemon.url);
          const stele = `stele() { '${process.execPath}' '${STELE}' "$@"; }`;
          // The log goes on between any two of them.
          const script = `${stele}\n${commands.replaceAll('\n', '\nsleep 0.3\n')}`;
          const { stdout } = await promisify(execFile)('sh', ['-ec', script], {
            cwd: data,
            env: { PATH: process.env['PATH'], HOME: data },
          });
          expect(stdout).toMatch(/^every file of the tree of \d+ is right$/m);
          const copy = await openLog(join(data, 'copy'), { verifierKey: daemon.verifierKey });
          const { size } = (await fsck(copy)).checkpoint;
          expect(size).toBeGreaterThan(last);
          last = size;
        }
        expect(existsSync(join(data, 'copy', 'staging'))).toBe(false);
      } finally {
        over.abort();
        await submitting;
        await daemon.stop();
      }
    });
  });
});

describe('docs/deploy.md', () => {
  test('links to files that are there', () => {
    const links = [...PAGE.matchAll(/\]\(\.\.\/([^)#]+)\)/g)].map(([, file = '']) => file);
    expect(links).toEqual(
      expect.arrayContaining(['deploy/nginx.conf', 'deploy/stele.service', 'deploy/Dockerfile']),
    );
    for (const file of links) expect(existsSync(file), file).toBe(true);
  });

  test('has JSON that is JSON', () => {
    const blocks = [...PAGE.matchAll(/^```json .*\n([^]*?)^```$/gm)];
    expect(blocks.length).toBeGreaterThan(0);
    for (const [, json = ''] of blocks) expect(() => JSON.parse(json) as unknown).not.toThrow();
  });
});
