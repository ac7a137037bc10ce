/**
 * Settings that stand for one another: the stronger source wins over all of a set.
 */
import { describe, expect, it } from 'vitest';
import {
  leftOut,
  STRENGTH,
  type Alternatives,
  type Source,
  type Strength,
} from '#cli/settings/alternatives.js';
import { COMMANDS } from '#cli/commands.js';

const WHO: Alternatives = { of: [['key'], ['identity', 'issuer']] };

function sources(given: Readonly<Record<string, keyof typeof STRENGTH>>): Record<string, Source> {
  return Object.fromEntries(
    Object.entries(given).map(([name, kind]) => {
      const strength: Strength = STRENGTH[kind];
      return [name, { where: `${name} by ${kind}`, strength }] as const;
    }),
  );
}

function out(alternatives: readonly Alternatives[], given: Parameters<typeof sources>[0]): string[] {
  return [...leftOut(alternatives, sources(given))].sort();
}

describe('of settings that stand for one another', () => {
  it('nothing is left out where one set alone is given', () => {
    expect(out([WHO], {})).toStrictEqual([]);
    expect(out([WHO], { key: 'file' })).toStrictEqual([]);
    expect(out([WHO], { identity: 'flag', issuer: 'file' })).toStrictEqual([]);
  });

  it('the set with the strongest source wins, and keeps what a weaker one gives for it', () => {
    expect(out([WHO], { key: 'environment', identity: 'flag', issuer: 'file' })).toStrictEqual(['key']);
    expect(out([WHO], { key: 'flag', identity: 'environment', issuer: 'environment' })).toStrictEqual([
      'identity',
      'issuer',
    ]);
    expect(out([WHO], { key: 'file', issuer: 'environment' })).toStrictEqual(['key']);
  });

  it('two that are equally strong are named, by their sources', () => {
    for (const kind of ['flag', 'environment', 'file'] as const) {
      expect(() => out([WHO], { key: kind, issuer: kind })).toThrow(
        `key by ${kind} and issuer by ${kind} stand for one another: give one of them`,
      );
    }
  });

  it('those that mean something together may be equally strong, and some are never left out', () => {
    const together: Alternatives = { ...WHO, together: true, keeps: ['issuer'] };
    expect(out([together], { key: 'flag', issuer: 'flag' })).toStrictEqual([]);
    expect(out([together], { key: 'flag', identity: 'file', issuer: 'environment' })).toStrictEqual([
      'identity',
    ]);
  });

  it('what one choice leaves out does not count in the next', () => {
    const next: Alternatives = { of: [['issuer'], ['other']] };
    expect(out([WHO, next], { key: 'flag', issuer: 'environment', other: 'environment' })).toStrictEqual([
      'identity',
      'issuer',
    ]);
  });
});

it.each(Object.entries(COMMANDS))('%s names its own settings and arguments alone', (_name, command) => {
  const own = [...Object.keys(command.settings), ...(command.arguments ?? []).map(({ name }) => name)];
  for (const { of, keeps = [] } of command.alternatives ?? [])
    expect(own).toEqual(expect.arrayContaining([...of.flat(), ...keeps]));
});

it('an option takes a value in every command that has it, or in none', () => {
  const kinds = new Map<string, boolean>();
  for (const { settings } of Object.values(COMMANDS)) {
    for (const [name, { value }] of Object.entries(settings)) {
      expect(kinds.get(name) ?? value !== undefined, name).toBe(value !== undefined);
      kinds.set(name, value !== undefined);
    }
  }
});
