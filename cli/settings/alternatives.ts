/**
 * Settings that exclude one another, such as a public key and an identity that must have signed. Only those from the
 * strongest source are read, so that a variable left in the environment does not contradict a flag.
 * @module
 */
import { ConfigurationError } from '../../src/errors.js';

/** Where a setting or an argument is given. */
export interface Source {
  /** As messages name it: `--vkey`, `STELE_VKEY`, `vkey in stele.json`, `BUNDLE`. */
  readonly where: string;
  readonly strength: Strength;
}

/** The larger wins. An argument is as strong as a flag. */
export type Strength = (typeof STRENGTH)[keyof typeof STRENGTH];
export const STRENGTH = { flag: 3, environment: 2, file: 1 } as const;

/** Sets of settings and arguments, by their names: each set stands for the others. */
export interface Alternatives {
  readonly of: readonly (readonly string[])[];
  /** Several may come from sources of one strength: the command knows what they mean together. */
  readonly together?: true;
  /** Why the settings of the first set leave no place for the others, where they do not stand for one another. */
  readonly because?: string;
  /** Settings that also have a use of their own, and so are never left out. */
  readonly keeps?: readonly string[];
}

/**
 * The settings to leave out, since another set that stands for them comes from a stronger source.
 * @param sources where each given setting and argument comes from, by its name.
 * @throws ConfigurationError naming the sources where two that exclude each other are equally strong.
 */
export function leftOut(
  alternatives: readonly Alternatives[],
  sources: Readonly<Record<string, Source>>,
): ReadonlySet<string> {
  const out = new Set<string>();
  for (const { of, together, because, keeps = [] } of alternatives) {
    const given = of.flatMap((names) => {
      const [strongest] = names
        .flatMap((name) => (out.has(name) ? [] : (sources[name] ?? [])))
        .sort((one, two) => two.strength - one.strength);
      return strongest === undefined ? [] : [{ names, ...strongest }];
    });
    const most = Math.max(...given.map(({ strength }) => strength));
    const winners = given.filter(({ strength }) => strength === most);
    if (winners.length > 1 && together !== true) {
      const [first, ...others] = winners.map(({ where }) => where);
      throw new ConfigurationError(
        because === undefined
          ? `${[first, ...others].join(' and ')} stand for one another: give one of them`
          : `${others.join(' and ')} has no place beside ${String(first)}: ${because}`,
      );
    }
    const losers = given.filter((each) => !winners.includes(each)).flatMap(({ names }) => names);
    for (const name of losers) if (!keeps.includes(name)) out.add(name);
  }
  return out;
}
