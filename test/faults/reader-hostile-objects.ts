/**
 * Files with other contents than the log's.
 */
import { gzipSync } from 'node:zlib';
import { encodeText } from '#tiles-spec/bytes.js';
import { encodeEntryBundle, signNote } from '#tiles-spec/index.js';
import {
  at,
  BUNDLE,
  EDGE,
  END,
  file,
  FULL,
  holds,
  TIMES,
  type HostileCase,
  type Logs,
  type Refusal,
} from '../support/hostile-log.js';
import { sendFile } from '../support/reader.js';

const bundleOf = (change: (bodies: Uint8Array[]) => Uint8Array[], bundle = 1) => {
  return ({ log }: Logs) =>
    gzipSync(encodeEntryBundle(change(log.bodies.slice(bundle * 256, bundle * 256 + 256))));
};

export const BODY_CASES: readonly HostileCase[] = [
  {
    name: 'a full tile that is missing',
    fault: at(FULL, (response) => response.writeHead(404).end()),
    error: ['MissingObjectError', 'missing-object', FULL, /^the log has no tile\/0\/002$/],
    advances: false,
  },
  {
    name: 'a partial tile that is missing, and the full one too',
    fault: at(EDGE, (response) => response.writeHead(410).end()),
    error: ['MissingObjectError', 'missing-object', EDGE, /^the log has no tile\/0\/005\.p\/20$/],
    advances: false,
  },
  {
    name: 'partial objects that are gone, with the full ones there',
    fault: (logs) => {
      const full = new Map([...logs.larger.files].filter(([path]) => !path.includes('.p/')));
      for (const kind of ['0', 'entries', 'times']) {
        const bytes = logs.larger.grow(Math.max(1536, logs.larger.size)).file(`tile/${kind}/005`);
        full.set(`tile/${kind}/005`, bytes);
      }
      return (path, response) => {
        if (!path.includes('005')) return false;
        sendFile(full, path, response);
        return true;
      };
    },
  },
  {
    name: 'an empty tile',
    fault: holds(FULL, () => new Uint8Array(0)),
    error: ['FormatError', 'format', FULL, /^tile\/0\/002: a tile of width 256 has 8192 bytes, not 0$/],
    advances: false,
  },
  {
    name: 'a tile of 8193 bytes',
    fault: holds(FULL, ({ log }) => Buffer.concat([log.file(FULL), Buffer.of(0)])),
    error: ['UnexpectedAnswerError', 'too-large', FULL, /tile\/0\/002: has over 8192 bytes$/],
    advances: false,
  },
  {
    name: 'a tile of 8191 bytes',
    fault: holds(FULL, ({ log }) => log.file(FULL).subarray(0, 8191)),
    error: ['FormatError', 'format', FULL, /^tile\/0\/002: a tile of width 256 has 8192 bytes, not 8191$/],
    advances: false,
  },
  {
    name: 'another tile of the log',
    fault: holds(FULL, file('tile/0/001')),
    error: ['ProofError', 'proof', FULL, /^tile\/0\/002 is not the tile of the tree of 1300$/],
    advances: false,
  },
  {
    name: 'a tile of another log',
    fault: holds(FULL, ({ forked }) => forked.file(FULL)),
    error: ['ProofError', 'proof', FULL, /^tile\/0\/002 is not the tile of the tree of 1300$/],
    advances: false,
  },
  {
    name: 'the right edge of another log',
    fault: (logs) => (path, response) => {
      if (!path.includes('.p/') || path.includes('entries')) return false;
      sendFile(logs.forked.files, path, response);
      return true;
    },
    error: [
      'ProofError',
      'proof',
      undefined,
      /^the right edge \(tile\/0\/005\.p\/20, tile\/1\/000\.p\/5\) does not hash to the root of the tree of 1300$/,
    ],
    advances: false,
  },
  {
    name: 'a partial tile of another width',
    fault: holds(EDGE, ({ log }) => log.file(EDGE).subarray(32)),
    error: ['FormatError', 'format', EDGE, /: a tile of width 20 has 640 bytes, not 608$/],
    advances: false,
  },
  {
    name: 'a tile that is right in a larger tree',
    fault: holds(EDGE, ({ larger }) => larger.file('tile/0/005.p/120')),
    error: ['UnexpectedAnswerError', 'too-large', EDGE, /has over 640 bytes$/],
    advances: false,
  },
  {
    name: 'a bundle with two entries swapped',
    fault: holds(
      BUNDLE,
      bundleOf(([first, second, ...rest]) => [second, first, ...rest] as Uint8Array[]),
    ),
    error: ['ProofError', 'proof', BUNDLE, /^tile\/entries\/001: entry 256 is not the one in the tree$/],
  },
  {
    name: 'a bundle with a byte changed in its last entry',
    fault: holds(
      BUNDLE,
      bundleOf((bodies) => bodies.with(255, Buffer.from('entry 999'))),
    ),
    error: ['ProofError', 'proof', BUNDLE, /^tile\/entries\/001: entry 511 is not the one in the tree$/],
  },
  {
    name: 'the bundle of another index',
    fault: holds(BUNDLE, file('tile/entries/002')),
    error: ['ProofError', 'proof', BUNDLE, /^tile\/entries\/001: entry 256 is not the one in the tree$/],
  },
  {
    name: 'the bundle of another log',
    fault: holds(END, ({ forked }) => forked.file(END)),
    error: ['ProofError', 'proof', END, /^tile\/entries\/005\.p\/20: entry 1280 is not the one in the tree$/],
  },
  {
    name: 'a bundle of one entry less',
    fault: holds(
      BUNDLE,
      bundleOf((bodies) => bodies.slice(1)),
    ),
    error: ['FormatError', 'format', BUNDLE, /^tile\/entries\/001: bundle has 255 entries, not 256$/],
  },
  {
    name: 'a bundle of one entry more',
    fault: holds(END, ({ log }) =>
      gzipSync(encodeEntryBundle([...log.bodies.slice(1280), encodeText('more')])),
    ),
    error: ['FormatError', 'format', END, /^tile\/entries\/005\.p\/20: bundle has more entries, not 20$/],
  },
  {
    name: 'a bundle with bytes after its gzip',
    fault: holds(BUNDLE, ({ log }) => Buffer.concat([log.file(BUNDLE), Buffer.from('more')])),
    error: ['FormatError', 'format', BUNDLE, /^tile\/entries\/001: gzip: incorrect header check$/],
  },
  {
    name: 'a bundle with zeros after its gzip',
    fault: holds(BUNDLE, ({ log }) => Buffer.concat([log.file(BUNDLE), Buffer.alloc(4)])),
    error: ['FormatError', 'format', BUNDLE, /^tile\/entries\/001: gzip: 4 bytes after its end$/],
  },
  {
    name: 'a bundle whose gzip is cut off',
    fault: holds(BUNDLE, ({ log }) => log.file(BUNDLE).subarray(0, -20)),
    error: ['FormatError', 'format', BUNDLE, /^tile\/entries\/001: gzip: unexpected end of file$/],
  },
  {
    name: 'an empty bundle',
    fault: holds(BUNDLE, () => new Uint8Array(0)),
    error: ['FormatError', 'format', BUNDLE, /^tile\/entries\/001: bundle has 0 entries, not 256$/],
  },
  {
    name: 'times of another width',
    fault: holds(TIMES, ({ log }) => log.file(TIMES).subarray(8)),
    error: [
      'FormatError',
      'format',
      TIMES,
      /^tile\/times\/001: the times of 256 entries have 2048 bytes, not 2040$/,
    ],
  },
  {
    name: 'times that go back',
    fault: holds(TIMES, ({ log }) =>
      Buffer.concat([log.file(TIMES).subarray(8), log.file(TIMES).subarray(0, 8)]),
    ),
    error: ['FormatError', 'format', TIMES, /^tile\/times\/001: time 255 is before the one before it$/],
  },
];

