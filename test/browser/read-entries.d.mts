/** All that a reader may ask of entries, as JSON. The bodies are in base64. */
export function readEntries(
  kinds: Pick<typeof import('#src/kinds/index.js'), 'keysOf' | 'readEntry'>,
  bodies: readonly string[],
): unknown[];
