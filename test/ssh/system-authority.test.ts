import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../lib/ssh/index.js';
import { readPins } from '../../lib/ssh/system/pins.js';
import { failure } from './support/failure.js';
import { Scratch } from './support/keys.js';
import { useNoSshConfig, useSshConfig } from './support/ssh-config.js';
import { type Sshd, sshdMissing, startSshd } from './support/sshd.js';

describe.skipIf(sshdMissing !== undefined)('an SSH authority, by the system’s OpenSSH', () => {
  const NAME = 'web.example';
  let scratch: Scratch;
  let sshd: Sshd;
  let user: string;
  let authority: string;

  const keygen = (...words: string[]): string => execFileSync('ssh-keygen', words, { encoding: 'utf8' });
  const fingerprint = (path: string): string => keygen('-lf', path).split(' ')[1] ?? '';

  beforeAll(async () => {
    scratch = await Scratch.make();
    authority = join(scratch.path, 'ca');
    user = join(scratch.path, 'user');
    for (const path of [authority, user, join(scratch.path, 'host'), join(scratch.path, 'plain')])
      keygen('-q', '-t', 'ed25519', '-N', '', '-f', path);
    keygen('-q', '-s', authority, '-I', 'me', '-n', 'root', '-V', '+1h', `${user}.pub`);
    keygen('-q', '-s', authority, '-I', 'h', '-h', '-n', NAME, '-V', '+1h', join(scratch.path, 'host.pub'));
    sshd = await startSshd(scratch, {
      lines: [
        `TrustedUserCAKeys ${authority}.pub`,
        'AuthorizedKeysFile none',
        `HostKey ${join(scratch.path, 'plain')}`,
        `HostKey ${join(scratch.path, 'host')}`,
        `HostCertificate ${join(scratch.path, 'host-cert.pub')}`,
      ],
    });
  });
  afterAll(async () => {
    await sshd.stop();
    await scratch.remove();
  });

  async function attempt(
    hostKeys: readonly string[],
    path = user,
    socket?: string,
    { port } = sshd,
  ): Promise<string> {
    const connection = await connect({
      host: 'web',
      address: '127.0.0.1',
      port,
      user: 'root',
      hostKeys,
      auth: path === '' ? { kind: 'agent', socket } : { kind: 'identity', path, agentSocket: socket },
      deadlineSec: 20,
      client: 'system',
    });
    try {
      return (await connection.exec('echo in', { deadlineSec: 20 })).stdout.toString().trim();
    } finally {
      await connection.close();
    }
  }

  it('lets in by an agent that holds a certificate only, by itself and named', async () => {
    const folder = (await scratch.folder()).path;
    const socket = join(folder, 'agent.sock');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    const env = { ...process.env, SSH_AUTH_SOCK: socket };
    const add = (...words: string[]): string =>
      execFileSync('ssh-add', words, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      await expect.poll(() => existsSync(socket), { timeout: 20_000 }).toBe(true);
      add('-q', user);
      // The plain key goes, the certificate stays.
      writeFileSync(join(folder, 'plain.pub'), readFileSync(`${user}.pub`));
      add('-q', '-d', join(folder, 'plain.pub'));
      expect(add('-l')).toMatch(/^[^\n]*CERT[^\n]*\n$/);
      const pins = [`@cert-authority ${NAME} ${fingerprint(authority)}`];
      expect(await attempt(pins, '', socket)).toBe('in');
      expect(await attempt(pins, `${user}-cert.pub`, socket)).toBe('in');
    } finally {
      agent.kill('SIGTERM');
    }
  });

  it('lets in by certificates alone: the user’s and, pinned as an authority, the host’s', async () => {
    const whole = readFileSync(`${authority}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    const other = `SHA256:${'A'.repeat(43)}`;
    expect(await attempt([`@cert-authority ${NAME} ${fingerprint(authority)}`])).toBe('in');
    expect(await attempt([`@cert-authority ${NAME} ${whole}`])).toBe('in');
    expect(await attempt([other, `@cert-authority old.example,${NAME} ${fingerprint(authority)}`])).toBe(
      'in',
    );
  });

  it('lets a host in by the pin of a plain key that it has as well as a certificate for another', async () => {
    const pin = fingerprint(join(scratch.path, 'plain'));
    const other = `SHA256:${'A'.repeat(43)}`;
    const notForIt = `@cert-authority old.example ${fingerprint(authority)}`;
    for (const another of [`@cert-authority ${NAME} ${other}`, `@cert-authority ${other}`, notForIt])
      expect(await attempt([another, pin])).toBe('in');
    expect(await attempt([pin])).toBe('in');
    expect(await attempt([sshd.rsaHostKey.fingerprint])).toBe('in');
    const wrong = await failure(attempt([other]));
    expect([wrong.kind, wrong.step]).toEqual(['host-key', 'host key']);
  });

  it('tells that a host has certificates only, where no authority is pinned', async () => {
    const lines = [
      `HostKey ${join(scratch.path, 'host')}`,
      `HostCertificate ${join(scratch.path, 'host-cert.pub')}`,
      'HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com',
    ];
    const only = await startSshd(scratch, { lines });
    try {
      const error = await failure(attempt([`SHA256:${'A'.repeat(43)}`], user, undefined, only));
      expect([error.kind, error.step]).toEqual(['host-key', 'host key']);
      expect(error.got).toContain(`a certificate of the authority ssh-ed25519 ${fingerprint(authority)}`);
      expect(error.fix).toContain(`put "@cert-authority ${fingerprint(authority)}" into hostKeys`);
      await useSshConfig(scratch, `UserKnownHostsFile ${scratch.path}/none\nGlobalKnownHostsFile none\n`);
      const unknown = await failure(attempt(['known_hosts'], user, undefined, only));
      expect(unknown.got).toContain(`a certificate of the authority ssh-ed25519 ${fingerprint(authority)}`);
      expect(unknown.fix).toContain('write "@cert-authority 127.0.0.1 KEY" into ~/.ssh/known_hosts');
    } finally {
      useNoSshConfig();
      await only.stop();
    }
  });

  it('refuses another authority, another name, and a user without a certificate, each said as such', async () => {
    const stranger = join(scratch.path, 'stranger');
    keygen('-q', '-t', 'ed25519', '-N', '', '-f', stranger);
    const other = await failure(attempt([`@cert-authority ${NAME} ${fingerprint(stranger)}`]));
    expect([other.kind, other.step]).toEqual(['host-key', 'host key']);
    expect(other.got).toContain(`certificate of the authority ssh-ed25519 ${fingerprint(authority)}`);
    const name = await failure(attempt([`@cert-authority ${fingerprint(authority)}`]));
    expect(name.got).toContain('not valid for it');
    // An authority for other names, and one for this name that did not sign: neither makes up for the other.
    for (const pins of [
      [
        `@cert-authority ${NAME} ${fingerprint(stranger)}`,
        `@cert-authority old.example ${fingerprint(authority)}`,
      ],
      [`@cert-authority ${NAME} ${fingerprint(stranger)}`, `@cert-authority ${fingerprint(authority)}`],
    ])
      expect((await failure(attempt(pins))).kind).toBe('host-key');
    const both = [
      `@cert-authority ${fingerprint(stranger)}`,
      `@cert-authority ${NAME} ${fingerprint(authority)}`,
    ];
    expect(await attempt(both)).toBe('in');
    const nobody = await failure(attempt([`@cert-authority ${NAME} ${fingerprint(authority)}`], stranger));
    expect([nobody.kind, nobody.step]).toEqual(['auth', 'authentication']);
    expect(nobody.fix).toContain('certificate');
  });
});

describe('pins', () => {
  it('of an authority are none of a key', () => {
    const fingerprint = `SHA256:${'A'.repeat(43)}`;
    const { keys, authorities } = readPins([
      `@cert-authority ${fingerprint}`,
      `ssh-rsa ${fingerprint}`,
      'known_hosts',
    ]);
    expect(keys).toEqual([`ssh-rsa ${fingerprint}`]);
    expect(authorities).toEqual([{ principals: [], key: fingerprint }]);
  });
});
