import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeText, encodeText } from '#tiles-spec/bytes.js';
import { parseDecimal, requireExact } from '#tiles-spec/decimal.js';
import {
  decodeBase64,
  ECDSA,
  ED25519,
  encodeBase64,
  encodeEntryBundle,
  encodeClaim,
  encodeHex,
  encodeTimes,
  formatCheckpoint,
  FormatError,
  formatNote,
  formatPath,
  formatTlogProof,
  formatVerifierKey,
  HashTile,
  headersOf,
  maxEntryBundleLength,
  parseEntryBundle,
  parseCheckpoint,
  parseClaim,
  parseNote,
  parsePath,
  parseTimes,
  parseTlogProof,
  parseVerifierKey,
  ProofError,
  type Checkpoint,
  type Claim,
  type ObjectName,
  type SignedNote,
  type TlogProof,
  type VerifierKey,
} from '#tiles-spec/index.js';
import { nodeSha } from '../../support/trees.js';

/** A format: what parses it, what writes it again, and good values. */
interface Codec<T> {
  readonly parse: (bytes: Uint8Array) => T;
  readonly encode: (value: T) => Uint8Array;
  readonly values: fc.Arbitrary<T>;
}

type Edit =
  { at: number; kind: 'set' | 'insert'; byte: number } | { at: number; kind: 'drop'; length: number };

const INTERESTING = [0, 1, 9, 10, 13, 32, 43, 45, 46, 47, 48, 61, 120, 127, 128, 255];
const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.oneof(
    fc.record({
      at: fc.nat(),
      kind: fc.constantFrom('set' as const, 'insert' as const),
      byte: fc.oneof(fc.nat(255), fc.constantFrom(...INTERESTING)),
    }),
    fc.record({ at: fc.nat(), kind: fc.constant('drop' as const), length: fc.integer({ min: 1, max: 8 }) }),
  ),
  { minLength: 1, maxLength: 4 },
);

function edited(bytes: Uint8Array, changes: readonly Edit[]): Uint8Array {
  const list = [...bytes];
  for (const change of changes) {
    const at = list.length === 0 ? 0 : change.at % (list.length + 1);
    if (change.kind === 'drop') list.splice(at, change.length);
    else list.splice(at, change.kind === 'set' ? 1 : 0, change.byte);
  }
  return Uint8Array.from(list);
}

/** Anything at all: either it is refused with our errors, or it is written back byte for byte. */
function holds<T>({ parse, encode }: Codec<T>, bytes: Uint8Array): void {
  let value: T;
  try {
    value = parse(bytes);
  } catch (error) {
    if (error instanceof FormatError || error instanceof ProofError) return;
    throw error;
  }
  if (!Buffer.from(encode(value)).equals(bytes))
    expect.fail(`accepted, but written otherwise: ${encodeHex(bytes)}`);
}

function describeCodec<T>(name: string, codec: Codec<T>, runs = 1000): void {
  describe(name, () => {
    it('a value round-trips', () => {
      fc.assert(
        fc.property(codec.values, (value) => {
          expect(codec.parse(codec.encode(value))).toEqual(value);
        }),
        { numRuns: Math.min(runs, 300) },
      );
    });
    it('changed bytes are refused, or written back the same', () => {
      fc.assert(
        fc.property(codec.values, edits, (value, changes) => {
          holds(codec, edited(codec.encode(value), changes));
        }),
        { numRuns: runs },
      );
    });
    it('random bytes are refused, or written back the same', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
          holds(codec, bytes);
        }),
        { numRuns: runs },
      );
    });
  });
}

/** A parser of text, fed with bytes: what is not UTF-8 is refused before it. */
const ofText = <T>(
  parse: (text: string) => T,
  format: (value: T) => string,
  values: fc.Arbitrary<T>,
): Codec<T> => ({
  parse: (bytes) => parse(decodeText(bytes, 'text')),
  encode: (value) => encodeText(format(value)),
  values,
});

