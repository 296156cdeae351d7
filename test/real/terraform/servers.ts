import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { StateServer } from '../../terraform/support/state-server.js';
import { given } from './given.js';

/** Something that keeps a state. */
export interface StateKeeper {
  /** Terraform's `backend` block. */
  readonly backend: Readonly<Record<string, unknown>>;
  /** Its credentials. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const BUCKET = 'citadel-states';
const KEYS = { AWS_ACCESS_KEY_ID: 'citadel', AWS_SECRET_ACCESS_KEY: 'key-of-the-test-alone' };
/** Debian's account for nothing; Postgres refuses to run as root. */
const NOBODY = 65_534;

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/** Waits until it answers; what it said is in the error where it ends before. */
async function answering(child: ChildProcess, answers: () => Promise<boolean>): Promise<void> {
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (piece: Buffer) => (said += piece.toString()));
  for (let tries = 0; tries < 600; tries += 1) {
    if (child.exitCode !== null) break;
    if (await answers().catch(() => false)) return;
    await wait(200);
  }
  throw new Error(`${child.spawnfile} does not answer:\n${said}`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGINT');
  await exit;
}

/** S3's protocol with conditional writes, by a real server: versitygw on a folder, or moto. */
export async function s3(): Promise<StateKeeper> {
  const { path } = given('s3')!;
  const folder = mkdtempSync(join(tmpdir(), 'citadel-s3-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const gateway = basename(path) === 'versitygw';
  if (gateway) mkdirSync(join(folder, BUCKET));
  const argv = gateway
    ? ['--port', `127.0.0.1:${port}`, 'posix', folder]
    : ['--host', '127.0.0.1', '--port', String(port)];
  const child = spawn(path, argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ROOT_ACCESS_KEY: KEYS.AWS_ACCESS_KEY_ID,
      ROOT_SECRET_KEY: KEYS.AWS_SECRET_ACCESS_KEY,
    },
  });
  await answering(child, async () => (await fetch(url)).status > 0);
  if (!gateway) await fetch(`${url}/${BUCKET}`, { method: 'PUT' });
  return {
    backend: {
      s3: {
        bucket: BUCKET,
        key: 'citadel/web.tfstate',
        region: 'us-east-1',
        endpoints: { s3: url },
        use_path_style: true,
        use_lockfile: true,
        skip_credentials_validation: true,
        skip_requesting_account_id: true,
        skip_metadata_api_check: true,
        skip_region_validation: true,
      },
    },
    env: KEYS,
    stop: async () => {
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A cluster of its own, on the loopback, with a password. */
export async function postgres(): Promise<StateKeeper> {
  const bin = dirname(given('postgres')!.path);
  const folder = mkdtempSync(join(tmpdir(), 'citadel-postgres-'));
  const account = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if ('uid' in account) chownSync(folder, NOBODY, NOBODY);
  chmodSync(folder, 0o700);
  const port = await freePort();
  const [data, secret] = [join(folder, 'data'), join(folder, 'password')];
  writeFileSync(secret, 'password-of-the-test\n');
  const made = spawnSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'citadel', '--auth=scram-sha-256', `--pwfile=${secret}`, '--no-sync'],
    { ...account, encoding: 'utf8', cwd: folder },
  );
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const child = spawn(
    join(bin, 'postgres'),
    ['-D', data, '-k', folder, '-p', String(port), '-c', 'listen_addresses=127.0.0.1'],
    { ...account, stdio: ['ignore', 'pipe', 'pipe'], cwd: folder },
  );
  const asked = () =>
    spawnSync(join(bin, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(port)]).status === 0;
  await answering(child, () => Promise.resolve(asked()));
  return {
    backend: {
      pg: {
        conn_str: `postgres://127.0.0.1:${port}/postgres?sslmode=disable`,
        schema_name: 'citadel_web',
      },
    },
    env: { PGUSER: 'citadel', PGPASSWORD: 'password-of-the-test' },
    stop: async () => {
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The tests' own small server: HTTP's protocol has no server of its own that could be had. */
export async function http(): Promise<StateKeeper> {
  const server = await StateServer.start();
  const { address } = server;
  return {
    backend: { http: { address, lock_address: address, unlock_address: address, retry_max: 0 } },
    env: {},
    stop: () => server.stop(),
  };
}
