/**
 * Wrong use of commands: each says in one line what is wrong, and exits with 2.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCase, expectEnded, jsonOf, User } from '../support/cli.js';

/** A URL where nothing listens: wrong use must be found before any request. */
const NOBODY = ['--rekor_server', 'http://127.0.0.1:1'];
const DIGEST = 'ab'.repeat(32);

let user: User;
/** A log's verifier key. */
let vkey: string;
/** The files in the user's folder before any command runs. */
let made: readonly string[];

beforeAll(async () => {
  user = await User.create();
  user.openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'key.pem');
  user.openssl('pkey', '-in', 'key.pem', '-pubout', '-out', 'key.pub');
  user.openssl('pkey', '-in', 'key.pem', '-aes256', '-passout', 'pass:secret', '-out', 'encrypted.pem');
  await user.write('a.txt', 'an artifact\n');
  user.openssl('dgst', '-sha256', '-sign', 'key.pem', '-out', 'a.sig', 'a.txt');
  await user.write('empty', '');
  await user.write('envelope.json', '{"payload":"!","payloadType":"t","signatures":[{"sig":"AA=="}]}');
  await user.write('root.json', '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}');
  await mkdir(user.file('folder'));
  [vkey = ''] = (await user.run(['keygen', '--origin', 'log.example', '--key', 'log.key'])).stdout.split(
    '\n',
  );
  await user.write('log.vkey', `${vkey}\n`);
  made = await files();
});

afterAll(() => user.remove());

/** The files in the user's folder, without those of Node's compile cache and of the tile cache. */
async function files(): Promise<string[]> {
  const all = await readdir(user.folder, { recursive: true });
  return all.filter((path) => !/^(?:compiled|home)(?:\/|$)/.test(path)).sort();
}

/** Command lines, with their messages. */
type Misuse = readonly [line: string, message: RegExp];

const SIGNED = 'upload --artifact a.txt --signature a.sig';
const LOGGED = 'verify --log-index 0';

