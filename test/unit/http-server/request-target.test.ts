import { expect, it } from 'vitest';
import { originForm } from '#src/http-server/request-target.js';

it.each([
  ['/checkpoint', '/checkpoint'],
  ['/', '/'],
  ['/?a=b', '/?a=b'],
  // Absolute, as proxies send it.
  ['http://log.example/checkpoint', '/checkpoint'],
  ['https://log.example:443/api/v2/log/entries?a=//b', '/api/v2/log/entries?a=//b'],
  ['HTTP://user:word@[::1]:80/tile/0/000', '/tile/0/000'],
  ['http://log.example', '/'],
  ['http://log.example?a', '/?a'],
  ['http://log.example//checkpoint', '/checkpoint'],
  // Of a base URL that ends in a slash.
  ['//checkpoint', '/checkpoint'],
  ['//api/v2//log///entries?a=//', '/api/v2/log/entries?a=//'],
  // Whatever else there is stays as it is, and finds nothing.
  ['*', '*'],
  ['http:///checkpoint', 'http:/checkpoint'],
  ['ftp://log.example/checkpoint', 'ftp:/log.example/checkpoint'],
  ['log.example:443', 'log.example:443'],
  ['/%2f%2fcheckpoint', '/%2f%2fcheckpoint'],
])('%s is %s', (target, form) => {
  expect(originForm(target)).toBe(form);
});
