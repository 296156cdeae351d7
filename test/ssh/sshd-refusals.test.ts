import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as openSocket, createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  connect,
  type ConnectOptions,
  scanHostKeys,
  type SshConnection,
  SshError,
} from '../../lib/ssh/index.js';
import { CLIENTS } from './support/clients.js';
import { newKey, Scratch } from './support/keys.js';
import { type Proxy, startProxy } from './support/proxy.js';
import { type Sshd, type SshdOptions, sshdMissing, startSshd } from './support/sshd.js';

let scratch: Scratch;
const closers: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  scratch = await Scratch.make();
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(() => scratch.remove());

async function start(lines: readonly string[] = [], more: SshdOptions = {}): Promise<Sshd> {
  const sshd = await startSshd(scratch, { lines, ...more });
  closers.push(() => sshd.stop());
  return sshd;
}

function options(sshd: Sshd, changes: Partial<ConnectOptions> = {}): ConnectOptions {
  return {
    host: 'web',
    address: '127.0.0.1',
    port: sshd.port,
    user: 'root',
    hostKeys: [sshd.hostKey.fingerprint],
    auth: { kind: 'identity', path: sshd.identity },
    deadlineSec: 20,
    ...changes,
  };
}

async function login(sshd: Sshd, changes: Partial<ConnectOptions> = {}): Promise<SshConnection> {
  const connection = await connect(options(sshd, changes));
  closers.push(() => connection.close());
  const said = await connection.exec('echo in', { deadlineSec: 20 });
  expect(said.stdout.toString()).toBe('in\n');
  return connection;
}

async function failure(attempt: Promise<unknown>): Promise<SshError> {
  const error: unknown = await attempt.then(String, (reason: unknown) => reason);
  if (!(error instanceof SshError)) throw new Error(`not an SshError: ${String(error)}`);
  return error;
}

/** Holds the one place of an sshd that takes no second log-in. What looked whether sshd listens may hold it a little longer. */
async function occupy(port: number): Promise<void> {
  for (;;) {
    const idle = openSocket(port, '127.0.0.1');
    closers.push(() => Promise.resolve(idle.destroy()));
    const [greeting] = (await once(idle, 'data')) as [Buffer];
    if (greeting.toString().startsWith('SSH-')) return;
    await delay(50);
  }
}

/** A server, and what counts the connections to it. */
async function counted(lines: readonly string[] = []): Promise<{ sshd: Sshd; proxy: Proxy }> {
  const started = await start(lines);
  const proxy = await startProxy(started.port);
  closers.push(() => proxy.close());
  return { sshd: { ...started, port: proxy.port }, proxy };
}

