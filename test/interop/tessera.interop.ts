/**
 * Tessera's own checks of a log: fsck over all of it, and hammer as a crowd of readers while it grows.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withMirror } from './altered-mirror.js';
import { run } from './program.js';
import { startLog, type ServedLog } from './served-log.js';
import { describeWithTools } from './with-tools.js';

const differs = (tile: string) => new RegExp(`fsck failed: failed: tile/${tile}: log has:`);

describeWithTools(['tessera-fsck'], "Tessera's fsck", (tools) => {
  let log: ServedLog;

  /** What it logged. Its exit status is always 0. */
  const fsck = async (url: string, verifierKey = log.verifierKey) => {
    // A worker ends with the first file that it finds wrong, and fsck waits for ever when none is left.
    const args = ['-storage_url', url, '-public_key', verifierKey, '-ui=false', '-N=8'];
    const { status, output } = await run(tools('tessera-fsck'), args, log.folder);
    expect(status).toBe(0);
    return output;
  };

  beforeAll(async () => {
    log = await startLog();
    await log.add(600);
  });
  afterAll(() => log.stop());

  it('finds nothing wrong', async () => {
    const output = await fsck(log.url);
    expect(output).toContain("Successfully fsck'd log with size 600 ");
    expect(output).not.toMatch(/^[WEF]\d{4} /m);
  });

  it("refuses another log's key", async () => {
    const other = await startLog();
    try {
      const output = await fsck(log.url, other.verifierKey);
      expect(output).toMatch(/fsck failed: failed to fetch and verify checkpoint/);
      expect(output).not.toContain('Successfully');
    } finally {
      await other.stop();
    }
  });

  it.each([
    ['checkpoint', { path: /^\/checkpoint$/, at: 20 }, /fsck failed: failed to fetch and verify checkpoint/],
    ['full tile', { path: /^\/tile\/0\/000$/, at: 0 }, differs('0/000')],
    ['partial tile', { path: /^\/tile\/0\/002\.p\/88$/, at: -1 }, differs('0/002.p/88')],
    ['tile of a higher level', { path: /^\/tile\/1\/000\.p\/2$/, at: 0 }, differs('1/000.p/2')],
    // By a tile that it should have: whichever is compared first.
    ['full entry bundle', { path: /^\/tile\/entries\/000$/, at: -1 }, differs('(0/000|1/000.p/2)')],
    ['partial entry bundle', { path: /^\/tile\/entries\/002\.p\/88$/, at: -1 }, differs('0/002.p/88')],
  ])('refuses a mirror where one byte of a %s is changed', async (_file, altered, words) => {
    await withMirror(log.url, altered, async (url) => {
      const output = await fsck(url);
      expect(output).toMatch(words);
      expect(output).not.toContain('Successfully');
    });
  });
});

describeWithTools(['tessera-hammer'], "Tessera's hammer", (tools) => {
  let log: ServedLog;

  /** Reads for some seconds, and logs every checkpoint and leaf that it takes. The exit status is then 1. */
  const hammer = (url: string, seconds: number) =>
    run(
      tools('tessera-hammer'),
      [
        ...['-log_url', url, '-log_public_key', log.daemon.verifierKey, '-show_ui=false', '-v=2'],
        ...['-max_read_ops', '200', '-max_runtime', `${seconds}s`],
      ],
      log.folder,
    );
  const grow = async (seconds: number) => {
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) await log.add(20);
  };

  beforeAll(async () => {
    log = await startLog();
    await log.add(300);
  });
  afterAll(() => log.stop());

  it('reads while the log grows, and proves each checkpoint to extend the one before', async () => {
    const start = await log.size();
    const [{ status, output }] = await Promise.all([hammer(log.url, 8), grow(6)]);

    expect(status, output).toBe(1);
    expect(output).toContain('Max runtime reached; exiting');
    expect(output).not.toMatch(/^[WEF]\d{4} /m);
    const steps = [...output.matchAll(/Updated checkpoint from (\d+) to (\d+)$/gm)];
    expect(steps.length).toBeGreaterThan(3);
    expect(Number(steps[0]?.[1])).toBeGreaterThanOrEqual(start);
    expect(Number(steps.at(-1)?.[2])).toBeGreaterThanOrEqual(start + 100);
    const leaves = new Set([...output.matchAll(/LeafReader getting (\d+)$/gm)].map(([, leaf]) => leaf));
    expect(leaves.size).toBeGreaterThan(300);
  });

  it('refuses a mirror where one byte of a tile is changed', async () => {
    await withMirror(log.url, { path: /^\/tile\/1\/000\.p\/\d+$/, at: 0 }, async (url) => {
      const [{ status, output }] = await Promise.all([hammer(url, 4), grow(2)]);
      expect(output).toMatch(/^F.*Last Good Checkpoint:[^]*log consistency check failed: calculated root/m);
      expect(status).toBe(255);
    });
  });

  it('complains of a mirror where one byte of a bundle is changed: the length of an entry', async () => {
    await withMirror(log.url, { path: /^\/tile\/entries\/000$/, at: 0 }, async (url) => {
      const { output } = await hammer(url, 3);
      expect(output).toMatch(/failed to get leaf \d+: .*failed to parse EntryBundle at index 0/);
    });
  });
});
