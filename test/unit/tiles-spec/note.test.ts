import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  type KeyObject,
} from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeText } from '#tiles-spec/bytes.js';
import {
  ECDSA,
  ED25519,
  encodeBase64,
  encodeHex,
  FormatError,
  formatNote,
  formatVerifierKey,
  keyHash,
  noteVerifier,
  openCheckpoint,
  parseNote,
  parseVerifierKey,
  ProofError,
  readKeyId,
  signNote,
  verifyNote,
  type NoteSignature,
  type NoteSigner,
  type VerifierKey,
} from '#tiles-spec/index.js';

/** Ed25519 by OpenSSL, from a seed. */
function ed25519Key(name: string, seed: Uint8Array): { key: VerifierKey; signer: NoteSigner } {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const secret = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicKey = new Uint8Array(spkiOf(secret).subarray(-32));
  const key: VerifierKey = { name, type: ED25519, publicKey };
  return {
    key,
    signer: {
      name,
      keyId: readKeyId(keyHash(key)),
      sign: (text) => new Uint8Array(sign(null, text, secret)),
    },
  };
}

function spkiOf(secret: KeyObject): Buffer {
  return createPublicKey(secret).export({ type: 'spki', format: 'der' });
}

describe("signed-note's own example", () => {
  const vkey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
  const note = encodeText(
    'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n',
  );

  it('verifies', () => {
    const lines = verifyNote(parseNote(note), [noteVerifier(parseVerifierKey(vkey))]);
    expect(lines.map(({ name, keyId }) => [name, keyId])).toEqual([['example.com/foo', 0x530d903a]]);
  });

  it('does not with any byte of its text changed', () => {
    const verifiers = [noteVerifier(parseVerifierKey(vkey))];
    for (let at = 0; at < 'This is an example message.'.length; at++) {
      const changed = Uint8Array.from(note);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => verifyNote(parseNote(changed), verifiers)).toThrow(ProofError);
    }
  });

  it('every shorter piece of a verifier key, and every changed character, is refused', () => {
    for (let start = 0; start < vkey.length; start++) {
      for (let end = start; end <= vkey.length; end++) {
        if (start > 0 || end < vkey.length)
          expect(() => parseVerifierKey(vkey.slice(start, end))).toThrow(FormatError);
      }
      const next = String.fromCharCode(vkey.charCodeAt(start) + 1);
      expect(() => parseVerifierKey(vkey.slice(0, start) + next + vkey.slice(start + 1))).toThrow(
        FormatError,
      );
    }
  });
});

describe("Go's note package: PeterNeumann", () => {
  const seed = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1);
  const text =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
  const vkey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
  const line =
    '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';

  it('signs the same bytes and verifies them', () => {
    const { key, signer } = ed25519Key('PeterNeumann', seed);
    expect(formatVerifierKey(key)).toBe(vkey);
    expect(parseVerifierKey(vkey)).toEqual(key);
    const note = signNote(text, signer);
    expect(Buffer.from(note).toString()).toBe(`${text}\n${line}`);
    expect(verifyNote(parseNote(note), [noteVerifier(key)]).length).toBe(1);
  });
});

describe('key ids of rekor-tiles', () => {
  // pkg/note/note_test.go of sigstore/rekor-tiles, origin "testkey": the public halves of its keys.
  const ED25519_KEY = 'REvJyNZGjX6B3DAIuD3BTg9rIwV00GY8Xg5FU+IFDUQ=';
  const P256_SPKI =
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeLw7gX40qy1z7JUhGMAaaDITbV7p2D+C5G9xPEsy/PVAo9H0mgS4NYzpGirkXxBht+IvvL19WR1X9ANXha5ldQ==';

  it.each([
    [ED25519, ED25519_KEY, 3839787747, 'e4de82e34c8c270d87612a3d6a1e297e2cd0ed9cb89ea7aeec8ce4d0b54e6775'],
    [ECDSA, P256_SPKI, 2408765216, '8f92d720f56c219e34895a76a636a3353ddbf7813f9fa317e19982eafa945328'],
  ] as const)('type %i', (type, publicKey, keyId, logId) => {
    const key: VerifierKey = { name: 'testkey', type, publicKey: Buffer.from(publicKey, 'base64') };
    expect(encodeHex(keyHash(key))).toBe(logId);
    expect(noteVerifier(key).keyId).toBe(keyId);
    expect(formatVerifierKey(parseVerifierKey(formatVerifierKey(key)))).toBe(formatVerifierKey(key));
  });

  it('production log2025-1: its log id is the key hash', () => {
    const spki = Buffer.from('MCowBQYDK2VwAyEAt8rlp1knGwjfbcXAYPYAkn0XiLz1x8O4t0YkEhie244=', 'base64');
    const name = 'log2025-1.rekor.sigstore.dev';
    const hash = keyHash({ name, type: ED25519, publicKey: spki.subarray(-32) });
    expect(encodeBase64(hash)).toBe('zxGZFVvd0FEmjR8WrFwMdcAJ9vtaY/QXf44Y1wUeP6A=');
  });
});

