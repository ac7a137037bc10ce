// Proves entry `index` of the log at `log`, whose key is `vkey`, from its tiles; and then again where one byte of what
// the log serves is another.
/* global document, location, TextDecoder, URLSearchParams */
import { httpSource, LogReader } from 'stele/reader';
import {
  encodeHex,
  HASH_LENGTH,
  leafHash,
  noteVerifier,
  parsePath,
  parseVerifierKey,
  TILE_WIDTH,
  verifyInclusion,
} from 'stele/tiles-spec';

/** Proves one entry, and says what it is. Throws where anything does not verify. */
async function prove(read, verifier, index) {
  const { checkpoint, tree } = await new LogReader({ read, verifier }).latest();
  const { body } = await tree.entry(index);
  const proof = await tree.inclusionProof(index);
  // What the two lines above have read is authenticated already. This is what anyone does who is sent a proof.
  verifyInclusion(leafHash(body), index, checkpoint.size, proof, checkpoint.root);
  const { kind, apiVersion } = JSON.parse(new TextDecoder().decode(body));
  return {
    origin: checkpoint.origin,
    'checkpoint size': checkpoint.size,
    index,
    kind: `${kind} ${apiVersion}`,
    'leaf hash': encodeHex(leafHash(body)),
    'hashes in the proof': proof.length,
  };
}

/** The same log, but that one byte of the object of a kind that has entry `index` is another. */
function tampered(read, kind, index, at) {
  return async (path, maxLength) => {
    const bytes = (await read(path, maxLength))?.slice();
    const name = parsePath(path);
    const isIt = name.kind === kind && name.index === Math.floor(index / TILE_WIDTH) && !name.level;
    if (bytes !== undefined && isIt) bytes[at(bytes)] ^= 1;
    return bytes;
  };
}

/** Adds a section to the page, and tells there how `run` ended. Returns whether it verified. */
async function show(id, title, about, run) {
  const section = document.querySelector('template').content.cloneNode(true).firstElementChild;
  section.id = id;
  section.querySelector('h2').textContent = title;
  section.querySelector('.about').textContent = about;
  document.querySelector('main').append(section);
  const result = section.querySelector('.result');
  try {
    for (const [name, value] of Object.entries(await run())) {
      const [term, description] = [document.createElement('dt'), document.createElement('dd')];
      [term.textContent, description.textContent] = [name, value];
      section.querySelector('dl').append(term, description);
    }
    result.textContent = 'verified';
    result.classList.add('verified');
    return true;
  } catch (error) {
    result.textContent = `refused: ${error.message}`;
    result.classList.add('refused');
    return false;
  }
}

const query = new URLSearchParams(location.search);
if (query.has('log')) {
  const log = query.get('log');
  // A key has no spaces, and a plus that was not escaped comes as one.
  const vkey = (query.get('vkey') ?? '').replaceAll(' ', '+');
  const index = Number(query.get('index'));
  Object.assign(document.querySelector('[name=log]'), { value: log });
  Object.assign(document.querySelector('[name=vkey]'), { value: vkey });
  Object.assign(document.querySelector('[name=index]'), { value: index });

  const proveFrom = (read) => () => prove(read, noteVerifier(parseVerifierKey(vkey)), index);
  const read = httpSource(log);
  if (await show('entry', `Entry ${index}`, `Read from ${log}.`, proveFrom(read))) {
    await show(
      'tampered-bundle',
      'A bundle with one bit changed',
      'The same once more, but the last byte of the bundle with the entry is not what the log has.',
      proveFrom(tampered(read, 'entries', index, (bytes) => bytes.length - 1)),
    );
    await show(
      'tampered-tile',
      'A tile with one bit changed',
      "And here it is a byte of the entry's hash in its tile.",
      proveFrom(tampered(read, 'tile', index, () => (index % TILE_WIDTH) * HASH_LENGTH)),
    );
  }
  document.documentElement.dataset.done = '';
}
