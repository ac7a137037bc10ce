/* global performance */
/**
 * The programs of others that tests drive, each of one version: servers and clients in Go, what drivers of ours in Go
 * and Rust are built of, the jars for those in Java, and a Python environment. They are installed below `.cache/tools`,
 * by their names, when they are first asked for.
 *
 *     node test/tools.mjs [NAME]…      installs them beforehand; without names all of them
 * @module
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import sqlite3 from 'sqlite3';

const ROOT = join(import.meta.dirname, '..');
const CACHE = join(ROOT, '.cache', 'tools');
const INTEROP = join(import.meta.dirname, 'interop');

/** Each a Go program; one that is any server of its kind may as well be found on the PATH. */
const GO_PROGRAMS = {
  versitygw: { program: 'github.com/versity/versitygw/cmd/versitygw', version: 'v1.8.0', anyVersion: true },
  minio: {
    program: 'github.com/minio/minio',
    version: 'v0.0.0-20260212201848-7aac2a2c5b7c',
    anyVersion: true,
  },
  cosign: { program: 'github.com/sigstore/cosign/v3/cmd/cosign', version: 'v3.1.3' },
  'timestamp-server': {
    program: 'github.com/sigstore/timestamp-authority/v2/cmd/timestamp-server',
    version: 'v2.1.3',
  },
  'tessera-fsck': { program: 'github.com/transparency-dev/tessera/cmd/fsck', version: 'v1.0.4' },
  'tessera-hammer': { program: 'github.com/transparency-dev/tessera/internal/hammer', version: 'v1.0.4' },
  litewitness: { program: 'filippo.io/torchwood/cmd/litewitness', version: 'v0.9.0' },
  omniwitness: {
    program: 'github.com/transparency-dev/witness/cmd/omniwitness',
    version: 'v0.0.0-20260720115447-2e1c6971d19e',
  },
};

/** Our own drivers, of libraries pinned in go.mod: folders of `test/interop/go`. */
const GO_DRIVERS = ['sigstore-go', 'rekor-tiles', 'torchwood'];

/** Source distributions of Python, for the data in them. */
const PYTHON_SOURCES = { 'pypi-attestations': '0.0.30' };

/** Our own drivers, of crates pinned in Cargo.lock: programs of the package `test/interop/rust`. */
const RUST_DRIVERS = ['sigstore-rust', 'tlog-tiles'];

/** Environments of Python: the packages of each, and the interpreters of which the first there is makes it. */
const PYTHON_ENVIRONMENTS = {
  python: { packages: 'requirements.txt', interpreters: ['python3'] },
  'python-aics': { packages: 'aics.txt', interpreters: ['python3.13', 'python3.12', 'python3'] },
};

export const TOOLS = [
  ...Object.keys(GO_PROGRAMS),
  ...GO_DRIVERS,
  ...RUST_DRIVERS,
  'java',
  ...Object.keys(PYTHON_ENVIRONMENTS),
  ...Object.keys(PYTHON_SOURCES),
];

const run = promisify(execFile);
const LONGEST_WAIT = 30 * 60_000;
const installed = new Map();

/**
 * The path of a tool, which is installed if need be.
 * @throws Error saying what is missing.
 */
export function tool(name) {
  if (!installed.has(name)) installed.set(name, install(name));
  return installed.get(name);
}

async function install(name) {
  if (name in PYTHON_ENVIRONMENTS) return installPython(PYTHON_ENVIRONMENTS[name]);
  if (name === 'java') return installJars();
  if (GO_DRIVERS.includes(name)) return buildGoDriver(name);
  if (RUST_DRIVERS.includes(name)) return buildRustDriver(name);
  if (name in GO_PROGRAMS) return installGoProgram(name, GO_PROGRAMS[name]);
  if (name in PYTHON_SOURCES) return unpackPythonSource(name, PYTHON_SOURCES[name]);
  throw new Error(`there is no tool ${name}; there are ${TOOLS.join(', ')}`);
}

async function installGoProgram(name, { program, version, anyVersion }) {
  const target = join(CACHE, `${name}-${version}`);
  const found = () => (existsSync(target) ? target : anyVersion && onPath(name));
  return (
    found() ||
    alone(async () => {
      if (existsSync(target)) return target;
      return inNewFolder(async (folder) => {
        await command('go', ['install', `${program}@${version}`], { GOBIN: folder });
        await rename(join(folder, basename(program.replace(/\/v[0-9]+$/, ''))), target);
        return target;
      });
    })
  );
}

/** Built each time: Go knows what has changed. */
async function buildGoDriver(name) {
  const target = join(CACHE, `driver-${name}`);
  return alone(() =>
    inNewFolder(async (folder) => {
      const built = join(folder, name);
      await command('go', ['-C', join(INTEROP, 'go'), 'build', '-o', built, `./${name}`]);
      await rename(built, target);
      return target;
    }),
  );
}