describe('verifyNote', () => {
  const { key, signer } = ed25519Key('log.example', createHash('sha256').update('log').digest());
  const other = ed25519Key('other.example', createHash('sha256').update('other').digest());
  const text = 'log.example\n3\nAAAA\n';
  const verifier = noteVerifier(key);
  const lineOf = (by: NoteSigner): NoteSignature => ({
    name: by.name,
    keyId: by.keyId,
    signature: by.sign(encodeText(text)),
  });
  const good = lineOf(signer);
  const failing: NoteSignature = { ...good, signature: good.signature.map((byte) => byte ^ 1) };
  const noteOf = (...signatures: NoteSignature[]) => parseNote(formatNote({ text, signatures }));

  it('ignores lines of unknown keys, wherever they stand', () => {
    const unknown = lineOf(other.signer);
    for (const note of [noteOf(unknown, good), noteOf(good, unknown), noteOf(unknown, unknown, good)]) {
      expect(verifyNote(note, [verifier])).toEqual([good]);
    }
    const cosignature: NoteSignature = { name: 'w.example', keyId: 1, signature: new Uint8Array(72) };
    expect(verifyNote(noteOf(cosignature, good), [verifier])).toEqual([good]);
  });

  it('a key that shares the name or the id, not both, is unknown', () => {
    const sameName: NoteSignature = { ...failing, keyId: good.keyId + 1 };
    const sameId: NoteSignature = { ...failing, name: 'log.example2' };
    expect(verifyNote(noteOf(sameName, sameId, good), [verifier])).toEqual([good]);
    for (const line of [sameName, sameId]) {
      expect(() => verifyNote(noteOf(line), [verifier])).toThrow('no signature of log.example+');
    }
  });

  it('a known key that fails spoils the note, whoever else signed it', () => {
    expect(() => verifyNote(noteOf(failing), [verifier])).toThrow('does not verify');
    const both = [verifier, noteVerifier(other.key)];
    expect(verifyNote(noteOf(lineOf(other.signer), good), both).length).toBe(2);
    expect(() => verifyNote(noteOf(lineOf(other.signer), failing), both)).toThrow(ProofError);
  });

  it("of a key's lines the first counts", () => {
    expect(verifyNote(noteOf(good, good), [verifier])).toEqual([good]);
    expect(verifyNote(noteOf(good, failing), [verifier])).toEqual([good]);
    expect(() => verifyNote(noteOf(failing, good), [verifier])).toThrow(ProofError);
  });

  it('a signature of another length is no signature, and does not crash', () => {
    for (const length of [1, 63, 65, 72]) {
      const line: NoteSignature = { ...good, signature: new Uint8Array(length) };
      expect(() => verifyNote(noteOf(line), [verifier])).toThrow(ProofError);
    }
  });

  it('a public key that is no point verifies nothing, and does not crash', () => {
    const noPoint: VerifierKey = { ...key, publicKey: new Uint8Array(32).fill(0xff) };
    const spki = Buffer.from(
      `3059301306072a8648ce3d020106082a8648ce3d03010703420004${'11'.repeat(64)}`,
      'hex',
    );
    for (const bad of [noPoint, { ...key, type: ECDSA, publicKey: spki } as const]) {
      const { keyId } = noteVerifier(bad);
      expect(() => verifyNote(noteOf({ ...good, keyId }), [noteVerifier(bad)])).toThrow('does not verify');
    }
  });

  it('an Ed25519 key of small order, for which anything verifies, verifies nothing', () => {
    const identity: VerifierKey = { ...key, publicKey: Uint8Array.of(1, ...new Uint8Array(31)) };
    const signature = Uint8Array.of(1, ...new Uint8Array(63));
    const { keyId } = noteVerifier(identity);
    expect(() => verifyNote(noteOf({ ...good, keyId, signature }), [noteVerifier(identity)])).toThrow(
      ProofError,
    );
  });

  it('no verifier, no trust', () => {
    expect(() => verifyNote(noteOf(good), [])).toThrow(ProofError);
  });

  it('ECDSA made by OpenSSL verifies, high s too, and nothing else does', () => {
    const secret = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const publicKey = new Uint8Array(spkiOf(secret));
    const ecdsa: VerifierKey = { name: 'log.example', type: ECDSA, publicKey };
    const check = noteVerifier(ecdsa);
    for (let i = 0; i < 16; i++) {
      const message = encodeText(`${text}${i}\n`);
      const signature = new Uint8Array(sign('sha256', message, secret));
      expect(check.verify(message, signature)).toBe(true);
      expect(check.verify(encodeText(text), signature)).toBe(false);
      expect(check.verify(message, signature.subarray(1))).toBe(false);
      expect(check.verify(message, new Uint8Array(0))).toBe(false);
    }
    expect(parseVerifierKey(formatVerifierKey(ecdsa))).toEqual(ecdsa);
  });
});

