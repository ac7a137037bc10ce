// Loaded into a daemon and its threads by NODE_OPTIONS: a request that holds one of these words kills or hangs its
// thread, which no request is known to do in the real daemon.
const process = require('node:process');
const { isMainThread } = require('node:worker_threads');

const ENDS = {
  'deadly-exit': () => process.exit(3),
  'deadly-memory': () => {
    const kept = [];
    for (;;) kept.push(new Array(1_000_000).fill(0.5));
  },
  'deadly-endless': () => {
    for (;;);
  },
};

if (!isMainThread) {
  const parse = JSON.parse;
  JSON.parse = (text, ...others) => {
    for (const [word, end] of Object.entries(ENDS))
      if (typeof text === 'string' && text.includes(word)) end();
    return parse(text, ...others);
  };
}
