/**
 * The files in which trusted roots are shipped.
 */
import { expect, it } from 'vitest';
import { authoritiesIn, parseTrustedRoot, type TrustedLog } from '#src/sigstore/trust/trusted-root.js';
import { trustedRootIn } from '#src/sigstore/trust/trust-sources.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { FormatError } from '#tiles-spec/index.js';
import { describeWithVectors, readVectorText } from '../../support/vectors.js';
import { productionTrustedRoot, without } from '../../support/public-bundles.js';

/** The logs, without the functions that verify their signatures. */
function logsIn(file: Uint8Array): object[] {
  return parseTrustedRoot(file).map((log) => without(log as TrustedLog, 'verifier'));
}

describeWithVectors('trusted roots in files', () => {
  const production = new TextDecoder().decode(productionTrustedRoot());
  const lab = readVectorText('trust', 'with-tsa-ca', 'trusted_root.json');
  const [first, second] = [production, lab].map((text) => JSON.stringify(JSON.parse(text))) as [
    string,
    string,
  ];

  it('of one are that, byte for byte', () => {
    for (const text of [production, lab, `${first}\n`]) {
      const bytes = encodeText(text);
      expect(trustedRootIn(bytes)).toStrictEqual(bytes);
    }
  });

  it('of several lines are all of them together, each thing once', () => {
    const both = trustedRootIn(encodeText(`${first}\n${second}\n${first}\n`));
    expect(logsIn(both)).toEqual([production, lab].flatMap((text) => logsIn(encodeText(text))));
    const authorities = [first, second].map((text) => authoritiesIn(encodeText(text)));
    for (const name of ['certificateAuthorities', 'ctlogs', 'timestampAuthorities'] as const)
      expect(authoritiesIn(both)[name]).toEqual(authorities.flatMap((each) => each[name]));
  });

  it('may be in a client\u2019s trust configuration', () => {
    const configuration = {
      mediaType: 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json',
      trustedRoot: JSON.parse(lab) as object,
      signingConfig: {},
    };
    const found = trustedRootIn(encodeText(JSON.stringify(configuration, null, 2)));
    expect(logsIn(found)).toEqual(logsIn(encodeText(lab)));
    expect(authoritiesIn(found)).toEqual(authoritiesIn(encodeText(lab)));
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