const bytesOf = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const size = fc.oneof(fc.maxSafeNat(), fc.nat(1000), fc.constantFrom(0, Number.MAX_SAFE_INTEGER));
const width = fc.integer({ min: 1, max: 256 });
const line = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((s) => !/\p{Cc}|\p{Cs}/u.test(s));
const keyName = line.filter((s) => !/[\p{White_Space}+]/u.test(s));

const objectName: fc.Arbitrary<ObjectName> = fc.oneof(
  fc.constantFrom<ObjectName>({ kind: 'checkpoint' }, { kind: 'trusted_root' }, { kind: 'signing_config' }),
  fc.record({ kind: fc.constant('tile' as const), level: fc.nat(63), index: size, width }),
  fc.record({
    kind: fc.constantFrom('entries' as const, 'times' as const, 'keys' as const),
    index: size,
    width,
  }),
  fc.record({ kind: fc.constant('attestation' as const), digest: bytesOf(32).map(encodeHex) }),
  fc.record({ kind: fc.constant('claim' as const), size }),
);

const checkpoint: fc.Arbitrary<Checkpoint> = fc.record({
  origin: line,
  size,
  root: bytesOf(32),
  extensions: fc.array(line, { maxLength: 3 }),
});

const note: fc.Arbitrary<SignedNote> = fc.record({
  text: fc
    .array(fc.oneof(line, fc.constant('')), { minLength: 1, maxLength: 5 })
    .map((lines) => `${lines.join('\n')}\n`),
  signatures: fc.array(
    fc.record({
      name: keyName,
      keyId: fc.integer({ min: 0, max: 0xffffffff }),
      signature: fc.uint8Array({ minLength: 1, maxLength: 80 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});

const tlogProof: fc.Arbitrary<TlogProof> = fc
  .record({
    extra: fc.option(fc.uint8Array({ maxLength: 20 }), { nil: undefined }),
    index: size,
    hashes: fc.array(bytesOf(32), { maxLength: 63 }),
    checkpoint: fc.oneof(note.map(formatNote), fc.constant(new Uint8Array(0))),
  })
  .map(({ extra, ...proof }) => (extra === undefined ? proof : { ...proof, extra }));

const SPKI_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
const verifierKey: fc.Arbitrary<VerifierKey> = fc.oneof(
  fc.record({ name: keyName, type: fc.constant<typeof ED25519>(ED25519), publicKey: bytesOf(32) }),
  fc.record({
    name: keyName,
    type: fc.constant<typeof ECDSA>(ECDSA),
    publicKey: bytesOf(64).map((point) => new Uint8Array(Buffer.concat([SPKI_PREFIX, Buffer.of(4), point]))),
  }),
);

const claim: fc.Arbitrary<Claim> = fc.record({
  checkpoint: fc.uint8Array({ maxLength: 60 }),
  objects: fc.array(
    fc.record({
      path: objectName
        .filter(({ kind }) => ['tile', 'entries', 'times', 'keys', 'attestation'].includes(kind))
        .map(formatPath),
      bytes: fc.uint8Array({ maxLength: 60 }),
    }),
    { maxLength: 4 },
  ),
});

const timesOf = (count: number): fc.Arbitrary<number[]> =>
  fc
    .array(
      fc.maxSafeNat().map((time) => Math.min(time, 8.64e15)),
      { minLength: count, maxLength: count },
    )
    .map((times) => times.sort((a, b) => a - b));

describeCodec(
  'decimal',
  ofText((text) => parseDecimal(text, 'size'), String, size),
);
describeCodec('base64', ofText(decodeBase64, encodeBase64, fc.uint8Array({ maxLength: 60 })));
describeCodec('path', ofText(parsePath, formatPath, objectName));
describeCodec('checkpoint', ofText(parseCheckpoint, formatCheckpoint, checkpoint));
describeCodec('verifier key', ofText(parseVerifierKey, formatVerifierKey, verifierKey));
describeCodec('note', { parse: parseNote, encode: formatNote, values: note });
describeCodec('tlog-proof', { parse: parseTlogProof, encode: formatTlogProof, values: tlogProof });
describeCodec('claim', { parse: parseClaim, encode: encodeClaim, values: claim });

// These two are parsed to a width that the reader knows: here any that the bytes could have.
for (const count of [1, 2, 3, 20]) {
  describeCodec(
    `bundle of ${count}`,
    {
      parse: (bytes) => parseEntryBundle(bytes, count),
      encode: encodeEntryBundle,
      values: fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: count, maxLength: count }),
    },
    300,
  );
  describeCodec(
    `times of ${count}`,
    {
      parse: (bytes) => parseTimes(bytes, count),
      encode: encodeTimes,
      values: timesOf(count),
    },
    300,
  );
  const tileOfCount = fc.array(bytesOf(32), { minLength: count, maxLength: count });
  describeCodec(
    `tile of ${count}`,
    {
      parse: (bytes) => HashTile.parse({ level: 0, index: 0, width: count }, bytes, nodeSha),
      encode: (tile) => tile.bytes,
      values: tileOfCount.map((hashes) => new HashTile(0, 0, hashes, nodeSha)),
    },
    200,
  );
}

describe('decimal', () => {
  it('accepts what BigInt writes, up to 2^53 - 1, and nothing else', () => {
    const texts = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String),
      fc.bigInt({ min: 2n ** 53n - 100n, max: 2n ** 53n + 100n }).map(String),
      fc.stringMatching(/^[0-9]{1,20}$/),
      fc.constantFrom('', '00', '01', '-0', '+1', '1e3', '0x10', '1.0', ' 1', '1 ', '1\n', '١', '1_0'),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const good = /^[0-9]+$/.test(text) && String(BigInt(text)) === text && BigInt(text) < 2n ** 53n;
        if (good) expect(BigInt(parseDecimal(text, 'size'))).toBe(BigInt(text));
        else expect(() => parseDecimal(text, 'size')).toThrow(FormatError);
      }),
      { numRuns: 2000 },
    );
    for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
      expect(() => {
        requireExact(value, 'size');
      }).toThrow(FormatError);
    }
  });
});

