import { createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { certificateKeys } from '#src/kinds/certificate-keys.js';
import { decodeText, encodeText } from '#tiles-spec/bytes.js';
import {
  ED25519,
  encodeBase64,
  encodeEntryBundle,
  encodeClaim,
  encodeHex,
  encodeTimes,
  formatCheckpoint,
  formatPath,
  formatTlogProof,
  formatVerifierKey,
  headersOf,
  keyHash,
  leafHash,
  MAX_ENTRY_LENGTH,
  noteVerifier,
  openCheckpoint,
  parseClaim,
  parsePath,
  parseTlogProof,
  parseVerifierKey,
  partialTiles,
  hashesAt,
  readKeyId,
  RightEdge,
  signNote,
  TILE_WIDTH,
  verifyTlogProof,
  type ObjectName,
  type VerifierKey,
} from '#tiles-spec/index.js';
import { der as element, sequence, subjectAltNames } from '../../support/certificates.js';

const page = readFileSync('tiles-spec/README.md', 'utf8');
const examples = new Map(
  [...page.matchAll(/^```example ([^\n]+)\n(.*?)^```$/gms)].map((match) => [match[1] ?? '', match[2] ?? '']),
);
const checked = new Set<string>();

function example(name: string): string {
  const text = examples.get(name);
  if (text === undefined) throw new Error(`tiles-spec/README.md has no example ${name}`);
  checked.add(name);
  return text;
}

const linesOf = (name: string): string[] => example(name).trimEnd().split('\n');
const hexOf = (name: string): string => example(name).replaceAll('\n', '');

describe('the examples in tiles-spec/README.md', () => {
  const bodies = linesOf('entries').map(encodeText);
  const leaves = bodies.map((body) => leafHash(body));
  const { edge, tiles } = RightEdge.empty().append(leaves);
  const times = [Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1, 0, 0, 0, 7)];

  // The seed 00 01 02 … 1f.
  const seed = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const secret = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const key: VerifierKey = parseVerifierKey(example('vkey').trimEnd());
  const signer = {
    name: key.name,
    keyId: readKeyId(keyHash(key)),
    sign: (text: Uint8Array) => new Uint8Array(sign(null, text, secret)),
  };
  const checkpoint = encodeText(example('checkpoint'));

  it('paths', () => {
    for (const line of linesOf('paths')) {
      const [name = '', path = ''] = line.split(/ {2,}/);
      const [kind = '', ...numbers] = name.split(' ');
      const [a = NaN, b = NaN, c = NaN] = numbers.map(Number);
      const object = {
        checkpoint: { kind },
        trusted_root: { kind },
        signing_config: { kind },
        tile: { kind, level: a, index: b, width: c },
        entries: { kind, index: a, width: b },
        times: { kind, index: a, width: b },
        keys: { kind, index: a, width: b },
        claim: { kind, size: a },
      }[kind];
      expect(parsePath(path), line).toEqual(object);
      expect(formatPath(object as ObjectName), line).toBe(path);
    }
    for (const path of ['tile/00/000', 'tile/0/x000/001', 'tile/0/000.p/256']) {
      expect(page).toContain(`\`${path}\``);
      expect(() => parsePath(path)).toThrow();
    }
  });

  it('headers', () => {
    const samples: Record<string, ObjectName> = {
      checkpoint: { kind: 'checkpoint' },
      'tile/<L>/<N>[.p/<W>]': { kind: 'tile', level: 0, index: 0, width: 1 },
      'tile/entries/<N>[.p/<W>]': { kind: 'entries', index: 0, width: 1 },
      'tile/times/<N>[.p/<W>]': { kind: 'times', index: 0, width: 1 },
      'staging/<size>': { kind: 'claim', size: 0 },
      'trusted_root.json': { kind: 'trusted_root' },
      'signing_config.json': { kind: 'signing_config' },
    };
    for (const [path, name] of Object.entries(samples)) {
      const { contentType, cacheControl, contentEncoding = 'plain' } = headersOf(name);
      const row = new RegExp(
        `^\\| \`${path.replace(/[.[\]]/g, '\\$&')}\` +\\| \`(.+?)\` +\\| \`(.+?)\` +\\| (\\w+) +\\|$`,
        'm',
      );
      expect(row.exec(page)?.slice(1), path).toEqual([contentType, cacheControl, contentEncoding]);
    }
  });

  it('limits', () => {
    expect(page).toContain(`${MAX_ENTRY_LENGTH.toLocaleString('en')} bytes`);
  });

  it('widths of 70,000', () => {
    const lines = partialTiles(70_000).map(({ level, index, width }) => {
      const full = Math.floor(hashesAt(70_000, level) / TILE_WIDTH);
      return `level ${level}: ${full} full, then ${formatPath({ kind: 'tile', level, index, width })}`;
    });
    expect(linesOf('widths 70000')).toEqual(lines);
  });

  it('bundle, leaf hashes, root and tile', () => {
    expect(hexOf('bundle')).toBe(encodeHex(encodeEntryBundle(bodies)));
    expect(linesOf('leaf-hashes')).toEqual(leaves.map(encodeHex));
    expect(hexOf('root')).toBe(encodeHex(edge.root()));
    expect(tiles.length).toBe(1);
    expect(hexOf('tile')).toBe(encodeHex(tiles[0]?.bytes ?? new Uint8Array(0)));
  });

  it('times', () => {
    expect(hexOf('times')).toBe(encodeHex(encodeTimes(times)));
  });

  it('verifier key and log id', () => {
    expect(key.type).toBe(ED25519);
    expect(formatVerifierKey(key)).toBe(example('vkey').trimEnd());
    expect(encodeBase64(keyHash(key))).toBe(example('log-id').trimEnd());
  });

  it('checkpoint', () => {
    const opened = openCheckpoint(checkpoint, noteVerifier(key));
    expect([opened.origin, opened.size, opened.root]).toEqual([key.name, 2, edge.root()]);
    const text = formatCheckpoint({ origin: key.name, size: 2, root: edge.root(), extensions: [] });
    expect(decodeText(signNote(text, signer), 'note')).toBe(example('checkpoint'));
  });

  it('tlog-proof', () => {
    const bytes = encodeText(example('tlog-proof'));
    const proof = parseTlogProof(bytes);
    expect(proof).toEqual({ index: 1, hashes: leaves.slice(0, 1), checkpoint });
    expect(formatTlogProof(proof)).toEqual(bytes);
    expect(verifyTlogProof(proof, leaves[1] as Uint8Array, noteVerifier(key)).size).toBe(2);
  });

  it('claim', () => {
    const bytes = new Uint8Array(Buffer.from(hexOf('claim 0'), 'hex'));
    const claim = parseClaim(bytes);
    expect(encodeClaim(claim)).toEqual(bytes);
    expect(decodeText(claim.checkpoint, 'checkpoint')).toBe(example('checkpoint'));
    const plain = claim.objects.map(({ path, bytes }) => [
      path,
      encodeHex(parsePath(path).kind === 'entries' ? gunzipSync(bytes) : bytes),
    ]);
    expect(plain).toEqual([
      ['tile/0/000.p/2', hexOf('tile')],
      ['tile/entries/000.p/2', hexOf('bundle')],
      ['tile/times/000.p/2', hexOf('times')],
    ]);
  });

  it('names', () => {
    for (const line of linesOf('names')) {
      const [name = '', key = ''] = line.split(/ +/);
      const san = subjectAltNames(Buffer.from(name, 'hex'));
      const certificate = sequence(
        sequence(...Array.from({ length: 6 }, () => sequence()), element(0xa3, sequence(san))),
      );
      const keys = certificateKeys(certificate).filter((each) => each.startsWith('san'));
      expect(keys, line).toEqual(key === 'none' ? [] : [key]);
    }
  });

  it('are all checked', () => {
    expect([...checked].sort()).toEqual([...examples.keys()].sort());
  });
});
