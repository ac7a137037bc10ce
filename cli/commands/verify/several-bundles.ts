/**
 * `stele verify` of a file with several bundles.
 * @module
 */
import { InvalidEntryError } from '../../../src/errors.js';
import type { ShippedBundle, ShippedBundles } from '../../../src/sigstore/bundle/bundle-files.js';
import type { CheckedBundle } from '../../../src/sigstore/verify/node/verify-bundle.js';
import { isBadData } from '../../../tiles-spec/errors.js';
import { plain, type Terminal } from '../../terminal.js';
import { VerdictError } from '../../verdict.js';

/** How a command verifies one bundle, and prints that. */
export interface OneBundle {
  /** Prints the steps, if they are to be printed. @throws what refuses the bundle. */
  readonly verify: (bundle: ShippedBundle) => Promise<CheckedBundle>;
  /** Prints whether all of it was checked, if that is to be printed. */
  readonly sayVerdict: (checked: CheckedBundle) => void;
  readonly json: (checked: CheckedBundle) => object;
}

/**
 * Verifies each bundle by itself, and prints each verdict. One verified bundle is enough: the file's maker could have left
 * out the others.
 * @returns the exit code.
 * @throws VerdictError where none is verified.
 */
export async function verifySeveral(
  bundles: ShippedBundles,
  { verify, sayVerdict, json }: OneBundle,
  isJson: boolean,
  terminal: Terminal,
): Promise<number> {
  const verified: string[] = [];
  const results: object[] = [];
  for (const bundle of bundles) {
    const name = bundle.name ?? '';
    if (!isJson) terminal.out(`${terminal.bold('bundle'.padEnd(11))} ${name}`);
    try {
      const checked = await verify(bundle);
      if (checked.verified) verified.push(name);
      results.push({ Bundle: name, ...json(checked) });
      sayVerdict(checked);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      results.push({ Bundle: name, Verified: false, Refused: error.message });
      if (!isJson) terminal.out(`${terminal.bad('REFUSED')} ${plain(error.message)}`);
    }
  }
  const result = { Verified: verified.length > 0, Bundles: results };
  if (verified.length === 0) {
    // The output has the reason of each. Repeated in one line, they could not be read.
    throw new VerdictError(
      `none of the ${bundles.length} bundles is verified: the output says of each why`,
      result,
    );
  }
  if (isJson) terminal.json(result);
  else {
    terminal.out(
      terminal.good(`Verified: ${verified.length} of ${bundles.length} bundles: ${verified.join('; ')}`),
    );
  }
  return 0;
}

function isRefusal(error: unknown): error is Error {
  return isBadData(error) || error instanceof InvalidEntryError;
}
