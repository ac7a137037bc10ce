// Proves from files alone that an artifact's signature is in a log:
//
//     node examples/prove.mjs FOLDER ARTIFACT VKEY
//
// FOLDER holds what was fetched from the log: its checkpoint, tiles and entry bundles, under their own names. VKEY is
// a file with the log's verifier key, from whoever runs the log: the one thing here that is believed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AuthenticatedTiles,
  decodeText,
  encodeBase64,
  equalBytes,
  formatPath,
  inclusionProof,
  leafHash,
  noteVerifier,
  openCheckpoint,
  parseBundle,
  parseVerifierKey,
  sha256,
  TILE_WIDTH,
  verifyInclusion,
} from 'stele/tiles-spec';

const [folder, artifact, vkey] = process.argv.slice(2);
if (vkey === undefined) {
  console.error('usage: node examples/prove.mjs FOLDER ARTIFACT VKEY');
  process.exit(2);
}
const read = (name) => readFileSync(join(folder, formatPath(name)));

try {
  // 1. The checkpoint is signed by the log.
  const verifier = noteVerifier(parseVerifierKey(readFileSync(vkey, 'utf8').trim()));
  const checkpoint = openCheckpoint(read({ kind: 'checkpoint' }), verifier);
  console.log(`checkpoint  ${checkpoint.size} entries of ${checkpoint.origin}, signature verified`);

  // 2. The newest tile hashes to the checkpoint's root, and the newest bundle's entries to the tile.
  const tiles = new AuthenticatedTiles(checkpoint, async (tile) => read({ kind: 'tile', ...tile }));
  const bundle = Math.floor((checkpoint.size - 1) / TILE_WIDTH);
  const tile = await tiles.tile(0, bundle);
  const bodies = parseBundle(read({ kind: 'entries', index: bundle, width: tile.width }), tile.width);
  bodies.forEach((body, i) => {
    if (!equalBytes(leafHash(body), tile.subtree(0, i)))
      throw new Error(`bundle entry ${i} is not the tree's`);
  });

  // 3. One of them has the artifact's digest. (Whose key signed it, the entry says too: that is for you to judge.)
  const digest = encodeBase64(sha256(readFileSync(artifact)));
  const at = bodies.findIndex(
    (body) => JSON.parse(decodeText(body, 'entry')).spec.hashedRekordV002.data.digest === digest,
  );
  if (at < 0) throw new Error(`no entry of the newest bundle has the digest ${digest}`);
  const index = bundle * TILE_WIDTH + at;
  console.log(`entry       ${index} has the digest of ${artifact}`);

  // 4. The proof that anyone could be sent instead of the tiles.
  const proof = await inclusionProof(tiles, index, checkpoint.size);
  verifyInclusion(leafHash(bodies[at]), index, checkpoint.size, proof, checkpoint.root);
  console.log(`proof       ${proof.length} hashes from the entry to the root: verified`);
} catch (error) {
  console.error(`NOT PROVED: ${error.message}`);
  process.exit(1);
}
