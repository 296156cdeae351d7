import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer, connect as connectTcp } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { newKey, type Scratch, type TestKey } from './keys.js';

const SSHD = '/usr/sbin/sshd';

/** Why there is no real sshd to test against, or `undefined`. It logs root in, and only root may start it so. */
export const sshdMissing: string | undefined =
  process.platform !== 'linux'
    ? 'needs Linux'
    : process.getuid?.() !== 0
      ? 'needs root (sshd logs the test in)'
      : existsSync(SSHD)
        ? undefined
        : 'needs OpenSSH: apt-get install openssh-server';

export interface Sshd {
  readonly port: number;
  readonly hostKey: TestKey;
  readonly rsaHostKey: TestKey;
  /** A key file that may log in as root. */
  readonly identity: string;
  readonly identityKey: TestKey;
  readonly rsaIdentity: string;
  readonly version: string;
  /** What it has logged so far. */
  log(): string;
  stop(): Promise<void>;
}

export interface SshdOptions {
  /** Lines of sshd_config, which come before all others: the first value counts. */
  readonly lines?: readonly string[];
  /** Another build of the server, for example a newer Debian's in a root of its own. @default this machine's */
  readonly command?: readonly string[];
}

/** OpenSSH's server on a free port of 127.0.0.1, with keys of its own. */
export async function startSshd(parent: Scratch, options: SshdOptions = {}): Promise<Sshd> {
  const scratch = await parent.folder();
  // Privilege separation wants it; a system that has started its own sshd has it.
  mkdirSync('/run/sshd', { recursive: true });
  const hostKey = newKey('ed25519');
  const rsaHostKey = newKey('rsa');
  const identityKey = newKey('ed25519');
  const rsaKey = newKey('rsa');
  const identity = await scratch.file('id_ed25519', identityKey.privateText);
  const rsaIdentity = await scratch.file('id_rsa', rsaKey.privateText);
  const authorized = await scratch.file(
    'authorized_keys',
    `${identityKey.publicText}\n${rsaKey.publicText}\n`,
  );
  const port = await freePort();
  const config = await scratch.file(
    'sshd_config',
    [
      ...(options.lines ?? []),
      `Port ${String(port)}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${await scratch.file('host_ed25519', hostKey.privateText)}`,
      `HostKey ${await scratch.file('host_rsa', rsaHostKey.privateText)}`,
      `AuthorizedKeysFile ${authorized}`,
      'PidFile none',
      'UsePAM no',
      'StrictModes no',
      'PermitRootLogin prohibit-password',
      'PasswordAuthentication no',
      // Of this keyword alone the last one counts.
      ...(options.lines?.some((line) => line.startsWith('MaxStartups')) === true ? [] : ['MaxStartups 50']),
      '',
    ].join('\n'),
  );
  const [program = SSHD, ...words] = options.command ?? [SSHD];
  const child = spawn(program, [...words, '-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  for (let attempt = 0; !(await answers(port)); attempt += 1) {
    if (attempt > 100 || child.exitCode !== null) throw new Error(`sshd did not start: ${log}`);
    await sleep(50);
  }
  return {
    port,
    hostKey,
    rsaHostKey,
    identity,
    identityKey,
    rsaIdentity,
    version: sshdVersion(),
    log: () => log,
    stop: () => stop(child),
  };
}

function sshdVersion(): string {
  return execFileSync('sh', ['-c', 'ssh -V 2>&1 || :'], { encoding: 'utf8' }).trim();
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await Promise.race([ended, sleep(2000)]);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
