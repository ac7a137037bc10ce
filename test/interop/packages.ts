/**
 * Packages of others, for the files that they ship: fetched by name and version with their ordinary clients.
 * @module
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CACHE = join(import.meta.dirname, '..', '..', '.cache', 'packages');

/** The folder of a Go module, such as `github.com/sigstore/sigstore-go@v1.3.0`, with its tests' data. */
export async function goModule(module: string): Promise<string> {
  const options = { env: { ...process.env, GOFLAGS: '-mod=mod' }, cwd: '/' };
  const { stdout } = await run('go', ['mod', 'download', '-json', module], options);
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}

/** The folder of a source distribution of PyPI, such as `pypi-attestations==0.0.28`. */
export async function sourceDistribution(requirement: string): Promise<string> {
  const target = join(CACHE, requirement);
  if (existsSync(target)) return target;
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, '.new-'));
  try {
    const download = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--no-binary', ':all:'];
    await run('python3', [...download, '--dest', folder, requirement]);
    const [archive = ''] = await readdir(folder);
    await run('tar', ['-xzf', join(folder, archive), '-C', folder]);
    await rm(join(folder, archive));
    await rename(folder, target);
    return target;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
