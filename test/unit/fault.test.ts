import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withFolder } from '../support/daemon.js';
import { withWriter } from '../support/refused-start.js';

it('a damaged store is told to strangers without the names of its files', () =>
  withFolder((data) =>
    withWriter(data, async (writer) => {
      const checkpoint = join(data, 'store', 'checkpoint');
      await rm(checkpoint);
      await mkdir(checkpoint);
      expect(await writer.fault()).toStrictEqual({
        code: 'damaged',
        reason: "the log in the store does not verify; the daemon's own log says why",
      });
    }),
  ));
