/**
 * What it costs to find the lines of a file.
 */
import { expect, it, vi } from 'vitest';
import { jsonLines } from '#src/sigstore/bundle/json-lines.js';

it('blank lines are not searched for their ends', () => {
  const file = Buffer.concat([
    Buffer.from(' {}\n'),
    Buffer.alloc(10_000, '\n'),
    Buffer.alloc(10_000, ' \r\n'),
    Buffer.from('{"a":1}\r\n\n'),
  ]);
  const searches = vi.spyOn(file, 'indexOf');
  const lines = jsonLines(file, 'file', 2)?.map(({ number, bytes }) => [number, bytes.toString()]);
  expect(searches).toHaveBeenCalledTimes(2);
  expect(lines).toStrictEqual([
    [1, '{}'],
    [13_335, '{"a":1}\r'],
  ]);
});
