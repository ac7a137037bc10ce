/**
 * `stele verify` of a file with several bundles.
 * @module
 */
import { InvalidEntryError } from '../../../src/errors.js';
import type { ShippedBundle, ShippedBundles } from '../../../src/sigstore/bundle/bundle-files.js';
import type { CheckedBundle } from '../../../src/sigstore/verify/node/verify-bundle.js';
import { isBadData } from '../../../tiles-spec/errors.js';
import { ProofError } from '../../../tiles-spec/index.js';
import { plain, type Terminal } from '../../terminal.js';

/** How a command verifies one bundle, and prints that. */
export interface OneBundle {
  /** Prints the steps, if they are to be printed. @throws what refuses the bundle. */
  readonly verify: (bundle: ShippedBundle) => Promise<CheckedBundle>;
  readonly sayVerdict: (checked: CheckedBundle) => void;
  readonly json: (checked: CheckedBundle) => object;
}

/** How many reasons the error names when every bundle is refused. The output has them all. */
const MOST_REASONS = 3;

/**
 * Verifies each bundle by itself, and prints each verdict. One verified bundle is enough: the file's maker could have left
 * out the others.
 * @returns the exit code.
 * @throws ProofError where every bundle is refused. JSON output says so itself, and nothing is thrown.
 */
export async function verifySeveral(
  bundles: ShippedBundles,
  { verify, sayVerdict, json }: OneBundle,
  isJson: boolean,
  terminal: Terminal,
): Promise<number> {
  const verified: string[] = [];
  const refused: string[] = [];
  const results: object[] = [];
  for (const bundle of bundles) {
    const name = bundle.name ?? '';
    if (!isJson) terminal.out(`${terminal.bold('bundle'.padEnd(11))} ${name}`);
    try {
      const checked = await verify(bundle);
      if (checked.verified) verified.push(name);
      results.push({ Bundle: name, ...json(checked) });
      if (!isJson) sayVerdict(checked);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refused.push(`${name}: ${error.message}`);
      results.push({ Bundle: name, Verified: false, Refused: error.message });
      if (!isJson) terminal.out(`${terminal.bad('REFUSED')} ${plain(error.message)}`);
    }
  }
  if (isJson) {
    terminal.json({ Verified: verified.length > 0, Bundles: results });
  } else if (refused.length === bundles.length) {
    const more = refused.length - MOST_REASONS;
    const reasons = [...refused.slice(0, MOST_REASONS), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
    throw new ProofError(`none of the ${bundles.length} bundles is good: ${reasons}`);
  } else if (verified.length > 0) {
    terminal.out(
      terminal.good(`Verified: ${verified.length} of ${bundles.length} bundles: ${verified.join('; ')}`),
    );
  }
  return verified.length > 0 ? 0 : 1;
}

function isRefusal(error: unknown): error is Error {
  return isBadData(error) || error instanceof InvalidEntryError;
}
