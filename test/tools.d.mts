/** The names of the programs of others that tests drive. */
export const TOOLS: readonly string[];

/**
 * The path of a tool, which is installed if need be.
 * @throws Error saying what is missing.
 */
export function tool(name: string): Promise<string>;
