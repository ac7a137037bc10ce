/**
 * Tests that need programs of others.
 * @module
 */
import { describe, it } from 'vitest';
import { tool, TOOLS } from '../tools.mjs';

/**
 * A `describe` whose tests drive the named tools, which are installed first: that takes minutes the first time, so it
 * happens while tests are collected, where no time limit of theirs runs. Where a tool cannot be installed, none of the
 * tests is registered, hooks included: one in their place is skipped and says why, or fails under `CI=true`.
 * @param fn Registers the tests. `tools(name)` is the path of one of the named tools.
 */
export function describeWithTools(
  names: readonly string[],
  title: string,
  fn: (tools: (name: string) => string) => void,
): void {
  describe(title, async () => {
    const paths = new Map<string, string>();
    for (const name of names) {
      if (!TOOLS.includes(name)) throw new Error(`there is no tool ${name}`);
      try {
        paths.set(name, await tool(name));
      } catch (error) {
        it(`needs ${name}`, ({ skip }) => {
          if (process.env['CI'] === 'true') throw error;
          skip(`${name} cannot be installed: ${error instanceof Error ? error.message : String(error)}`);
        });
        return;
      }
    }
    fn((name) => {
      const path = paths.get(name);
      if (path === undefined) throw new Error(`the tests do not say that they need ${name}`);
      return path;
    });
  });
}
