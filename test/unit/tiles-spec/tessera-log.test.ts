import { expect, it } from 'vitest';
import {
  AuthenticatedTiles,
  consistencyProof,
  emptyRoot,
  formatPath,
  inclusionProof,
  leafHash,
  noteVerifier,
  openCheckpoint,
  parseEntryBundle,
  parseVerifierKey,
  readRightEdge,
  RightEdge,
  rootAt,
  verifyConsistency,
  verifyInclusion,
  type FetchTile,
} from '#tiles-spec/index.js';
import { describeWithVectors, readVector } from '../../support/vectors.js';

const VKEY = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx';
const SIZES = Array.from({ length: 16 }, (_, size) => size);

const checkpointAt = (size: number) =>
  openCheckpoint(readVector('tessera-log', `checkpoint.${size}`), noteVerifier(parseVerifierKey(VKEY)));

const fetchTile: FetchTile = ({ level, index, width }) =>
  Promise.resolve(readVector('tessera-log', formatPath({ kind: 'tile', level, index, width })));

const entriesOf = (size: number): Uint8Array[] =>
  size === 0
    ? []
    : parseEntryBundle(
        readVector('tessera-log', formatPath({ kind: 'entries', index: 0, width: size })),
        size,
      );

describeWithVectors("tessera's log of 0 to 15 entries", () => {
  it.each(SIZES)('size %i: checkpoint, right edge, and the root from the entries', async (size) => {
    const checkpoint = checkpointAt(size);
    expect(checkpoint.size).toBe(size);
    const edge = await readRightEdge(checkpoint, fetchTile);
    expect(edge.root()).toEqual(checkpoint.root);
    const { edge: built, tiles } = RightEdge.empty().append(entriesOf(size).map((entry) => leafHash(entry)));
    expect(built.root()).toEqual(checkpoint.root);
    for (const tile of tiles) expect(tile.bytes).toEqual(await fetchTile(tile));
    if (size === 0) expect(checkpoint.root).toEqual(emptyRoot());
  });

  it('the newest checkpoint is that of 15', () => {
    expect(readVector('tessera-log', 'checkpoint')).toEqual(readVector('tessera-log', 'checkpoint.15'));
  });

  it('every entry is in every tree that has it', async () => {
    for (const size of SIZES) {
      const checkpoint = checkpointAt(size);
      const tiles = new AuthenticatedTiles(checkpoint, fetchTile);
      for (const [index, entry] of entriesOf(size).entries()) {
        const proof = await inclusionProof(tiles, index, size);
        verifyInclusion(leafHash(entry), index, size, proof, checkpoint.root);
      }
    }
  });

  it('every tree begins with every older one', async () => {
    for (const size of SIZES) {
      const tiles = new AuthenticatedTiles(checkpointAt(size), fetchTile);
      for (const old of SIZES.filter((old) => old <= size)) {
        expect(await rootAt(tiles, old)).toEqual(checkpointAt(old).root);
        if (old === 0) continue;
        const proof = await consistencyProof(tiles, old, size);
        verifyConsistency(old, checkpointAt(old).root, size, checkpointAt(size).root, proof);
      }
    }
  });
});