const seenIsNewer =
  /^reader\.example\/log has 699 entries, and had [0-9]+: entries were taken back, or a cache is behind$/;

/** The refusal of a checkpoint with fewer entries than were seen. */
const ROLLED_BACK: Refusal = ['InconsistentLogError', 'rolled-back', undefined, seenIsNewer];

/** The refusal of a checkpoint whose first `size` entries are others than those that were seen. */
const forkedAt = (size: number): Refusal => [
  'InconsistentLogError',
  'forked',
  undefined,
  new RegExp(`has signed two histories: its tree of ${size} is not the one that it showed before$`),
];

export const CHECKPOINT_CASES: readonly HostileCase[] = [
  {
    name: 'of another origin',
    fault: holds('checkpoint', ({ stranger }) => stranger.file('checkpoint')),
    error: [
      'ProofError',
      'proof',
      'checkpoint',
      /^checkpoint: the checkpoint is of "stranger\.example", not of reader/,
    ],
    advances: false,
  },
  {
    name: 'by another key',
    fault: (logs) => (path, response) => {
      sendFile(logs.rekeyed.files, path, response);
      return true;
    },
    error: [
      'ProofError',
      'proof',
      'checkpoint',
      /^checkpoint: no signature of reader\.example\/log\+[0-9a-f]{8}; signed by/,
    ],
    advances: false,
  },
  {
    name: 'with a signature of another text',
    fault: holds('checkpoint', ({ log, forked }) => {
      const [text] = Buffer.from(log.file('checkpoint')).toString().split('\n\n');
      const [, signatures] = Buffer.from(forked.file('checkpoint')).toString().split('\n\n');
      return encodeText(`${text ?? ''}\n\n${signatures ?? ''}`);
    }),
    error: [
      'ProofError',
      'proof',
      'checkpoint',
      /^checkpoint: the signature of reader\.example\/log does not verify$/,
    ],
    advances: false,
  },
  {
    name: 'without a signature',
    fault: holds('checkpoint', ({ log }) => encodeText(log.checkpoint.note.text)),
    error: ['FormatError', 'format', 'checkpoint', /^checkpoint: note has no blank line/],
    advances: false,
  },
  {
    name: 'with 101 signatures',
    fault: holds('checkpoint', ({ log }) => {
      const [, line = ''] = Buffer.from(log.file('checkpoint')).toString().split('\n\n');
      return encodeText(`${log.checkpoint.note.text}\n${line.repeat(101)}`);
    }),
    error: ['FormatError', 'format', 'checkpoint', /^checkpoint: note has over 100 signatures$/],
    advances: false,
  },
  {
    name: 'that is no UTF-8',
    fault: holds('checkpoint', () => Buffer.of(0xff, 0xfe)),
    error: ['FormatError', 'format', 'checkpoint', /^checkpoint: note is not UTF-8$/],
    advances: false,
  },
  {
    name: 'that is empty',
    fault: holds('checkpoint', () => new Uint8Array(0)),
    error: ['FormatError', 'format', 'checkpoint', /^checkpoint: note has no blank line/],
    advances: false,
  },
  {
    name: 'of over 1 MiB',
    fault: holds('checkpoint', () => Buffer.alloc(2 ** 20 + 1, 'a')),
    error: ['UnexpectedAnswerError', 'too-large', 'checkpoint', /has over 1048576 bytes$/],
    advances: false,
  },
  {
    name: 'of 2^53 entries',
    fault: holds('checkpoint', ({ log }) => log.sign('9007199254740992', log.checkpoint.root)),
    error: ['FormatError', 'format', 'checkpoint', /^checkpoint: tree size/],
    advances: false,
  },
  {
    name: 'of 2^53 - 1 entries, without their tiles',
    fault: holds('checkpoint', ({ log }) => log.sign(2 ** 53 - 1, log.checkpoint.root)),
    error: ['MissingObjectError', 'missing-object', /^tile\//, /^the log has no tile\//],
    advances: false,
  },
  {
    name: 'of no entries, with the root of some',
    fault: holds('checkpoint', ({ log }) => log.sign(0, log.checkpoint.root)),
    error: ['ProofError', 'proof', undefined, /does not hash to the root of the tree of 0$/],
    advances: false,
  },
  {
    name: 'of fewer entries than were seen',
    fault: holds('checkpoint', ({ log }) => log.signAt(699)),
    error: ROLLED_BACK,
    advances: false,
  },
  {
    name: 'of fewer entries than were seen, and others',
    fault: holds('checkpoint', ({ log, forked }) => log.sign(699, forked.checkpoint.root)),
    error: forkedAt(699),
    advances: false,
  },
  {
    name: 'of fewer entries than were seen, whose tiles cannot be had',
    fault:
      ({ log, forked }) =>
      (path, response) => {
        if (path === 'checkpoint') response.end(log.sign(699, forked.checkpoint.root));
        else response.writeHead(503).end();
        return true;
      },
    error: ROLLED_BACK,
    advances: false,
  },
  {
    name: 'of as many as were seen, and others',
    fault: holds('checkpoint', ({ log, forked }) => log.sign(700, forked.checkpoint.root)),
    error: forkedAt(700),
    advances: false,
  },
  {
    name: 'of a larger tree of other entries, which is served whole',
    fault: (logs) => (path, response) => {
      sendFile(logs.forked.files, path, response);
      return true;
    },
    error: forkedAt(700),
    advances: false,
  },
  {
    name: 'of a larger tree of other entries, with the tiles of the first',
    fault: holds('checkpoint', ({ forked }) => forked.file('checkpoint')),
    error: [
      'ProofError',
      'proof',
      undefined,
      /^the right edge .* does not hash to the root of the tree of 1300$/,
    ],
    advances: false,
  },
  {
    name: 'that goes back between two fetches',
    fault: holds('checkpoint', ({ log }) => log.signAt(699), 1),
    error: ROLLED_BACK,
  },
  {
    name: 'that is forked between two fetches',
    fault: holds('checkpoint', ({ forked }) => forked.file('checkpoint'), 1),
    error: forkedAt(1300),
  },
  {
    name: 'that is by another key between two fetches',
    fault: holds('checkpoint', ({ rekeyed }) => rekeyed.file('checkpoint'), 1),
    error: ['ProofError', 'proof', 'checkpoint', /^checkpoint: no signature of/],
  },
  {
    name: 'that others have signed too',
    fault: holds(
      'checkpoint',
      ({ log, rekeyed }) => {
        const note = signNote(log.checkpoint.note.text, rekeyed.key.signer('witness.example'));
        const [, line = ''] = Buffer.from(note).toString().split('\n\n');
        return Buffer.concat([log.file('checkpoint'), Buffer.from(line)]);
      },
      1,
    ),
  },
];
