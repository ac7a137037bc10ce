/**
 * The files in which trusted roots are shipped.
 */
import { expect, it } from 'vitest';
import { parseTrustedRoot, type TrustedLog, type TrustedRoot } from '#src/sigstore/trust/trusted-root.js';
import { trustedRootIn } from '#src/sigstore/trust/trust-sources.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { FormatError } from '#tiles-spec/index.js';
import { describeWithVectors, readVectorText } from '../../support/vectors.js';
import { productionTrustedRoot, without } from '../../support/public-bundles.js';

/** A root without the functions that verify its logs' signatures. */
function dataOf({ logs, authorities }: TrustedRoot): {
  readonly logs: object[];
  readonly authorities: object;
} {
  return { logs: logs.map((log) => without(log as TrustedLog, 'verifier')), authorities };
}

describeWithVectors('trusted roots in files', () => {
  const production = new TextDecoder().decode(productionTrustedRoot());
  const lab = readVectorText('trust', 'with-tsa-ca', 'trusted_root.json');
  const [first, second] = [production, lab].map((text) => JSON.stringify(JSON.parse(text))) as [
    string,
    string,
  ];

  const [ofProduction, ofLab] = [production, lab].map((text) => parseTrustedRoot(encodeText(text))) as [
    TrustedRoot,
    TrustedRoot,
  ];

  it('of one are that', () => {
    for (const [text, root] of [
      [production, ofProduction],
      [lab, ofLab],
      [`${first}\n`, ofProduction],
    ] as const)
      expect(dataOf(trustedRootIn(encodeText(text)))).toStrictEqual(dataOf(root));
  });

  it('of several lines are all of them together, each thing once', () => {
    const both = trustedRootIn(encodeText(`${first}\n${second}\n${first}\n`));
    expect(dataOf(both).logs).toEqual([ofProduction, ofLab].flatMap((root) => dataOf(root).logs));
    for (const name of ['certificateAuthorities', 'ctlogs', 'timestampAuthorities'] as const)
      expect(both.authorities[name]).toEqual(
        [ofProduction, ofLab].flatMap(({ authorities }) => authorities[name]),
      );
  });

  it('may be in a client\u2019s trust configuration', () => {
    const configuration = {
      mediaType: 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json',
      trustedRoot: JSON.parse(lab) as object,
      signingConfig: {},
    };
    const found = trustedRootIn(encodeText(JSON.stringify(configuration, null, 2)));
    expect(dataOf(found)).toEqual(dataOf(ofLab));
  });

  it.each([
    [`${first}\n{"mediaType":"text/plain"}\n`, /^line 2: trusted root: mediaType is not of a trusted root/],
    [`${first}\n{\n`, /^line 2 is not JSON/],
    [Array.from({ length: 17 }, () => '{}').join('\n'), /^trusted root has over 16 lines$/],
  ])('must all be good', (file, message) => {
    expect(() => trustedRootIn(encodeText(file))).toThrow(FormatError);
    expect(() => trustedRootIn(encodeText(file))).toThrow(message);
  });
});
