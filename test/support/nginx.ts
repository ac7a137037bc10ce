/**
 * A real nginx, and tests that need it.
 * @module
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { describeWithProgram } from './program.js';

const NGINX = { names: ['nginx'], variable: 'STELE_TEST_NGINX', folders: ['/usr/local/sbin', '/usr/sbin'] };

/** Number of ports that are tried: another process may take a free port before nginx does. */
const TRIES = 5;

export interface Nginx {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

/** Starts nginx. `site` makes the directives of its http block, which must listen on 127.0.0.1 at the given port. */
export type StartNginx = (site: (port: number) => string) => Promise<Nginx>;

/** Tests that need nginx. Without it they are skipped or, when CI=true, fail. */
export function describeWithNginx(name: string, fn: (start: StartNginx) => void): void {
  describeWithProgram(NGINX, name, (executable) => {
    fn((site) => startNginx(executable, site));
  });
}

async function startNginx(executable: string, site: (port: number) => string): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'stele-nginx-'));
  try {
    for (let tries = 1; ; tries++) {
      const port = await freePort();
      const { stop, log } = await run(executable, folder, site(port));
      if (stop !== undefined) {
        return {
          port,
          stop: async () => {
            await stop();
            await rm(folder, { recursive: true });
          },
        };
      }
      if (tries === TRIES || !log.includes('Address already in use')) throw new Error(`nginx ended:\n${log}`);
    }
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
}

/** Runs nginx until it has started, and returns `stop`; or until it has ended, and returns none. */
async function run(
  executable: string,
  folder: string,
  site: string,
): Promise<{ stop: (() => Promise<void>) | undefined; log: string }> {
  const file = join(folder, 'nginx.conf');
  await writeFile(file, configuration(site));
  const child = spawn(executable, ['-p', folder, '-c', file, '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = new Promise<void>((resolve, reject) => {
    child.once('exit', () => {
      resolve();
    });
    child.once('error', reject);
  });
  let log = '';
  const started = new Promise<boolean>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      // nginx listens before its workers run.
      if (log.includes('start worker process ')) resolve(true);
    });
    child.once('close', () => {
      resolve(false);
    });
    exited.catch(reject);
  });
  if (!(await started)) return { stop: undefined, log };
  return {
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
    log,
  };
}

/** The part of Debian's `/etc/nginx/nginx.conf` that matters to the files served, with all paths in the folder. */
function configuration(site: string): string {
  return `daemon off;
${process.getuid?.() === 0 ? '# As root, its workers would be of a user who may not read temporary folders.\nuser root;' : ''}
worker_processes 1;
pid nginx.pid;
error_log stderr notice;
events {}
http {
    sendfile on;
    tcp_nopush on;
    default_type application/octet-stream;
    gzip on;
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
${site}
}
`;
}

/** The values in `deploy/nginx.conf` that each operator has to set. */
export interface Site {
  /** The folder with the log's files. */
  readonly root: string;
  /** The daemon's `HOST:PORT`. */
  readonly daemon: string;
  /** Files of a certificate and its key. Without them the site is plain HTTP. */
  readonly certificate?: { readonly file: string; readonly key: string };
}

/** `deploy/nginx.conf` with an operator's values. */
export function deployedSite(port: number, { root, daemon, certificate }: Site): string {
  const changes: readonly (readonly [string, string])[] = [
    ['server 127.0.0.1:3000;', `server ${daemon};`],
    ['listen 443 ssl http2;', `listen 127.0.0.1:${port}${certificate ? ' ssl http2' : ''};`],
    [
      'ssl_certificate /etc/letsencrypt/live/log.example.com/fullchain.pem;',
      certificate ? `ssl_certificate ${certificate.file};` : '',
    ],
    [
      'ssl_certificate_key /etc/letsencrypt/live/log.example.com/privkey.pem;',
      certificate ? `ssl_certificate_key ${certificate.key};` : '',
    ],
    ['root /var/lib/stele/store;', `root ${root};`],
  ];
  return changes.reduce(
    (text, [from, to]) => {
      const [before, after, ...more] = text.split(from);
      if (before === undefined || after === undefined || more.length > 0)
        throw new Error(`deploy/nginx.conf has not one "${from}"`);
      return before + to + after;
    },
    readFileSync('deploy/nginx.conf', 'utf8'),
  );
}