describe('base64', () => {
  it("encodes as Node's Buffer", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
      }),
    );
  });

  it('accepts a text where Buffer would write it again, and only there', () => {
    const digits = 'A Q Z a z 0 9 + / = - _ \n';
    const texts = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.string({ unit: fc.constantFrom(...digits.split(' ')), maxLength: 12 }),
      fc.constantFrom('=', '==', '====', 'A===', 'AA=A', 'AA==AA==', 'AB==', 'AAB=', 'AAAA\n', 'ＡAAA'),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const buffer = Buffer.from(text, 'base64');
        if (buffer.toString('base64') === text)
          expect(Buffer.from(decodeBase64(text)).equals(buffer)).toBe(true);
        else expect(() => decodeBase64(text)).toThrow(FormatError);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('paths', () => {
  it.each([
    ['tile/0/000', { kind: 'tile', level: 0, index: 0, width: 256 }],
    ['tile/0/x001/x234/067', { kind: 'tile', level: 0, index: 1234067, width: 256 }],
    ['tile/0/x001/x234/067.p/8', { kind: 'tile', level: 0, index: 1234067, width: 8 }],
    ['tile/63/999.p/255', { kind: 'tile', level: 63, index: 999, width: 255 }],
    ['tile/3/x001/000', { kind: 'tile', level: 3, index: 1000, width: 256 }],
    ['tile/entries/x123/x456/789.p/1', { kind: 'entries', index: 123456789, width: 1 }],
    ['tile/times/000', { kind: 'times', index: 0, width: 256 }],
    [
      'tile/0/x009/x007/x199/x254/x740/991',
      { kind: 'tile', level: 0, index: Number.MAX_SAFE_INTEGER, width: 256 },
    ],
    ['tile/keys/000.p/7', { kind: 'keys', index: 0, width: 7 }],
    [`attestation/${'0a'.repeat(32)}`, { kind: 'attestation', digest: '0a'.repeat(32) }],
    ['staging/0', { kind: 'claim', size: 0 }],
    ['staging/9007199254740991', { kind: 'claim', size: Number.MAX_SAFE_INTEGER }],
  ] as const)('%s', (path, name) => {
    expect(parsePath(path)).toEqual(name);
    expect(formatPath(name)).toBe(path);
  });

  it.each([
    '',
    '/',
    '/checkpoint',
    'checkpoint/',
    'checkpoint\n',
    'Checkpoint',
    'trusted_root',
    'tile',
    'tile/0',
    'tile/0/',
    'tile/0/0',
    'tile/0/00',
    'tile/0/0000',
    'tile/00/000',
    'tile/01/000',
    'tile/64/000',
    'tile/-1/000',
    'tile/100/000',
    'tile/0/x000/000',
    'tile/0/x000/x001/000',
    'tile/0/x01/000',
    'tile/0/001/000',
    'tile/0/x001/x000',
    'tile/0/X001/000',
    'tile/0/000.p/0',
    'tile/0/000.p/00',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p/999',
    'tile/0/000.p/',
    'tile/0/000.p',
    'tile/0/000.p/1/',
    'tile/0/../0/000',
    'tile/0/%30%30%30',
    'tile/0/٠٠٠',
    'tile/data/000',
    'attestation/',
    `attestation/${'0'.repeat(63)}`,
    `attestation/${'A'.repeat(64)}`,
    `attestation/${'0'.repeat(64)}/`,
    'tile/8/0/000',
    'tile/0/x009/x007/x199/x254/x740/992',
    'tile/0/x999/x999/x999/x999/x999/999',
    'tile/0/x001/x000/x000/x000/x000/x000/000',
    'staging/',
    'staging/00',
    'staging/01',
    'staging/-1',
    'staging/9007199254740992',
    'staging/99999999999999999',
    'index/checkpoint',
  ])('%j names nothing', (path) => {
    expect(() => parsePath(path)).toThrow(FormatError);
  });

  it('a name out of range has no path', () => {
    const tile = { kind: 'tile', level: 0, index: 0, width: 256 } as const;
    for (const bad of [0, 257, 1.5, -1, NaN])
      expect(() => formatPath({ ...tile, width: bad })).toThrow(FormatError);
    for (const bad of [2 ** 53, 0.5, -1, NaN]) {
      expect(() => formatPath({ ...tile, index: bad })).toThrow(FormatError);
      expect(() => formatPath({ ...tile, level: bad })).toThrow(FormatError);
      expect(() => formatPath({ kind: 'claim', size: bad })).toThrow(FormatError);
    }
    expect(() => formatPath({ ...tile, level: 64 })).toThrow(FormatError);
  });

  it('only what changes is asked for again each time', () => {
    fc.assert(
      fc.property(objectName, (name) => {
        const { cacheControl, contentType, contentEncoding } = headersOf(name);
        const immutable = ['tile', 'entries', 'times', 'keys', 'attestation'].includes(name.kind);
        expect(cacheControl.includes('immutable')).toBe(immutable);
        expect(cacheControl === 'no-cache').toBe(!immutable);
        expect(contentEncoding).toBe(name.kind === 'entries' ? 'gzip' : undefined);
        if (immutable) expect(contentType).toBe('application/octet-stream');
        if (name.kind === 'checkpoint') expect(contentType).toBe('text/plain; charset=utf-8');
      }),
    );
  });
});

describe('bundles and times', () => {
  it('the longest entries fill a bundle to its greatest length', () => {
    const entries = [new Uint8Array(65_535).fill(1), new Uint8Array(65_535).fill(2)];
    const bytes = encodeEntryBundle(entries);
    expect(bytes.length).toBe(maxEntryBundleLength(2));
    expect(parseEntryBundle(bytes, 2)).toEqual(entries);
    expect(() => encodeEntryBundle([new Uint8Array(65_536)])).toThrow(FormatError);
  });

  it('a width is 1 to 256', () => {
    for (const bad of [0, 257, -1, 1.5, NaN]) {
      expect(() => parseEntryBundle(new Uint8Array(0), bad)).toThrow(FormatError);
      expect(() => parseTimes(new Uint8Array(0), bad)).toThrow(FormatError);
    }
    for (const count of [0, 257]) {
      expect(() => encodeEntryBundle(Array.from({ length: count }, () => new Uint8Array(0)))).toThrow(
        FormatError,
      );
      expect(() => encodeTimes(new Array<number>(count).fill(1))).toThrow(FormatError);
    }
    expect(
      parseEntryBundle(encodeEntryBundle(Array.from({ length: 256 }, () => new Uint8Array(0))), 256).length,
    ).toBe(256);
  });

  it('another number of entries than the width is refused', () => {
    const bytes = encodeEntryBundle([encodeText('one'), encodeText('two')]);
    for (const wrong of [1, 3, 256]) expect(() => parseEntryBundle(bytes, wrong)).toThrow(FormatError);
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(() => parseEntryBundle(bytes.subarray(0, cut), 2)).toThrow(FormatError);
    }
  });

  it('entries are read where the bytes are a view into others', () => {
    const bytes = Buffer.concat([Buffer.of(9, 9, 9), encodeEntryBundle([encodeText('one')])]).subarray(3);
    expect(parseEntryBundle(bytes, 1).map((entry) => decodeText(entry, 'entry'))).toEqual(['one']);
    expect(parseTimes(Buffer.concat([Buffer.of(9), encodeTimes([7])]).subarray(1), 1)).toEqual([7]);
  });

  it('time does not go back, neither read nor written', () => {
    expect(parseTimes(encodeTimes([5, 5, 6]), 3)).toEqual([5, 5, 6]);
    expect(() => encodeTimes([5, 4])).toThrow(FormatError);
    const back = Buffer.concat([encodeTimes([5]), encodeTimes([4])]);
    expect(() => parseTimes(back, 2)).toThrow(FormatError);
    for (const bad of [-1, 0.5, 2 ** 53]) expect(() => encodeTimes([bad])).toThrow(FormatError);
    expect(() => parseTimes(Uint8Array.of(0, 32, 0, 0, 0, 0, 0, 0), 1)).toThrow(FormatError);
  });

  it('time is one that a Date can have', () => {
    const last = 8.64e15;
    expect(new Date(last).getTime()).toBe(last);
    const bytes = encodeTimes([0, last]);
    expect(parseTimes(bytes, 2)).toEqual([0, last]);
    bytes[15] = (bytes[15] ?? 0) + 1;
    const message = 'time 1 is over 8640000000000000';
    expect(() => parseTimes(bytes, 2)).toThrow(new FormatError(message));
    expect(() => encodeTimes([0, last + 1])).toThrow(new FormatError(message));
  });
});

describe('checkpoints', () => {
  const root = nodeSha(new Uint8Array(0));
  const text = formatCheckpoint({ origin: 'log.example', size: 7, root, extensions: [] });

  it.each([
    ['no newline at the end', text.slice(0, -1)],
    ['a blank line at the end', `${text}\n`],
    ['no origin', text.replace('log.example', '')],
    ['no size', text.replace('7\n', '\n')],
    ['no root', 'log.example\n7\n'],
    ['a leading zero', text.replace('\n7\n', '\n07\n')],
    ['2^53 entries', text.replace('\n7\n', '\n9007199254740992\n')],
    ['a short root', 'log.example\n7\nAAAA\n'],
    ['CRLF', text.replaceAll('\n', '\r\n')],
    ['nothing', ''],
  ])('%s is refused', (_, bad) => {
    expect(() => parseCheckpoint(bad)).toThrow(FormatError);
  });

  it('what no reader would take is not written', () => {
    const good: Checkpoint = { origin: 'log.example', size: 7, root, extensions: [] };
    for (const bad of [
      { origin: '' },
      { origin: 'a\nb' },
      { size: 2 ** 53 },
      { size: -1 },
      { root: root.subarray(1) },
      { extensions: [''] },
      { extensions: ['a\nb'] },
    ]) {
      expect(() => formatCheckpoint({ ...good, ...bad })).toThrow(FormatError);
    }
  });
});

describe('claims', () => {
  it('name only what a batch makes', () => {
    for (const path of ['checkpoint', 'trusted_root.json', 'staging/7', '../tile/0/000', '', 'tile/0/0']) {
      const bytes = encodeText('x');
      expect(() => encodeClaim({ checkpoint: bytes, objects: [{ path, bytes }] })).toThrow(FormatError);
      const good = encodeClaim({ checkpoint: bytes, objects: [{ path: 'tile/0/000', bytes }] });
      const text = Buffer.from(good).toString('latin1');
      const changed = text.replace(
        '\n\0\0\0\x01x\0\0\0\x0atile/0/000',
        `\n\0\0\0\x01x\0\0\0${String.fromCharCode(path.length)}${path}`,
      );
      expect(changed).not.toBe(text);
      expect(() => parseClaim(Buffer.from(changed, 'latin1'))).toThrow(FormatError);
    }
  });

  it('end where the bytes end', () => {
    const bytes = encodeClaim({
      checkpoint: encodeText('note'),
      objects: [{ path: 'tile/0/000.p/1', bytes: new Uint8Array(32) }],
    });
    for (let cut = 0; cut < bytes.length; cut++) {
      const short = bytes.subarray(0, cut);
      // Cut after the checkpoint it is a claim of no objects.
      if (cut === 'stele claim v1\n'.length + 8) expect(parseClaim(short).objects).toEqual([]);
      else expect(() => parseClaim(short)).toThrow(FormatError);
    }
    expect(() => parseClaim(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(FormatError);
  });
});

describe('tlog-proofs', () => {
  const hash = encodeBase64(nodeSha(new Uint8Array(0)));
  const tail = '\n\nlog.example\n1\n';

  it.each([
    ['another header', `c2sp.org/tlog-proof@v2\nindex 0${tail}`],
    ['no index', `c2sp.org/tlog-proof@v1\n${hash}${tail}`],
    ['nothing but the header', `c2sp.org/tlog-proof@v1${tail}`],
    ['index before extra', `c2sp.org/tlog-proof@v1\nindex 0\nextra AAAA${tail}`],
    ['extra twice', `c2sp.org/tlog-proof@v1\nextra AAAA\nextra AAAA\nindex 0${tail}`],
    ['extra that is not base64', `c2sp.org/tlog-proof@v1\nextra A\nindex 0${tail}`],
    ['an index with a zero before it', `c2sp.org/tlog-proof@v1\nindex 01${tail}`],
    ['an index of 2^53', `c2sp.org/tlog-proof@v1\nindex 9007199254740992${tail}`],
    ['a short hash', `c2sp.org/tlog-proof@v1\nindex 0\nAAAA${tail}`],
    ['64 hashes', `c2sp.org/tlog-proof@v1\nindex 0${`\n${hash}`.repeat(64)}${tail}`],
    ['no checkpoint', `c2sp.org/tlog-proof@v1\nindex 0\n${hash}\n`],
    ['CRLF', `c2sp.org/tlog-proof@v1\r\nindex 0\r\n\r\nlog.example\n`],
  ])('%s: refused', (_, text) => {
    expect(() => parseTlogProof(encodeText(text))).toThrow(FormatError);
  });

  it('63 hashes and empty extra are taken', () => {
    const text = `c2sp.org/tlog-proof@v1\nextra \nindex 0${`\n${hash}`.repeat(63)}${tail}`;
    const proof = parseTlogProof(encodeText(text));
    expect(proof.hashes.length).toBe(63);
    expect(proof.extra).toEqual(new Uint8Array(0));
  });
});
