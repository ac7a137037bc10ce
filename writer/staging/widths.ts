/**
 * The widths in which each tile was published before it was full: 256 bits a tile, kept until the partial objects are
 * deleted. For a tile without a row the widths are unknown, and every width is deleted.
 * @module
 */
import { hashesAt, TILE_WIDTH, widthAt } from '../../tiles-spec/index.js';
import { checksum } from './checksum.js';
import { blobIn, type Queries } from './database.js';

const EVERY_WIDTH = Array.from({ length: TILE_WIDTH - 1 }, (_, i) => i + 1);

/** The widths, 1 to 255, in which a tile may have been published: all of them where they are unknown. */
export async function widthsOf(queries: Queries, level: number, number: number): Promise<number[]> {
  const bits = await readBits(queries, level, number);
  return bits === undefined ? EVERY_WIDTH : EVERY_WIDTH.filter((width) => hasBit(bits, width));
}

/** Records the trees of `sizes` entries, one or more, ascending, that were published after the tree of `oldSize`. */
export async function recordWidths(
  queries: Queries,
  oldSize: number,
  sizes: readonly number[],
): Promise<void> {
  const last = sizes.at(-1) ?? oldSize;
  for (let level = 0; hashesAt(last, level) > hashesAt(oldSize, level); level++) {
    const from = Math.floor(hashesAt(oldSize, level) / TILE_WIDTH);
    const to = Math.ceil(hashesAt(last, level) / TILE_WIDTH);
    const tiles: (Buffer | undefined)[] = Array.from({ length: to - from }, () =>
      Buffer.alloc(TILE_WIDTH / 8),
    );
    // If the earlier widths of the first tile are unknown, leave it without a row: every width of it is then deleted.
    if (widthAt(oldSize, level, from) > 0) tiles[0] = await readBits(queries, level, from);
    for (const size of sizes) {
      const hashes = hashesAt(size, level);
      setBit(tiles[Math.floor(hashes / TILE_WIDTH) - from], hashes % TILE_WIDTH);
    }
    for (const [i, bits] of tiles.entries()) {
      if (bits !== undefined) await writeBits(queries, level, from + i, bits);
    }
  }
}

/** Makes the widths of one tile unknown. */
export async function forgetWidths(queries: Queries, level: number, number: number): Promise<void> {
  await queries.run('DELETE FROM widths WHERE level = ? AND number = ?', [level, number]);
}

/** Deletes the rows of the tiles that are full in a tree of `size` entries. */
export async function forgetFullTiles(queries: Queries, size: number): Promise<void> {
  for (let level = 0; hashesAt(size, level) >= TILE_WIDTH; level++) {
    const full = Math.floor(hashesAt(size, level) / TILE_WIDTH);
    await queries.run('DELETE FROM widths WHERE level = ? AND number < ?', [level, full]);
  }
}

async function readBits(queries: Queries, level: number, number: number): Promise<Buffer | undefined> {
  const [row] = await queries.all('SELECT bits, sum FROM widths WHERE level = ? AND number = ?', [
    level,
    number,
  ]);
  if (row === undefined) return undefined;
  const bits = blobIn(row, 'bits');
  const isIntact = checksum('widths', level, number, bits).equals(blobIn(row, 'sum'));
  return isIntact && bits.length === TILE_WIDTH / 8 ? bits : undefined;
}

async function writeBits(queries: Queries, level: number, number: number, bits: Buffer): Promise<void> {
  await queries.run('INSERT OR REPLACE INTO widths (level, number, bits, sum) VALUES (?, ?, ?, ?)', [
    level,
    number,
    bits,
    checksum('widths', level, number, bits),
  ]);
}

function hasBit(bits: Buffer, width: number): boolean {
  return ((bits[width >> 3] ?? 0) & (1 << (width & 7))) !== 0;
}

/** Width 0 means that the tile is full or empty, and not partial: its bit is never read. */
function setBit(bits: Buffer | undefined, width: number): void {
  if (bits !== undefined) bits[width >> 3] = (bits[width >> 3] ?? 0) | (1 << (width & 7));
}
