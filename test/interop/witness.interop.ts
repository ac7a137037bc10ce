/**
 * Witnesses of others cosign the log's checkpoints, by what `stele logproof --format json` prints, and by nothing else.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { jsonOf, User } from '../support/cli.js';
import { cosignedAt } from './cosignature.js';
import { startLog, type ServedLog } from './served-log.js';
import { WITNESSES, type Witness } from './witnesses.js';
import { describeWithTools } from './with-tools.js';

/** What `logproof` prints of it. */
interface LogProof {
  readonly FirstSize: number;
  readonly ConsistencyProof: readonly string[];
  readonly Checkpoint: string;
}

for (const { name, tools: needed, start } of WITNESSES) {
  describeWithTools(needed, name, (tools) => {
    let log: ServedLog;
    let otherLog: ServedLog;
    let user: User;
    let witness: Witness;

    beforeAll(async () => {
      [log, otherLog] = await Promise.all([startLog(), startLog()]);
      user = await User.create();
      witness = await start(tools, user.folder, log.daemon.verifierKey);
    });
    afterAll(async () => {
      await Promise.all([witness.stop(), log.stop(), otherLog.stop()]);
      await user.remove();
    });

    const checkpointOf = async ({ url }: ServedLog) => (await fetch(`${url}/checkpoint`)).text();

    /** A request of c2sp.org/tlog-witness. */
    const addCheckpoint = (oldSize: number, proof: readonly string[], checkpoint: string) =>
      fetch(witness.url, {
        method: 'POST',
        body: [`old ${oldSize}`, ...proof, '', checkpoint].join('\n'),
      });

    const proofFrom = async (size: number) => {
      const args = ['logproof', '--rekor_server', log.url, '--vkey', log.daemon.verifierKey];
      const ended = await user.run([...args, '--first-size', String(size), '--format', 'json']);
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      return jsonOf(ended) as unknown as LogProof;
    };

    const expectCosigned = async (response: Response, checkpoint: string) => {
      const lines = await response.text();
      expect(response.status, lines).toBe(200);
      expect(Math.abs(cosignedAt(checkpoint, lines, witness.key) - Date.now() / 1000)).toBeLessThan(60);
    };

    it('cosigns the first checkpoint that it is shown, and each later one with the proof of logproof', async () => {
      await log.add(3);
      const first = await checkpointOf(log);
      await expectCosigned(await addCheckpoint(0, [], first), first);
      // Over a tile's width, and back to a tree that is no tile's.
      for (const more of [4, 300]) {
        const seen = await log.size();
        await log.add(more);
        const { FirstSize, ConsistencyProof, Checkpoint } = await proofFrom(seen);
        expect(FirstSize).toBe(seen);
        await expectCosigned(await addCheckpoint(FirstSize, ConsistencyProof, Checkpoint), Checkpoint);
      }
    });

    it('refuses a proof with one bit changed', async () => {
      const seen = await log.size();
      await log.add(2);
      const { ConsistencyProof, Checkpoint } = await proofFrom(seen);
      const [first = '', ...rest] = ConsistencyProof;
      const bytes = Buffer.from(first, 'base64');
      bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
      const response = await addCheckpoint(seen, [bytes.toString('base64'), ...rest], Checkpoint);
      expect(response.status).toBe(422);
    });

    it('refuses another log of the same name, and says which size it has seen where it is asked from another', async () => {
      await otherLog.add(2);
      // The specification has 403; omniwitness answers 500.
      expect([403, 500]).toContain((await addCheckpoint(0, [], await checkpointOf(otherLog))).status);
      const { ConsistencyProof, Checkpoint } = await proofFrom(2);
      const stale = await addCheckpoint(2, ConsistencyProof, Checkpoint);
      expect(stale.status).toBe(409);
      expect(await stale.text()).toMatch(/^[0-9]+\n$/);
    });
  });
}
