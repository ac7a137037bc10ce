/**
 * The durable calls by which a writer publishes a batch, in their order.
 * @module
 */

/** The objects of a batch of five entries after 254: they fill one tile and begin the next. */
export const ACROSS_A_TILE = [
  'tile/0/000',
  'tile/0/001.p/3',
  'tile/1/000.p/1',
  'tile/entries/000',
  'tile/times/000',
  'tile/entries/001.p/3',
  'tile/times/001.p/3',
];

/** The calls that publish a batch of these objects once it is claimed. */
export function callsAfterClaim(oldSize: number, objects: readonly string[]): string[] {
  return [
    ...objects.map((path) => `store.create ${path}`),
    'store.replace checkpoint',
    'staging.markPublished',
    `store.delete staging/${oldSize}`,
  ];
}

/** The calls that publish a batch of these objects once it is sequenced. */
export function callsAfterSequencing(oldSize: number, objects: readonly string[]): string[] {
  return [`store.create staging/${oldSize}`, ...callsAfterClaim(oldSize, objects)];
}