const MISUSES: Readonly<Record<string, readonly Misuse[]>> = {
  'any command': [
    ['uplaod', /^stele: there is no command "uplaod": did you mean upload\?$/m],
    ['', /^stele: give a command: stele --help lists them$/m],
    ['loginfo extra', /^stele: there is no place for the argument "extra": stele loginfo \[options\]$/m],
    ['loginfo --timeuot 1s', /no option --timeuot: did you mean --timeout\?/],
    ['loginfo --timeout 5', /--timeout: "5" is not a duration such as 200ms or 1s/],
    ['loginfo --retry=-1', /--retry: "-1" is not a whole number/],
    ['loginfo --retry -1', /--retry: "-1" is not a whole number/],
    ['verify none --artifact -h.tgz', /BUNDLE: cannot read none: no such file or directory$/m],
    [
      'verify none --artifact --help',
      /BUNDLE: cannot read none: .* \(--artifact has taken the word after it, --help/,
    ],
    [
      'verify -dash.txt',
      /no option -dash\.txt here: .*\. A file of that name is given as \.\/-dash\.txt, or after --$/m,
    ],
    ['fsck -holiday', /no option -holiday here/],
    ['loginfo --format xml', /--format: "xml" is not default or json/],
    ['loginfo --store_tree_state maybe', /--store_tree_state: "maybe" is not true or false/],
    ['loginfo --config none.json', /configuration file: cannot read none\.json: no such file/],
    [
      'loginfo --config a.txt',
      /configuration file a\.txt: it is not JSON: .*"an artifact.* is not valid JSON/,
    ],
    ['loginfo --config key.pub', /configuration file key\.pub: it is not JSON, but PEM \(PUBLIC KEY\)$/m],
    [
      'loginfo --trusted-root key.pem',
      /^stele: --trusted-root: key\.pem: trusted root is not JSON, but PEM \(EC PRIVATE KEY\)$/m,
    ],
    ['loginfo --timeout 0s', /^stele: --timeout: 0s leaves a request no time$/m],
    ['loginfo --vkey nonsense', /--vkey: neither a file that is there nor a verifier key: "nonsense"$/m],
    ['loginfo --vkey a.b+123+x', /--vkey: "a\.b\+123\+x" is no verifier key: /],
    ['loginfo --vkey empty', /--vkey: empty holds no verifier key, as in a log's log\.vkey: it is empty$/m],
    ['loginfo --vkey key.pub', /--vkey: key\.pub holds no verifier key, .*: it holds PEM \(PUBLIC KEY\)$/m],
    ['loginfo --vkey a.txt', /--vkey: a\.txt holds no verifier key, .*: verifier key is not/],
    ['loginfo --vkey root.json', /--vkey: root\.json is a trusted root: give it to --trusted-root$/m],
    ['loginfo --vkey folder', /--vkey: cannot read folder: it is a folder/],
    ['loginfo --trusted-root none', /--trusted-root: cannot read none: no such file or directory/],
  ],
  'the log': [
    ['loginfo', /^stele: give --rekor_server, or pin a log: stele trust --pin URL$/m],
    [
      'loginfo --rekor_server http://127.0.0.1:1',
      /the log's key is not known: give --vkey or --trusted-root, or pin a log with stele trust --pin http:\/\/127\.0\.0\.1:1$/m,
    ],
    ['loginfo --rekor_server http://', /^stele: the log's URL is not an http:\/\/ or https:\/\/ URL/m],
    ['loginfo --rekor_server http://u:secret@h', /log's URL is not .* a password$/m],
    [
      'loginfo --rekor_server ftp://h',
      /--rekor_server: a log is read by http:\/\/, https:\/\/, s3:\/\/ or a folder/,
    ],
  ],
  upload: [
    ['upload --artefact x', /no option --artefact: did you mean --artifact\?/],
    ['upload', /give --public-key/],
    ['upload --artifact a.txt --key none', /--key: cannot read none: no such file or directory/],
    ['upload --artifact a.txt --key folder', /--key: cannot read folder: it is a folder/],
    ['upload --artifact folder --key key.pem', /--artifact: folder is not a file/],
    [
      'upload --artifact a.txt --key a.txt',
      /^stele: --key: a\.txt is no private key in PEM .*: it holds no PEM block$/m,
    ],
    ['upload --artifact a.txt --key key.pub', /key\.pub is no private key .*: it holds PUBLIC KEY/],
    ['upload --artifact a.txt --key encrypted.pem', /encrypted\.pem .*: it is encrypted: decrypt it first/],
    [
      'upload --artifact a.txt --key key.pem --signature a.sig',
      /^stele: --key and --signature stand for one another: give one of them$/m,
    ],
    [
      `upload --artifact-hash ${DIGEST} --key key.pem`,
      /^stele: --artifact-hash has no place beside --key: it signs a file, --artifact$/m,
    ],
    [
      'upload --type dsse --artifact envelope.json --signature a.sig --public-key key.pub',
      /^stele: --signature has no place: the envelope holds it$/m,
    ],
    [
      'upload --artifact a.txt --key key.pem --output folder',
      /--output: cannot write folder: it is a folder/,
    ],
    ['upload --artifact a.txt --key key.pem --output no/x', /--output: cannot write no\/x: no such file/],
    [SIGNED, /give --public-key/],
    ['upload --artifact a.txt --public-key key.pub', /give --signature/],
    ['upload --signature a.sig --public-key key.pub', /give --artifact or --artifact-hash/],
    [
      `${SIGNED} --public-key key.pub --artifact-hash ${DIGEST}`,
      /--artifact and --artifact-hash stand for one another: give one of them/,
    ],
    [
      `${SIGNED} --public-key key.pem`,
      /^stele: --public-key: key\.pem holds .*EC PRIVATE KEY; a PUBLIC KEY or a CERTIFICATE/m,
    ],
    [
      `${SIGNED} --public-key a.txt`,
      /^stele: --public-key: a\.txt is no public key: it is neither PEM nor DER$/m,
    ],
    [`${SIGNED} --public-key key.pub --type rekord`, /--type: "rekord" is not hashedrekord or dsse/],
    [
      'upload --artifact a.txt --public-key key.pub --type dsse',
      /--artifact: a\.txt: the envelope is not JSON/,
    ],
    [
      'upload --artifact key.pub --public-key key.pub --type dsse',
      /^stele: --artifact: key\.pub: the envelope is not JSON, but PEM \(PUBLIC KEY\)$/m,
    ],
    ['upload --artifact a.txt --signature empty --public-key key.pub', /--signature: empty is empty/],
    ['upload --artifact envelope.json --public-key key.pub --type dsse', /envelope's payload is not base64/],
    [
      'upload --artifact-hash xyz --signature a.sig --public-key key.pub',
      /--artifact-hash: it is not a sha256/,
    ],
    [
      `upload --artifact-hash sha512:${DIGEST} --signature a.sig --public-key key.pub`,
      /--artifact-hash: it is not/,
    ],
    [
      `upload --artifact-hash ${DIGEST}${DIGEST} --signature a.sig --public-key key.pub`,
      /--artifact-hash: this key signs a sha256/,
    ],
    [
      'upload --artifact a.txt --key key.pem --rekor_server .',
      /entries are sent to a URL with http:\/\/ or https:\/\/, not to \./,
    ],
  ],
  verify: [
    ['verify --artefact x', /no option --artefact: did you mean --artifact\?/],
    ['verify', /give a bundle or proof; or --log-index or --uuid; or --artifact with --signature/],
    ['verify none', /^stele: BUNDLE: cannot read none: no such file or directory$/m],
    ['verify folder', /BUNDLE: cannot read folder: it is a folder/],
    ['verify a b', /no place for the argument "b"/],
    ['verify a.txt --log-index 0', /BUNDLE and --log-index stand for one another: give one of them/],
    ['verify a.txt --signature a.sig', /^stele: --signature has no place: the bundle a\.txt holds it$/m],
    [
      'verify --type dsse --artifact envelope.json --signature none --public-key key.pub',
      /^stele: --signature has no place: the envelope holds it$/m,
    ],
    [
      'verify a.txt --artifact a.txt --artifact envelope.json',
      /^stele: --artifact is given twice, as a\.txt and as envelope\.json: give it once$/m,
    ],
    [
      'verify a.txt --artifact a.txt',
      /a\.txt is neither a bundle nor a \.tlog-proof: stele verify a\.txt\.sig/,
    ],
    ['verify empty', /^stele: empty is empty, where a bundle or a \.tlog-proof belongs$/m],
    ['verify key.pem', /^stele: key\.pem holds PEM \(EC PRIVATE KEY\), where a bundle/m],
    ['verify log.vkey', /^stele: log\.vkey is a verifier key \(--vkey\), where a bundle/m],
    ['verify a.txt --type dsse', /^stele: --type has no place: the bundle a\.txt says what it is of$/m],
    ['verify a.txt --type hashedrekord', /^stele: --type has no place: the bundle a\.txt says/m],
    [
      `${LOGGED} --certificate-identity x`,
      /--certificate-identity and --certificate-oidc-issuer go together/,
    ],
    [
      `${LOGGED} --certificate-identity x --certificate-oidc-issuer y`,
      /--certificate-identity needs --trusted-root/,
    ],
    [
      `${LOGGED} --certificate-identity x --public-key key.pub`,
      /--public-key and --certificate-identity stand for one another/,
    ],
    ['verify --uuid 123', /--uuid: it is neither a leaf hash \(64/],
  ],
  get: [
    ['get --log-idnex 0', /no option --log-idnex: did you mean --log-index\?/],
    ['get', /give --log-index or --uuid/],
    ['get --log-index -1', /--log-index: "-1" is not a whole number/],
    ['get --log-index 99999999999999999999', /--log-index: "9+" is not a whole number/],
    ['get --uuid xyz', /--uuid: it is neither a leaf hash \(64 hexadecimal digits\) nor an entry id \(80\)/],
    [`get --uuid ${'g'.repeat(64)}`, /--uuid: it is neither/],
    [`get --uuid ${'0'.repeat(80)}`, /--uuid: it is of the log with tree id 0, not of this one/],
    ['get --log-index 0 --proof x.txt', /--proof: the name ends in \.tlog-proof, or in \.json/],
    ['get --log-index 0 --proof no/x.json', /--proof: cannot write no\/x\.json: no such file/],
  ],
  logproof: [
    ['logproof --fisrt-size 1', /no option --fisrt-size: did you mean --first-size\?/],
    ['logproof --first-size 0', /--first-size: a tree to prove has 1 entry at least/],
    ['logproof --first-size 3 --last-size 2', /--first-size: 3 is over --last-size, 2/],
  ],
  fsck: [
    ['fsck --no-tiems', /no option --no-tiems: did you mean --no-times\?/],
    ['fsck a --rekor_server b', /LOG and --rekor_server stand for one another: give one of them/],
    ['fsck ftp://h', /^stele: LOG: a log is read by http:\/\/, https:\/\/, s3:\/\/ or a folder$/m],
    ['fsck a b', /no place for the argument "b": stele fsck \[LOG\] \[options\]/],
  ],
  trust: [
    ['trust --pni http://a', /no option --pni: did you mean --pin\?/],
    ['trust', /LOG is missing: stele trust LOG\.\.\. \[options\]/],
    [
      'trust --pin',
      /--pin takes one URL, with http:\/\/, https:\/\/ or s3:\/\/: stele trust --pin https:\/\/log\.example\.com/,
    ],
    ['trust --pin http://a http://b', /--pin takes one URL/],
    ['trust --pin http://', /the log's URL is not an http/],
    [
      'trust http://h.invalid',
      /h\.invalid is not pinned: give --vkey, or stele trust --pin http:\/\/h\.invalid/,
    ],
    [
      'trust --pin http://a --output x',
      /^stele: --output has no place beside --pin: a pin is of a log alone/m,
    ],
    ['trust key.pub', /^stele: key\.pub: trusted root is not JSON, but PEM \(PUBLIC KEY\)$/m],
    ['trust folder', /folder is neither a trusted_root\.json nor a log's folder/],
  ],
  keygen: [
    ['keygen --orgin a.example', /no option --orgin: did you mean --origin\?/],
    ['keygen', /give --origin/],
    ['keygen --origin Not.A.Host/x', /--origin: .* cannot be a log's origin/],
    ['keygen --origin a.example --key key.pem', /cannot make the key file key\.pem: .*already exists/],
  ],
  serve: [
    ['serve --lsiten 127.0.0.1:0', /no option --lsiten: did you mean --listen\?/],
    ['serve --data a.txt', /^stele: --data: a\.txt is a file, where a folder belongs: give another name$/m],
    ['serve --listen 3000', /--listen: "3000" is not HOST:PORT/],
  ],
  version: [['version --fromat json', /no option --fromat: did you mean --format\?/]],
  completion: [
    ['completion bash --hlep', /no option --hlep: did you mean --help\?/],
    ['completion', /SHELL is missing: stele completion SHELL/],
    ['completion tcsh', /SHELL: "tcsh" is not bash, zsh or fish/],
  ],
  help: [['help uplaod', /COMMAND: "uplaod" is not serve, .* or help$/m]],
};

/** Adds the URL of a log, where nothing listens, for commands that would go on to ask a log. */
function argsOf(line: string): string[] {
  const words = line.split(' ').filter((word) => word !== '');
  const [name = ''] = words;
  const asks = ['upload', 'verify', 'get', 'logproof'].includes(name) || /^loginfo --(?!rekor)/.test(line);
  if (!asks || line.includes('--rekor_server')) return words;
  return [
    ...words,
    ...NOBODY,
    ...(line.includes('--vkey') || line.includes('--trusted') ? [] : ['--vkey', vkey]),
  ];
}

describe.concurrent.each(Object.entries(MISUSES))('%s, wrongly used', (_name, misuses) => {
  it.each(misuses.map(([line, stderr], at) => [line, stderr, at] as const))(
    '%s',
    async (line, stderr, at) => {
      const expected = { args: argsOf(line), code: 2, stderr };
      // All messages are printed by the same code: the first of each command is enough.
      if (at === 0) await expectCase(user, expected);
      else expectEnded(await user.run(expected.args), expected);
    },
  );
});

it.concurrent('says it as JSON too, where that is asked for', async () => {
  const lines = ['get', 'verify none', 'trust', 'nosuch', ''];
  await Promise.all(
    lines.map(async (line) => {
      const ended = await user.run(argsOf(`${line} --format json`));
      expect(ended.code).toBe(2);
      const message = ended.stderr.slice('stele: '.length, -1);
      expect(jsonOf(ended)).toStrictEqual({ error: { code: 2, message } });
    }),
  );
});

// After all of them.
it('wrong use makes nothing', async () => {
  expect(await files()).toStrictEqual(made);
});