/** Built each time: Cargo knows what has changed. */
async function buildRustDriver(name) {
  const built = join(CACHE, 'rust');
  return alone(async () => {
    const manifest = join(INTEROP, 'rust', 'Cargo.toml');
    const places = ['--manifest-path', manifest, '--target-dir', built];
    await command('cargo', ['build', '--quiet', '--locked', ...places, '--bin', name]);
    return join(built, 'debug', name);
  });
}

/** The folder of all jars that the drivers in Java use. */
async function installJars() {
  const pom = join(INTEROP, 'java', 'pom.xml');
  const target = join(CACHE, `java-${pinnedBy(pom)}`);
  if (existsSync(target)) return target;
  return alone(async () => {
    if (existsSync(target)) return target;
    return inNewFolder(async (folder) => {
      const jars = join(folder, 'jars');
      const copy = ['dependency:copy-dependencies', `-DoutputDirectory=${jars}`];
      await command('mvn', ['--batch-mode', '--quiet', '--file', pom, ...copy]);
      await rename(jars, target);
      return target;
    });
  });
}

/** The interpreter of an environment with the required packages. */
async function installPython({ packages, interpreters }) {
  const requirements = join(INTEROP, 'python', packages);
  const environment = join(CACHE, `python-${pinnedBy(requirements)}`);
  const python = join(environment, 'bin', 'python');
  const done = join(environment, 'installed');
  if (existsSync(done)) return python;
  return alone(async () => {
    if (existsSync(done)) return python;
    await makeEnvironment(environment, interpreters);
    await command(python, ['-m', 'pip', 'install', '--quiet', '-r', requirements]);
    await mkdir(done);
    return python;
  });
}

/** The folder of a package's sources. */
async function unpackPythonSource(name, version) {
  const target = join(CACHE, `${name}-${version}`);
  if (existsSync(target)) return target;
  return alone(async () => {
    if (existsSync(target)) return target;
    return inNewFolder(async (folder) => {
      const wanted = ['--no-deps', '--no-binary', ':all:', '--dest', folder, `${name}==${version}`];
      await command('python3', ['-m', 'pip', 'download', '--quiet', ...wanted]);
      const base = `${name.replaceAll('-', '_')}-${version}`;
      await command('tar', ['-xzf', join(folder, `${base}.tar.gz`), '-C', folder]);
      await rename(join(folder, base), target);
      return target;
    });
  });
}

/** An environment cannot be moved, so that one which was not finished is made anew. */
async function makeEnvironment(environment, [interpreter, ...others]) {
  try {
    // pyenv has a program for each version, which runs only if the version is chosen.
    const [version] = /[0-9]+\.[0-9]+$/.exec(interpreter) ?? [];
    const chosen = version === undefined ? {} : { PYENV_VERSION: version };
    await command(interpreter, ['-m', 'venv', '--clear', environment], chosen);
  } catch (error) {
    if (others.length === 0) throw error;
    await makeEnvironment(environment, others);
  }
}

/** What changes with the versions that a file names. */
function pinnedBy(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 16);
}

/**
 * Runs `use` while nothing else is installed, by any process: two would do the same work, of which one takes all
 * processors; and an environment is made in its place. The lock is SQLite's, which ends with its process.
 */
async function alone(use) {
  await mkdir(CACHE, { recursive: true });
  const lock = new sqlite3.Database(join(CACHE, 'lock.sqlite'));
  const done = (method, ...args) =>
    new Promise((resolve, reject) => {
      lock[method](...args, (error) => (error ? reject(error) : resolve()));
    });
  try {
    lock.configure('busyTimeout', LONGEST_WAIT);
    await done('exec', 'BEGIN EXCLUSIVE');
    return await use();
  } finally {
    await done('close');
  }
}

async function command(program, args, environment = {}) {
  try {
    await run(program, args, { env: { ...process.env, ...environment }, maxBuffer: 2 ** 26 });
  } catch (error) {
    if (error.code === 'ENOENT') throw new Error(`there is no ${program} on the PATH`, { cause: error });
    // What matters of it is at its end.
    const said = (error.stderr || error.message).trim().split('\n').slice(-10).join('\n');
    throw new Error(`${program} ${args.join(' ')}: ${said}`, { cause: error });
  }
}

/** Whatever is made there is moved into its place whole. */
async function inNewFolder(use) {
  const folder = await mkdtemp(join(CACHE, '.new-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function onPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

if (process.argv[1] === import.meta.filename) {
  const names = process.argv.slice(2);
  for (const name of names.length > 0 ? names : TOOLS) {
    const start = performance.now();
    try {
      await tool(name);
      console.log(`${name}: installed in ${Math.round((performance.now() - start) / 1000)} s`);
    } catch (error) {
      console.log(`${name}: ${error.message}`);
      process.exitCode = 1;
    }
  }
}
