/**
 * A driver in Java, `test/interop/java`: one process that takes many commands, for a Java machine takes seconds to
 * start.
 * @module
 */
import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Ended } from './keyless-clients.js';

const SOURCE = join(import.meta.dirname, 'java', 'SigstoreJava.java');

/** Of a file that holds no secret; Java wants one. */
const PASSWORD = 'changeit';

export class JavaDriver {
  readonly #child: ChildProcessWithoutNullStreams;
  /** Those who wait for an answer, in the order of their commands. */
  readonly #waiting: ((ended: Ended) => void)[] = [];
  #errors = '';

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    child.stderr.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    createInterface(child.stdout).on('line', (line) => {
      this.#waiting.shift()?.(JSON.parse(line) as Ended);
    });
    // Of one that has ended, the end is what tells.
    child.stdin.on('error', () => undefined);
    child.once('close', (code) => {
      for (const answer of this.#waiting.splice(0)) answer({ code, output: this.#errors });
    });
  }

  /**
   * Starts it in a folder, which is its home too.
   * @param jars the folder of the libraries that it uses.
   * @param certificate a file, PEM: that of a server which it is to trust over TLS.
   */
  static async start(jars: string, folder: string, certificate: string): Promise<JavaDriver> {
    const trusted = join(folder, 'trusted-servers.p12');
    const store = ['-keystore', trusted, '-storetype', 'PKCS12', '-storepass', PASSWORD];
    const stdio = 'ignore';
    execFileSync('keytool', ['-importcert', '-noprompt', '-file', certificate, ...store], {
      cwd: folder,
      stdio,
    });
    const settings = {
      'user.home': folder,
      'javax.net.ssl.trustStore': trusted,
      'javax.net.ssl.trustStorePassword': PASSWORD,
    };
    const flags = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`);
    const child = spawn('java', [...flags, '-cp', join(jars, '*'), SOURCE], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    await once(child, 'spawn');
    return new JavaDriver(child);
  }

  /** Runs one command, after those before it. A driver that ends answers with what it wrote to standard error. */
  run(args: readonly string[]): Promise<Ended> {
    return new Promise((resolve) => {
      if (this.#child.exitCode !== null) {
        resolve({ code: this.#child.exitCode, output: this.#errors });
        return;
      }
      this.#waiting.push(resolve);
      this.#child.stdin.write(`${JSON.stringify(args)}\n`);
    });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.stdin.end();
    await closed;
  }
}