describe.skipIf(sshdMissing !== undefined)(`a host's keys (skipped: ${sshdMissing ?? 'not'})`, () => {
  it('are all known after one log-in', async () => {
    const { sshd, proxy } = await counted();
    const connection = await login(sshd);
    expect(connection.hostKeys).toEqual([
      { type: 'ssh-ed25519', fingerprint: sshd.hostKey.fingerprint },
      { type: 'ssh-rsa', fingerprint: sshd.rsaHostKey.fingerprint },
    ]);
    expect(proxy.connections).toBe(1);
  });

  it.each(CLIENTS)(
    'let a host in that is pinned by a key of another type than its best, by the $name client',
    async ({ client }) => {
      const { sshd, proxy } = await counted();
      const pin = sshd.rsaHostKey.fingerprint;
      const way = client === undefined ? {} : { client };
      const connection = await login(sshd, { ...way, hostKeys: [pin] });
      if (client === undefined)
        expect(connection.hostKeys?.[0]).toEqual({ type: 'ssh-rsa', fingerprint: pin });
      expect(proxy.connections).toBe(2);
      await login(sshd, { ...way, hostKeys: [`ssh-rsa ${pin}`] });
      expect(proxy.connections).toBe(3);
      const wrong = await failure(connect(options(sshd, { ...way, hostKeys: [`ssh-ed25519 ${pin}`] })));
      expect([wrong.kind, wrong.hostKey?.fingerprint]).toEqual(['host-key', pin]);
      expect(wrong.got).toContain('that this fingerprint is of a key of type ssh-ed25519');
    },
  );

  it('let a host in over itself as a jump host, each pinned by its RSA key', async () => {
    const sshd = await start();
    const pinned = options(sshd, { hostKeys: [sshd.rsaHostKey.fingerprint] });
    const { host: _host, deadlineSec: _deadline, ...jump } = pinned;
    await login(sshd, { hostKeys: pinned.hostKeys, jump });
  });

  it('are all named when none is pinned, and no more connections are made than it has keys', async () => {
    const { sshd, proxy } = await counted();
    const error = await failure(connect(options(sshd, { hostKeys: [newKey().fingerprint] })));
    expect(error.kind).toBe('host-key');
    expect(error.got).toContain(`ssh-ed25519 ${sshd.hostKey.fingerprint}`);
    expect(error.got).toContain(`ssh-rsa ${sshd.rsaHostKey.fingerprint}`);
    expect(proxy.connections).toBe(2);
  });

  it('are scanned one connection after the other, to the first that is pinned', async () => {
    const { sshd, proxy } = await counted();
    expect(await scanHostKeys('web', '127.0.0.1', sshd.port, 20)).toHaveLength(2);
    expect(proxy.connections).toBe(2);
    expect(await scanHostKeys('web', '127.0.0.1', sshd.port, 20, [sshd.hostKey.fingerprint])).toEqual([
      { type: 'ssh-ed25519', fingerprint: sshd.hostKey.fingerprint },
    ]);
    expect(proxy.connections).toBe(3);
  });

  it('that are certificates are told from another machine', async () => {
    const ca = `${scratch.path}/host_ca`;
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', ca]);
    const key = `${scratch.path}/host_key`;
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    execFileSync('ssh-keygen', ['-q', '-s', ca, '-I', 'web', '-h', '-n', 'web', `${key}.pub`]);
    const only = await start([
      `HostKey ${key}`,
      `HostCertificate ${key}-cert.pub`,
      'HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com',
    ]);
    const error = await failure(connect(options(only)));
    expect([error.kind, error.step]).toEqual(['host-key', 'host key']);
    expect(error.got).toContain('certificates only (ssh-ed25519-cert-v01@openssh.com)');
    expect(error.fix).toMatch(/"client: system".*"@cert-authority SHA256:…" into hostKeys/);
    const shown = /which "(ssh-keyscan .*)" prints as/.exec(error.fix)?.[1] ?? '';
    expect(execFileSync('sh', ['-c', shown], { encoding: 'utf8' })).toContain(
      `Signing CA: ED25519 ${execFileSync('ssh-keygen', ['-lf', ca], { encoding: 'utf8' }).split(' ')[1] ?? ''}`,
    );
    const both = await start([`HostKey ${key}`, `HostCertificate ${key}-cert.pub`]);
    const authority = execFileSync('ssh-keygen', ['-lf', ca], { encoding: 'utf8' }).split(' ')[1] ?? '';
    const pinned = await failure(connect(options(both, { hostKeys: [authority] })));
    expect(pinned.fix).toContain('to pin the authority that signed it, set "client: system"');
  });
});

describe.skipIf(sshdMissing !== undefined)('a host that has only one of', () => {
  it.each([
    ['KexAlgorithms', 'diffie-hellman-group-exchange-sha256'],
    ['KexAlgorithms', 'diffie-hellman-group18-sha512'],
    ['Ciphers', 'aes192-ctr'],
    ['Ciphers', 'chacha20-poly1305@openssh.com'],
  ])('%s %s is reached', async (keyword, name) => {
    await login(await start([`${keyword} ${name}`]));
  });

  it('post-quantum key exchange is refused with both lists, and with what can', async () => {
    const error = await failure(
      connect(options(await start(['KexAlgorithms sntrup761x25519-sha512@openssh.com']))),
    );
    expect([error.kind, error.step]).toEqual(['protocol', 'key exchange']);
    expect(error.got).toMatch(
      /^no key exchange that both sides have\. The host has: sntrup761x25519-sha512@openssh\.com\. This client has: curve25519-sha256, /,
    );
    expect(error.fix).toMatch(/post-quantum .*"client: system"/);
  });

  it('a MAC that this client does not have is refused with both lists', async () => {
    const error = await failure(
      connect(options(await start(['Ciphers aes128-ctr', 'MACs umac-128-etm@openssh.com']))),
    );
    expect(error.got).toBe(
      'no MAC that both sides have. The host has: umac-128-etm@openssh.com. This client has: ' +
        'hmac-sha2-256-etm@openssh.com, hmac-sha2-512-etm@openssh.com, hmac-sha2-256, hmac-sha2-512',
    );
  });

  it.each(['rsa-sha2-512', 'rsa-sha2-256'])('%s for RSA keys is logged in to', async (name) => {
    const sshd = await start([`PubkeyAcceptedAlgorithms ${name}`]);
    await login(sshd, { auth: { kind: 'identity', path: sshd.rsaIdentity } });
    if (name === 'rsa-sha2-256') return;
    const socket = await startAgent([sshd.rsaIdentity]);
    await login(sshd, { auth: { kind: 'agent', socket } });
  });
});

