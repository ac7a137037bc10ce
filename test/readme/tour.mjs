// The README's tour as one shell script: its `sh tour` blocks, in order, word for word.
//
//     node test/readme/tour.mjs README.md
import { readFileSync } from 'node:fs';

export function tourOf(markdown) {
  return [...markdown.matchAll(/^```sh tour\n([\s\S]*?)^```$/gm)].map(([, commands]) => commands).join('\n');
}

if (process.argv[2] !== undefined) console.log(tourOf(readFileSync(process.argv[2], 'utf8')));
