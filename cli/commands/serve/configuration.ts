/**
 * What `stele serve` runs with, as its settings give it.
 * @module
 */
import type { Network } from '../../../src/node/network.js';
import type { Address } from '../../settings/units.js';
import type { LogPlaces } from './place-settings.js';

export interface ServeConfiguration extends LogPlaces {
  readonly listen: Address;
  readonly publicUrl: string | undefined;
  readonly origin: string | undefined;
  readonly readUrl: string | undefined;
  /** Milliseconds. */
  readonly batchAge: number;
  readonly batchSize: number;
  /** Bytes. */
  readonly maxBody: number;
  readonly maxPending: number;
  /** Milliseconds. */
  readonly partialGrace: number;
  readonly rebuild: boolean;
  readonly acceptClock: boolean;
  readonly create: boolean;
  readonly expectCheckpoint: string | undefined;
  readonly metricsListen: Address | undefined;
  readonly logLevel: string;
  readonly network: Network;
}
