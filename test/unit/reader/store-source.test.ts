import { expect, it } from 'vitest';
import { storeSource } from '#reader/index.js';
import { DamagedStoreError } from '#src/errors.js';
import { ObjectTooLongError } from '#src/store/store.js';
import { refusal } from '../../support/reader.js';

/** What the reader of a store hears when the store fails so. */
const heard = (error: Error) =>
  refusal(storeSource({ readRange: () => Promise.reject(error) })('checkpoint', 1_000));

it('an object that the store finds too long is too large', async () => {
  expect(await heard(new ObjectTooLongError('checkpoint'))).toMatchObject({
    name: 'UnexpectedAnswerError',
    code: 'too-large',
    path: 'checkpoint',
  });
});

it('any other damage of the store stays what it is', async () => {
  const damage = new DamagedStoreError('the disk could not keep what was written');
  expect(await heard(damage)).toBe(damage);
});
