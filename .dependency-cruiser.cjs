// Imports go down only: cli -> writer -> reader -> src -> tiles-spec, and never in a circle. For each room, the rooms
// above it.
const ABOVE = {
  'tiles-spec': '^(src|reader|writer|cli)/',
  src: '^(reader|writer|cli)/',
  reader: '^(writer|cli)/',
  writer: '^cli/',
};

// The same for the rooms within tiles-spec and src.
const BELOW = {
  'tiles-spec/tree': '^tiles-spec/(note|objects|search)/',
  'tiles-spec/note': '^tiles-spec/search/',
  'tiles-spec/objects': '^tiles-spec/search/',
  'src/signatures': '^src/(keys|kinds|pki|archives|requests|sigstore)/',
  'src/keys': '^src/(kinds|pki|archives|requests|sigstore)/',
  'src/kinds': '^src/(pki|archives|requests|sigstore)/',
  'src/pki': '^src/(requests|sigstore)/',
  'src/archives': '^src/(requests|sigstore)/',
  'src/sigstore/bundle': '^src/sigstore/(trust|verify)/',
  'src/sigstore/trust': '^src/sigstore/verify/',
};

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
    {
      name: 'http-server-is-uppermost-in-src',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/http-server/' },
      to: { path: '^src/http-server/' },
    },
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
      from: { path: ['^tiles-spec/', '^src/(kinds|requests|pki)/', '^reader/'], pathNot: ['/node/'] },
      to: {
        path: '^(node:)?(crypto|fs|os|path|zlib|util|http|net|stream|worker_threads|timers)(/|$)',
        reachable: true,
      },
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
