const { builtinModules } = require('node:module');

// The arrows of the house, as rules: cli -> writer -> reader -> src -> tiles-spec, never up and never in a circle.
const ABOVE = {
  'tiles-spec': '^(src|reader|writer|cli)/',
  src: '^(reader|writer|cli)/',
  reader: '^(writer|cli)/',
  writer: '^cli/',
};

// The rooms inside of tiles-spec and of src/sigstore, each with those that stand on it.
const BELOW = {
  'tiles-spec/tree': '^tiles-spec/(note|objects|search)/',
  'tiles-spec/note': '^tiles-spec/search/',
  'tiles-spec/objects': '^tiles-spec/search/',
  'src/sigstore/bundle': '^src/sigstore/(trust|verify)/',
  'src/sigstore/trust': '^src/sigstore/verify/',
};

// The rooms of src, each with those that it stands on. Every room may also use src/node, and src/node uses none.
const STANDS_ON = {
  node: [],
  store: [],
  'http-server': [],
  signatures: [],
  keys: ['signatures'],
  kinds: ['signatures'],
  pki: ['signatures', 'kinds'],
  archives: ['signatures', 'kinds'],
  requests: ['signatures', 'kinds', 'pki', 'archives'],
  sigstore: ['signatures', 'kinds'],
};

// Node's modules, as `node:fs` or `fs`. A list of some would let the others pass.
const NODE_MODULES = `^(node:)?(${builtinModules.join('|')})$`;

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: ['^cli/main\\.ts$', 'worker\\.ts$'] },
      to: {},
    },
    ...Object.entries(ABOVE).map(([room, above]) => ({
      name: `${room}-looks-down-only`,
      severity: 'error',
      from: { path: `^${room}/` },
      to: { path: above },
    })),
    {
      name: 'tiles-spec-is-pure',
      comment: 'tiles-spec runs in a browser: nothing but noble, no Node built-in.',
      severity: 'error',
      from: { path: '^tiles-spec/' },
      to: { pathNot: ['^tiles-spec/', '^node_modules/@noble/'] },
    },
    ...Object.entries(BELOW).map(([room, above]) => ({
      name: `${room}-is-below`,
      severity: 'error',
      from: { path: `^${room}/` },
      to: { path: above },
    })),
    ...Object.entries(STANDS_ON).map(([room, below]) => ({
      name: `src-${room}-stands-on-few`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: { path: '^src/[^/]+/', pathNot: `^src/(${[room, 'node', ...below].join('|')})/` },
    })),
    {
      name: 'node-by-place',
      comment: 'What needs Node is in a room that says so; anything else may run in a browser.',
      severity: 'error',
      from: { path: '^(tiles-spec|src|reader)/', pathNot: ['/node/', '^src/store/', '^src/http-server/'] },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'browser-code-reaches-no-node',
      comment: 'By way of other rooms neither.',
      severity: 'error',
      from: {
        path: ['^tiles-spec/', '^src/(signatures|kinds|requests|pki|sigstore)/', '^reader/'],
        pathNot: ['/node/'],
      },
      to: { path: NODE_MODULES, reachable: true },
    },
    {
      name: 'sqlite-in-staging-alone',
      severity: 'error',
      from: { pathNot: '^writer/staging/' },
      to: { path: '^node_modules/sqlite3/' },
    },
    {
      name: 'fastify-in-the-http-server-alone',
      severity: 'error',
      from: { pathNot: '^src/http-server/' },
      to: { path: '^node_modules/(fastify|@fastify)/' },
    },
    {
      name: 'aws-in-the-bucket-alone',
      severity: 'error',
      from: { pathNot: '^src/store/s3-(bucket|failure|object)\\.ts$' },
      to: { path: '^node_modules/@aws-sdk/' },
    },
    {
      name: 's3-only-when-used',
      comment: 'Whoever has no log there does not load the SDK.',
      severity: 'error',
      from: { pathNot: '^src/store/s3(-bucket|-object)?\\.ts$' },
      to: {
        path: '^src/store/s3(-bucket|-object|-failure)?\\.ts$',
        dependencyTypesNot: ['type-only', 'dynamic-import'],
      },
    },
    {
      name: 'sigstore-for-identities-alone',
      comment:
        'The log is verified by our own code; chains, SCTs and time stamps are not, and load when asked for.',
      severity: 'error',
      from: { pathNot: '^src/sigstore/verify/node/identity\\.ts$' },
      to: { path: '^node_modules/@sigstore/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
