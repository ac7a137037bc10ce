/* global atob */
// Runs in Node and in a browser, and so imports nothing.

/**
 * All that a reader may ask of entries, as JSON.
 * @param kinds the module `stele/kinds`, in either place.
 * @param bodies in base64.
 */
export function readEntries({ keysOf, readEntry }, bodies) {
  return bodies.map((base64) => {
    const body = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const keys = keysOf(body);
    try {
      const entry = readEntry(body);
      if (!entry.isKnown) return { keys, kind: entry.kind, version: entry.version };
      const derived = entry.derivedKeys();
      const statements = entry.statements().map(asJson);
      return { keys, derived, statements, lines: entry.describe() };
    } catch (error) {
      // Its message may hold the words of the engine's own JSON parser.
      return { keys, error: error.name };
    }
  });
}

function asJson(statement) {
  return JSON.parse(
    JSON.stringify(statement, (_, value) => (value instanceof Uint8Array ? Array.from(value).join() : value)),
  );
}
