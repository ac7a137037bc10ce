const { builtinModules } = require('node:module');

// Imports go down only: cli -> writer -> reader -> src -> tiles-spec, and never in a circle. For each room, the rooms
// above it.
const ABOVE = {
  'tiles-spec': '^(src|reader|writer|cli)/',
  src: '^(reader|writer|cli)/',
  reader: '^(writer|cli)/',
  writer: '^cli/',
};

// The same for the rooms within tiles-spec and src/sigstore.
const BELOW = {
  'tiles-spec/tree': '^tiles-spec/(note|objects|search)/',
  'tiles-spec/note': '^tiles-spec/search/',
  'tiles-spec/objects': '^tiles-spec/search/',
  'src/sigstore/bundle': '^src/sigstore/(trust|verify)/',
  'src/sigstore/trust': '^src/sigstore/verify/',
};

// For each room of src, the rooms below it, which it may import. Every room may import src/node too, which imports none.
const ROOMS_BELOW = {
  node: [],
  store: [],
  http: [],
  'http-server': ['http'],
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
      comment: 'tiles-spec runs in a browser, and imports the @noble packages alone.',
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
    ...Object.entries(ROOMS_BELOW).map(([room, below]) => ({
      name: `src-${room}-looks-down-only`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: { path: '^src/[^/]+/', pathNot: `^src/(${[room, 'node', ...below].join('|')})/` },
    })),
    {
      name: 'node-by-place',
      comment:
        "Node's built-ins are imported below a node/ folder, in src/store and in src/http-server alone.",
      severity: 'error',
      from: { path: '^(tiles-spec|src|reader)/', pathNot: ['/node/', '^src/store/', '^src/http-server/'] },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'browser-code-reaches-no-node',
      comment: 'Code for browsers must not reach a built-in through other files either.',
      severity: 'error',
      from: {
        path: ['^tiles-spec/', '^src/(http|signatures|kinds|requests|pki|sigstore)/', '^reader/'],
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
      comment:
        "Loading AWS's SDK takes long: the S3 store is imported dynamically, by commands that use a bucket.",
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
        "Sigstore's library verifies chains, SCTs and time stamps. It takes long to load: one file imports it, when asked.",
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