/** An SSH agent with these keys. */
async function startAgent(paths: readonly string[]): Promise<string> {
  const { path } = await scratch.folder();
  const socket = `${path}/agent.sock`;
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  closers.push(() => Promise.resolve(agent.kill('SIGTERM')));
  const add = (file: string): void => {
    execFileSync('ssh-add', ['-q', file], {
      env: { ...process.env, SSH_AUTH_SOCK: socket },
      stdio: 'ignore',
    });
  };
  await expect.poll(() => spawnAdd(socket), { timeout: 20_000 }).toBe(1);
  for (const file of paths) add(file);
  return socket;
}

/** 1: the agent answers, and holds nothing. */
function spawnAdd(socket: string): number {
  try {
    execFileSync('ssh-add', ['-l'], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' });
    return 0;
  } catch (error) {
    return (error as { status: number }).status;
  }
}

describe.skipIf(sshdMissing !== undefined)('a log-in that', () => {
  it.each([
    ['publickey,keyboard-interactive', 'keyboard-interactive'],
    ['publickey,publickey', 'publickey'],
  ])('needs %s is said as what it is', async (methods, more) => {
    const sshd = await start([
      `AuthenticationMethods ${methods}`,
      'KbdInteractiveAuthentication yes',
      'UsePAM yes',
    ]);
    const error = await failure(connect(options(sshd)));
    expect([error.kind, error.step]).toEqual(['auth', 'authentication']);
    expect(error.got).toContain(`the host accepted the key ${sshd.identity}, and also wants ${more}`);
    expect(error.fix).toContain('"client: system"');
  });

  it.each(CLIENTS)(
    'is greeted by other causes is said as what it is, by the $name client',
    async ({ client }) => {
      const causes = [
        'Could not resolve hostname web',
        'Connection refused',
        'Host key verification failed.',
      ];
      const text = [
        ...causes,
        'Connection timed out',
        'line 1: keyword config',
        'Connection reset by peer',
        '',
      ];
      const banner = await scratch.file('banner', `${text.join('\n').repeat(200)}\x1b]0;title\x07\n`);
      const sshd = await start([`Banner ${banner}`, 'AllowUsers someone-else']);
      const error = await failure(connect(options(sshd, { ...(client !== undefined && { client }) })));
      expect([error.kind, error.step]).toEqual(['auth', 'authentication']);
      expect(error.got).toMatch(/^the host does not let user "root" in with the key [^\n]*$/);
    },
  );

  it.each(CLIENTS)(
    'is to an account that has expired shows what the host said, by the $name client',
    async ({ client }) => {
      const line = (file: string, entry: string): Promise<string> =>
        scratch.file(file.slice(1).replace('/', '-'), `${readFileSync(file, 'utf8')}${entry}\n`, 0o644);
      const mounts = [
        ['/etc/passwd', await line('/etc/passwd', 'citadel-old:x:0:0::/tmp:/bin/sh')],
        ['/etc/shadow', await line('/etc/shadow', 'citadel-old:*:19000:0:99999:7::1:')],
      ].map(([file, own]) => `mount --bind ${String(own)} ${String(file)}`);
      const script = `${mounts.join(' && ')} && exec /usr/sbin/sshd "$@"`;
      const sshd = await start(['UsePAM yes'], {
        command: ['unshare', '--mount', 'sh', '-c', script, 'sshd'],
      });
      const user = 'citadel-old';
      const error = await failure(connect(options(sshd, { user, ...(client !== undefined && { client }) })));
      expect([error.kind, error.step]).toEqual(['auth', 'authentication']);
      expect(error.got).toMatch(
        /, after it had said "Your account has expired; please contact your system administrator\."$/,
      );
      expect(error.fix).toContain('"chage -E -1 citadel-old"');
    },
  );

  it.each(CLIENTS)(
    'is by a key is told to an account that takes none, by the $name client',
    async ({ client }) => {
      const lines = ['PubkeyAuthentication no', 'PasswordAuthentication yes', 'PermitRootLogin yes'];
      const sshd = await start([...lines, 'KbdInteractiveAuthentication no']);
      const error = await failure(connect(options(sshd, { ...(client !== undefined && { client }) })));
      expect([error.kind, error.step]).toEqual(['auth', 'authentication']);
      expect(error.got).toBe('the host takes no keys from user "root", only password');
      expect(error.fix).toContain('PubkeyAuthentication');
    },
  );

  it.each(
    CLIENTS.flatMap((client) =>
      ['from="192.0.2.1"', 'expiry-time="20200101"'].map((mark) => ({ ...client, mark })),
    ),
  )(
    'is by a key with $mark before it names that as a reason, by the $name client',
    async ({ client, mark }) => {
      const keys = await scratch.file('marked', '');
      const sshd = await start([`AuthorizedKeysFile ${keys}`]);
      await scratch.file('marked', `${mark} ${sshd.identityKey.publicText}\n`);
      const error = await failure(connect(options(sshd, { ...(client !== undefined && { client }) })));
      expect([error.kind, error.step]).toEqual(['auth', 'authentication']);
      expect(error.fix).toContain('what stands before the key there (from=, expiry-time=)');
    },
  );

  it.each(CLIENTS.flatMap((client) => ['PermitOpen none', 'restrict'].map((how) => ({ ...client, how }))))(
    'is through a jump host with $how names that as a reason, by the $name client',
    async ({ client, how }) => {
      const keys = await scratch.file('restricted', '');
      const gate = await start([how === 'restrict' ? `AuthorizedKeysFile ${keys}` : how]);
      await scratch.file('restricted', `restrict ${gate.identityKey.publicText}\n`);
      const { host: _host, deadlineSec: _deadline, client: _client, ...jump } = options(gate);
      const behind = options(await start(), { jump, ...(client !== undefined && { client }) });
      const error = await failure(connect(behind));
      expect([error.kind, error.step]).toEqual(['unreachable', 'tcp connect']);
      expect(error.got).toContain('the jump host 127.0.0.1 cannot reach it');
      expect(error.fix).toContain(
        'AllowTcpForwarding and PermitOpen in its sshd_config, and at "restrict" in',
      );
    },
  );

  it('is not allowed names the other reasons that sshd hides', async () => {
    const error = await failure(connect(options(await start(['AllowUsers someone-else']))));
    expect(error.fix).toContain('AllowUsers');
  });

  it.each(CLIENTS)('is dropped by MaxStartups is said as that, by the $name client', async ({ client }) => {
    const sshd = await start(['MaxStartups 1:100:1', 'LoginGraceTime 60']);
    await occupy(sshd.port);
    // A log-in that was dropped is made again until the deadline.
    const way = { deadlineSec: 6, ...(client !== undefined && { client }) };
    const error = await failure(connect(options(sshd, way)));
    expect(error.got).toContain('too many others were being made at that time (MaxStartups)');
  });
});

describe.each(CLIENTS)('a port that, by the $name client,', ({ client }) => {
  const answering = async (text: string): Promise<number> => {
    const server = createServer((socket) =>
      socket
        .on('error', () => undefined)
        .resume()
        .end(text),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    return (server.address() as AddressInfo).port;
  };
  const refused = async (text: string): Promise<SshError> => {
    const port = await answering(text);
    const path = await scratch.file('any', newKey().privateText);
    return failure(
      connect({
        host: 'web',
        address: '127.0.0.1',
        port,
        user: 'root',
        hostKeys: [newKey().fingerprint],
        auth: { kind: 'identity', path },
        deadlineSec: 20,
        ...(client !== undefined && { client }),
      }),
    );
  };

  it('is a web server is shown with what it says', async () => {
    const error = await refused('HTTP/1.1 400 Bad Request\r\n\r\n<h1>\x1b[31mno</h1>');
    expect(error.got).toBe('what answers is not an SSH server; it says "HTTP/1.1 400 Bad Request"');
    expect(error.message).not.toContain('log-in');
  });

  it('takes no connection from this address now is said as that', async () => {
    const error = await refused('Not allowed at this time\r\n');
    expect(error.got).toBe(
      'sshd takes no connection from this address now (PerSourcePenalties or MaxStartups)',
    );
  });

  it('hangs up without a word blames no log-ins', async () => {
    const error = await refused('');
    expect([error.kind, error.step]).toEqual(['connection-lost', 'key exchange']);
    expect(error.fix).toContain('a load balancer without a host behind it');
  });
});
