/**
 * The names of the package, entry by entry of its "exports": none leaves and none comes by accident.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { ENTRIES, exportsOf, isOurs, originalOf, typeChecker } from '../support/faces.js';

const FACES: Readonly<Record<string, { readonly values: string; readonly types: string }>> = {
  stele: {
    values: `
      ConfigurationError DamagedStoreError FolderStore InvalidEntryError LogKey StartRefusedError SteleError
      UnreachableError artifactOfBytes artifactOfDigests bundleOfEntry certificateLog certifiedAuthority
      formatClientTrustConfig formatSigningConfig formatSigstoreBundle formatTrustedRoot isTrustedLog
      parseSigstoreBundle parseTransparencyLogEntry namePattern parseTrustedRoot publicLogOf readPublicKeyFile
      trustedLogFromVerifierKey verifyBundle verifyLoggedEntry`,
    types: `
      Artifact Authorities CertificateIdentity CertificateLog CertifiedAuthority
      CheckedBundle DigestAlgorithm DigestName DsseEnvelope EntryProof ErrorCode FolderOwner IdentityPolicy
      KeyPolicy KnownLog MessageSignature NamePattern NotChecked ObjectRange ObjectStat ObjectStore
      PublicKeyFile PublicKeyHint PublicLog PublishedEntry ReadableStore Signer SignerCertificate SignerPolicy
      SigstoreBundle StoreObject TimeRange TransparencyLogEntry TrustedLog TrustedRoot UnreachableErrorOptions
      VerbatimAuthorities VerifiedEntry VerifiedIdentity VerifyBundleOptions`,
  },
  'stele/reader': {
    values: `
      ConfigurationError InconsistentLogError LogReader MemoryCache MemoryHeads MissingObjectError StateError
      SteleError UnexpectedAnswerError UnreachableError browserGunzip fetchGet follow fsck httpSource storeSource`,
    types: `
      Contradiction Entry ErrorCode FollowOptions FsckOptions FsckReport Gunzip Heads HttpAnswer HttpGet
      HttpSourceOptions Latest LogGrowth LogReaderOptions ReadObject ReadOptions TreeReader`,
  },
  'stele/reader/node': {
    values: `
      FolderCache HeadFile nodeGunzip openLog undiciGet`,
    types: `
      Bearer Network OpenLogOptions S3Options UndiciGetOptions`,
  },
  'stele/kinds': {
    values: `
      KINDS keysOf readEntry`,
    types: `
      Body DescriptionLine EntryKind KnownEntry LoggedDigest LoggedStatement LoggedVerifier SearchKey SignerKey
      UnknownEntry`,
  },
  'stele/tiles-spec': {
    values: `
      AuthenticatedTiles ECDSA ED25519 FormatError HASH_LENGTH HashTile MAX_ENTRY_LENGTH NewerVersionError
      ProofError RightEdge SteleError TILE_HEIGHT TILE_WIDTH certificateNames consistencyProof decodeBase64
      decodeHex emptyRoot encodeBase64 encodeClaim encodeEntryBundle encodeHex encodeTimes equalBytes
      formatCheckpoint formatNote formatPath formatTlogProof formatVerifierKey hashesAt headersOf
      inclusionProof isGzip isImmutable keyHash leafHash maxEntryBundleLength maxLengthOf nodeHash normalName
      noteVerifier openCheckpoint parseCheckpoint parseClaim parseEntryBundle parseNote parsePath parseTimes
      parseTlogProof parseVerifierKey partialTiles readKeyId readRightEdge rootAt sha256 signNote tileOf
      verifyConsistency verifyInclusion verifyNote verifyTlogProof widthAt`,
    types: `
      AuthenticatedTilesOptions CertificateName Checkpoint Claim ErrorCode FetchTile Hash HashReader
      HashedName NoteSignature NoteSigner NoteVerifier ObjectHeaders ObjectName Sha256 SignedCheckpoint
      SignedNote SteleErrorOptions StoredObject Subtree TextName TileCache TileCoordinates TlogProof Tree
      VerifierKey`,
  },
};

/** Types of the project that an entry's declarations mention and that no entry has: a user cannot name them. */
const UNNAMED: readonly string[] = [];

/** The named types below a node of a .d.ts that are declared in this project. */
function typesBelow(node: ts.Node): ts.Symbol[] {
  const found: ts.Symbol[] = [];
  const visit = (each: ts.Node): void => {
    const name = ts.isTypeReferenceNode(each)
      ? each.typeName
      : ts.isExpressionWithTypeArguments(each)
        ? each.expression
        : undefined;
    const symbol = name && typeChecker.getSymbolAtLocation(name);
    if (symbol !== undefined && isOurs(originalOf(symbol))) found.push(originalOf(symbol));
    ts.forEachChild(each, visit);
  };
  visit(node);
  return found;
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

test('the entries are those listed here', () => {
  expect(ENTRIES.map(({ specifier }) => specifier).sort()).toEqual(Object.keys(FACES).sort());
});

describe.each(ENTRIES)('$specifier', (entry) => {
  const { values, types } = FACES[entry.specifier] ?? { values: '', types: '' };

  test('exports these values', async () => {
    const module = (await import(pathToFileURL(resolve(entry.module)).href)) as object;
    expect(Object.keys(module).sort()).toEqual(words(values).sort());
  });

  test('exports these types', () => {
    const exported = exportsOf(entry).filter(({ isType }) => isType);
    expect(exported.map(({ name }) => name).sort()).toEqual(words(types).sort());
  });
});

test('a user can name every type that the exports mention', () => {
  const exported = new Set(ENTRIES.flatMap(exportsOf).map(({ symbol }) => symbol));
  const mentioned = [...exported].flatMap((symbol) => symbol.declarations ?? []).flatMap(typesBelow);
  const unnamed = mentioned.filter((symbol) => !exported.has(symbol)).map(({ name }) => name);
  expect([...new Set(unnamed)].sort()).toEqual(UNNAMED);
});