describe('parseNote', () => {
  const good = 'text\n\n— name AAAAAAA=\n';

  it('splits at the last blank line', () => {
    expect(parseNote(encodeText(good)).text).toBe('text\n');
    expect(parseNote(encodeText('a\n\nb\n\n— name AAAAAAA=\n')).text).toBe('a\n\nb\n');
    expect(parseNote(encodeText('\n\n— name AAAAAAA=\n')).text).toBe('\n');
    expect(parseNote(encodeText('a\n\n\n— name AAAAAAA=\n')).text).toBe('a\n\n');
  });

  it.each([
    ['no newline at the end', good.slice(0, -1)],
    ['no blank line', good.replace('\n\n', '\n')],
    ['no signature', 'text\n\n'],
    ['a blank line after', `${good}\n`],
    ['something after', `${good}more\n`],
    ['a hyphen for the dash', good.replace('—', '-')],
    ['no space after the dash', good.replace('— ', '—')],
    ['two spaces', good.replace('name ', 'name  ')],
    ['a space at the end', good.replace('=\n', '= \n')],
    ['no name', good.replace('name ', '')],
    ['a plus in the name', good.replace('name', 'na+me')],
    ['a Unicode space in the name', good.replace('name', 'na\u00a0me')],
    ['a line separator in the name', good.replace('name', 'na\u2028me')],
    ['a signature of four bytes', good.replace('AAAAAAA=', 'AAAAAA==')],
    ['base64 that is not canonical', good.replace('AAAAAAA=', 'AAAAAAB=')],
    ['URL-safe base64', good.replace('AAAAAAA=', 'AAAA-_A=')],
    ['a tab in the text', good.replace('text', 'te\txt')],
    ['a carriage return', good.replace('text', 'text\r')],
    ['a NUL', good.replace('text', '\0')],
  ])('%s is refused', (_, note) => {
    expect(() => parseNote(encodeText(note))).toThrow(FormatError);
  });

  it('a byte order mark is text: kept, and signed', () => {
    const bytes = encodeText(`\ufeff${good}`);
    expect(parseNote(bytes).text).toBe('\ufefftext\n');
    expect(formatNote(parseNote(bytes))).toEqual(bytes);
  });

  it('what is not UTF-8 is refused', () => {
    expect(() => parseNote(Buffer.from(good.replace('text', '\xff'), 'latin1'))).toThrow(FormatError);
  });

  it('takes 100 signatures and 1 MiB, and no more', () => {
    const lines = (count: number): Uint8Array => encodeText(`text\n\n${'— name AAAAAAA=\n'.repeat(count)}`);
    expect(parseNote(lines(100)).signatures.length).toBe(100);
    expect(() => parseNote(lines(101))).toThrow(FormatError);
    const long = (length: number): Uint8Array =>
      encodeText(`${'x'.repeat(length - good.length - 2 + 4)}${good.slice(4)}`);
    expect(long(1 << 20).length).toBe(1 << 20);
    expect(parseNote(long(1 << 20)).signatures.length).toBe(1);
    expect(() => parseNote(long((1 << 20) + 1))).toThrow(FormatError);
  });

  it('what no reader would take is not written', () => {
    const signatures = [{ name: 'name', keyId: 0, signature: new Uint8Array(1) }];
    for (const text of ['', 'text', 'te\txt\n', 'text\r\n', '\0\n']) {
      expect(() => formatNote({ text, signatures })).toThrow(FormatError);
    }
    expect(() => formatNote({ text: 'text\n', signatures: [] })).toThrow(FormatError);
    for (const name of ['', 'a b', 'a+b', 'a\u2003b', 'a\nb']) {
      expect(() =>
        formatNote({ text: 'text\n', signatures: [{ ...signatures[0], name } as NoteSignature] }),
      ).toThrow(FormatError);
    }
  });
});

describe('openCheckpoint', () => {
  const { key, signer } = ed25519Key('log.example', createHash('sha256').update('log').digest());
  const root = encodeBase64(createHash('sha256').digest());

  it('refuses another origin, even when the key is right', () => {
    const verifier = noteVerifier(key);
    const open = (origin: string, wanted?: string) =>
      openCheckpoint(signNote(`${origin}\n0\n${root}\n`, signer), verifier, wanted);
    expect(open('log.example').size).toBe(0);
    expect(() => open('log.example - 1')).toThrow(ProofError);
    expect(open('log.example - 1', 'log.example - 1').origin).toBe('log.example - 1');
    expect(() => open('log.example', 'log.example - 1')).toThrow(ProofError);
  });

  it('refuses a signed note that is no checkpoint', () => {
    expect(() => openCheckpoint(signNote('log.example\n', signer), noteVerifier(key))).toThrow(FormatError);
  });
});
