/**
 * Modules of others in Go, for the files that they ship.
 * @module
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The folder of a module, such as `github.com/sigstore/sigstore-go@v1.3.0`, with its tests' data. */
export async function goModule(module: string): Promise<string> {
  const options = { env: { ...process.env, GOFLAGS: '-mod=mod' }, cwd: '/' };
  const { stdout } = await run('go', ['mod', 'download', '-json', module], options);
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}
