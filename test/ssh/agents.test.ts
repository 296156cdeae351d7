import { execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, type ConnectOptions, type SshAuth, SshError } from '../../lib/ssh/index.js';
import { parseKeyFile } from '../../lib/ssh/key-file.js';
import { wireString } from '../../lib/ssh/wire.js';
import { newKey, Scratch } from './support/keys.js';
import { type Sshd, sshdMissing, startSshd } from './support/sshd.js';

let scratch: Scratch;
const closers: (() => unknown)[] = [];
beforeAll(async () => {
  scratch = await Scratch.make();
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(() => scratch.remove());

async function failure(attempt: Promise<unknown>): Promise<SshError> {
  const error: unknown = await attempt.then(String, (reason: unknown) => reason);
  if (!(error instanceof SshError)) throw new Error(`not an SshError: ${String(error)}`);
  return error;
}

/** An agent that holds these public keys, and signs nothing. */
async function holding(blobs: readonly Buffer[], onSign?: (socket: Socket) => void): Promise<string> {
  const path = join((await scratch.folder()).path, 'agent.sock');
  const count = Buffer.alloc(4);
  count.writeUInt32BE(blobs.length);
  const keys = blobs.flatMap((blob) => [wireString(blob), wireString('a comment')]);
  const answer = wireString(Buffer.concat([Buffer.from([12]), count, ...keys]));
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (request) => {
      if (request[4] === 11) socket.write(answer);
      else onSign?.(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return path;
}

const FIDO = Buffer.concat([
  wireString('sk-ssh-ed25519@openssh.com'),
  wireString(Buffer.alloc(32, 7)),
  wireString('ssh:'),
]);

function blobOf(publicText: string): Buffer {
  return Buffer.from(publicText.split(' ')[1] ?? '', 'base64');
}

/** An SSH agent with these keys. */
async function agentWith(paths: readonly string[]): Promise<string> {
  const socket = join((await scratch.folder()).path, 'agent.sock');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  closers.push(() => agent.kill('SIGTERM'));
  const env = { ...process.env, SSH_AUTH_SOCK: socket };
  const answers = (): boolean => {
    try {
      execFileSync('ssh-add', ['-l'], { env, stdio: 'ignore' });
    } catch (error) {
      return (error as { status: number }).status === 1;
    }
    return true;
  };
  await expect.poll(answers, { timeout: 30_000 }).toBe(true);
  for (const path of paths) execFileSync('ssh-add', ['-q', path], { env, stdio: 'ignore' });
  return socket;
}

describe.skipIf(sshdMissing !== undefined)('a key of an agent', { timeout: 120_000 }, () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd(scratch);
  });
  afterAll(() => sshd.stop());

  const options = (auth: SshAuth, more: Partial<ConnectOptions> = {}): ConnectOptions => ({
    host: 'web',
    address: '127.0.0.1',
    port: sshd.port,
    user: 'root',
    hostKeys: [sshd.hostKey.fingerprint],
    auth,
    deadlineSec: 30,
    ...more,
  });
  const login = async (auth: SshAuth, more: Partial<ConnectOptions> = {}): Promise<void> => {
    const connection = await connect(options(auth, more));
    await connection.close();
  };

  it('is chosen by its public half, and by its encrypted file, among more than sshd would try', async () => {
    const others = await Promise.all(
      Array.from({ length: 8 }, (_, index) => scratch.file(`other-${String(index)}`, newKey().privateText)),
    );
    const socket = await agentWith([...others, sshd.identity]);
    const tooMany = await failure(connect(options({ kind: 'agent', socket })));
    expect(tooMany.got).toMatch(/after 6 of the 9 keys that the SSH agent holds/);
    expect(tooMany.fix).toContain('KEY.pub');
    const pub = await scratch.file('right.pub', `${sshd.identityKey.publicText}\n`);
    await login({ kind: 'identity', path: pub, agentSocket: socket });
    const locked = await scratch.file('locked', sshd.identityKey.privateText);
    execFileSync('ssh-keygen', ['-q', '-p', '-N', 'secret', '-P', '', '-f', locked]);
    await login({ kind: 'identity', path: locked, agentSocket: socket });
    const absent = await scratch.file('absent.pub', `${newKey().publicText}\n`);
    const none = await failure(connect(options({ kind: 'identity', path: absent, agentSocket: socket })));
    expect(none.got).toBe(`${absent} is a public key, and the SSH agent does not hold the private one`);
  });

  it('is not needed where the passphrase is said, and a wrong one is told', async () => {
    const path = await scratch.file('locked-2', sshd.identityKey.privateText);
    execFileSync('ssh-keygen', ['-q', '-p', '-N', 'secret', '-P', '', '-f', path]);
    await login({ kind: 'identity', path, passphrase: () => Promise.resolve('secret') });
    const wrong = await failure(
      connect(options({ kind: 'identity', path, passphrase: () => Promise.resolve('no') })),
    );
    expect(wrong.got).toBe(`the passphrase that was given for the key ${path} is not the right one`);
  });

  it('that is not there, or of a kind that cannot be used, is said before the host is asked', async () => {
    const empty = await failure(connect(options({ kind: 'agent', socket: await holding([]) })));
    expect([empty.kind, empty.step]).toEqual(['identity', 'identity']);
    expect(empty.got).toContain('the SSH agent holds no keys');
    const fido = await failure(connect(options({ kind: 'agent', socket: await holding([FIDO]) })));
    expect(fido.got).toBe(
      'the SSH agent holds 1 key (sk-ssh-ed25519@openssh.com), which cannot be offered by the built-in client',
    );
    expect(fido.fix).toContain('"client: system"');
  });

  it('that cannot be asked is told with its socket, and a certificate with the key that it is for', async () => {
    const gone = await failure(connect(options({ kind: 'agent', socket: '/nowhere/agent.sock' })));
    expect(gone.got).toBe('the SSH agent at /nowhere/agent.sock (SSH_AUTH_SOCK) cannot be used (ENOENT)');
    const key = join(scratch.path, 'named');
    const ca = join(scratch.path, 'named-ca');
    for (const file of [ca, key]) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
    execFileSync('ssh-keygen', ['-q', '-s', ca, '-I', 'me', '-n', 'root', '-V', '+1h', `${key}.pub`]);
    const named = await failure(connect(options({ kind: 'identity', path: `${key}-cert.pub` })));
    expect(named.got).toMatch(
      /named-cert\.pub is an OpenSSH certificate \(valid until .*\), which cannot be offered/,
    );
    expect(named.fix).toContain(`Name the key that it is for (${key})`);
  });

  it('may take a person longer than the deadline', async () => {
    const key = ssh2.utils.parseKey(sshd.identityKey.privateText);
    if (key instanceof Error) throw key;
    const waits: string[] = [];
    const blob = blobOf(sshd.identityKey.publicText);
    // Answers after the deadline that the connection has, with a refusal.
    const socket = await holding([blob], (asked) => {
      setTimeout(() => asked.write(wireString(Buffer.from([5]))), 8000);
    });
    const error = await failure(
      connect(options({ kind: 'agent', socket }, { deadlineSec: 6, onWait: (what) => waits.push(what) })),
    );
    expect([error.kind, error.step]).toEqual(['identity', 'authentication']);
    expect(error.got).toBe(
      `the SSH agent did not sign with the key a comment ${sshd.identityKey.fingerprint} (it refused)`,
    );
    expect(waits).toEqual([`the SSH agent to sign with the key a comment ${sshd.identityKey.fingerprint}`]);
  });

  it('is no longer waited for when the log-in is called off, and the error says what was', async () => {
    const socket = await holding([blobOf(sshd.identityKey.publicText)], () => undefined);
    const signal = AbortSignal.timeout(3000);
    const error = await failure(connect(options({ kind: 'agent', socket }, { signal })));
    expect([error.kind, error.step]).toEqual(['aborted', 'authentication']);
    expect(error.waitedFor).toMatch(/^the SSH agent to sign with the key a comment SHA256:/);
    expect(error.got).toBe(`given up on request, while this side waited for ${String(error.waitedFor)}`);
  });

  it('and one in a file, with a certificate, are refused with the certificate and how long it is good', async () => {
    const key = join(scratch.path, 'certified');
    const ca = join(scratch.path, 'ca');
    for (const file of [ca, key]) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
    execFileSync('ssh-keygen', [
      ...['-q', '-s', ca, '-I', 'me', '-n', 'root', '-V', '20200101:20200102'],
      `${key}.pub`,
    ]);
    const file = await failure(connect(options({ kind: 'identity', path: key })));
    expect(file.got).toMatch(/the certificate .*certified-cert\.pub \(expired on 2020-01-0[12] /);
    expect(file.got).toContain('"client: system"');
    expect(file.fix).toMatch(/^Get a new certificate from the authority\. Add the public key/);
    const alone = await failure(connect(options({ kind: 'identity', path: `${key}-cert.pub` })));
    expect(alone.fix).toMatch(/^Get a new certificate from the authority\. Name the key/);
    const certificate = blobOf(readFileSync(`${key}-cert.pub`, 'utf8'));
    const held = await failure(connect(options({ kind: 'agent', socket: await holding([certificate]) })));
    expect(held.fix).toMatch(/^Get a new certificate from the authority\. /);
    expect(held.got).toMatch(/holds 1 key \(ssh-ed25519-cert-v01@openssh\.com, expired on 2020-01-0[12] /);
  });

  it('in PKCS#8 is read', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const text = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const parsed = parseKeyFile(ssh2, Buffer.from(text));
    if (parsed.kind !== 'private') throw new Error(parsed.kind);
    const raw = publicKey.export({ format: 'jwk' }).x ?? '';
    expect(parsed.key.getPublicSSH().subarray(-32)).toEqual(Buffer.from(raw, 'base64url'));
    expect(parsed.key.verify(Buffer.from('x'), parsed.key.sign(Buffer.from('x')) as never)).toBe(true);
    const rsa = await scratch.file('pkcs8', readFileSync(sshd.rsaIdentity, 'utf8'));
    execFileSync('ssh-keygen', ['-q', '-p', '-m', 'PKCS8', '-N', '', '-P', '', '-f', rsa]);
    expect(readFileSync(rsa, 'utf8')).toContain('BEGIN PRIVATE KEY');
    await login({ kind: 'identity', path: rsa });
    execFileSync('ssh-keygen', ['-q', '-p', '-m', 'PKCS8', '-N', 'secret', '-P', '', '-f', rsa]);
    await login({ kind: 'identity', path: rsa, passphrase: () => Promise.resolve('secret') });
  });
});
