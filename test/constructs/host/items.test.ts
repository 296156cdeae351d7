import { describe, expect, it } from 'vitest';
import {
  AptPackage,
  Directory,
  Duration,
  HealthCheck,
  HostFile,
  ManagedBlock,
  Mount,
  secret,
  Symlink,
  SystemdUnit,
  UserAccount,
  UserGroup,
  type Host,
} from '../../../lib/constructs/index.js';
import { renderTemplate } from '../../../lib/render/index.js';
import { manifestOf, problemsOf } from './support.js';

const root = { owner: 'root', group: 'root' };

/** The manifest without its annotations. */
function content(build: (host: Host) => void) {
  const { version: _version, host: _host, origins: _origins, ...sections } = manifestOf(build);
  return sections;
}

describe('a file of bytes', () => {
  // The beginning of an OpenPGP keyring.
  const bytes = Buffer.from([0x99, 0x02, 0x0d, 0x04, 0x00, 0xc3, 0xa9, 0xff]);
  it.each([
    ['as they are', bytes as unknown as string],
    ['by a function', (() => bytes) as unknown as () => string],
    ['read as UTF-8', bytes.toString('utf8')],
    ['read as Latin-1', bytes.toString('latin1')],
    ['text with a NUL', 'a\0b'],
  ])('is refused: %s', (_what, content) => {
    expect(
      problemsOf((host) => new HostFile(host, 'key', { path: '/etc/apt/keyrings/x.gpg', content })),
    ).toEqual([
      expect.stringMatching(
        /^\[ai-node\/host\/key\] content: \/etc\/apt\/keyrings\/x\.gpg: the content is no (text|string)/,
      ),
    ]);
  });

  it('is one by bytes', () => {
    const build = (host: Host) => new HostFile(host, 'key', { path: '/srv/key', bytes });
    expect(content(build)).toEqual({
      files: { '/srv/key': { bytes: 'mQINBADDqf8=', ...root, mode: '0644' } },
    });
  });

  it.each(['', 'é ü 漢 😀\n', '\u001b[1mbold\u001b[0m\t\r\n\f'])('is not taken for one: %j', (text) => {
    expect(content((host) => new HostFile(host, 'f', { path: '/srv/f', content: text }))).toMatchObject({
      files: { '/srv/f': { content: text } },
    });
  });
});

describe('simple items', () => {
  it('have defaults', () => {
    expect(
      content((host) => {
        new AptPackage(host, 'cron');
        new UserGroup(host, 'models');
        new UserAccount(host, 'agent0');
        new UserAccount(host, 'svc', { system: true });
        new Directory(host, 'd', { path: '/srv/d' });
        new Symlink(host, 's', { path: '/srv/s', target: 'd' });
        new ManagedBlock(host, 'b', { path: '/etc/hosts', lines: ['10.0.0.1 x'] });
        new HostFile(host, 'f', { path: '/srv/f', content: 'x' });
      }),
    ).toEqual({
      packages: { cron: {} },
      groups: { models: { system: false } },
      users: {
        agent0: { home: '/home/agent0', shell: '/bin/bash', groups: [], system: false },
        svc: { home: '/nonexistent', shell: '/usr/sbin/nologin', groups: [], system: true },
      },
      directories: { '/srv/d': { ...root, mode: '0755' } },
      files: { '/srv/f': { content: 'x', ...root, mode: '0644' } },
      blocks: { '/etc/hosts': { b: '10.0.0.1 x\n' } },
      symlinks: { '/srv/s': { target: 'd' } },
    });
  });

  it('say what is to be absent, by a path or a name alone', () => {
    const unit = { enabled: null, state: 'stopped', restartOn: [], reloadOn: [], wave: 0 };
    expect(
      content((host) => {
        new HostFile(host, 'f', { path: '/srv/f', state: 'absent' });
        new Symlink(host, 's', { path: '/srv/s', state: 'absent' });
        new Directory(host, 'd', { path: '/srv/d', state: 'absent' });
        new Directory(host, 'd2', { path: '/srv/d', state: 'absent' });
        SystemdUnit.fromPackage(host, 'u', { name: 'x.service', state: 'absent' });
        SystemdUnit.fromPackage(host, 't', { name: 't@.service', state: 'absent' });
        new UserAccount(host, 'mallory', { state: 'absent' });
      }),
    ).toEqual({
      absentUsers: { mallory: {} },
      absentPaths: {
        '/srv/f': { kind: 'file' },
        '/srv/s': { kind: 'file' },
        '/srv/d': { kind: 'directory' },
      },
      symlinks: {
        '/etc/systemd/system/x.service': { target: '/dev/null' },
        '/etc/systemd/system/t@.service': { target: '/dev/null' },
      },
      units: { 'x.service': unit },
    });
    expect(
      problemsOf((host) => {
        new HostFile(host, 'f', { path: '/srv/f', state: 'absent', content: 'x' });
        new Symlink(host, 's', { path: '/srv/s' });
        new Directory(host, 'd', { path: '/srv/d', state: 'absent', mode: '0700' });
        SystemdUnit.fromPackage(host, 'u', { name: 'x.service', state: 'absent', enabled: false });
      }),
    ).toEqual([
      '[ai-node/host/d] mode: is given for what is to be absent. Take mode out, or the state.',
      '[ai-node/host/f] content: is given for what is to be absent. Take content out, or the state.',
      '[ai-node/host/s] /srv/s has no target. Say where it leads.',
      '[ai-node/host/u] enabled: is given for what is to be absent. Take enabled out, or the state.',
    ]);
  });

  it('take what they are given', () => {
    expect(
      content((host) => {
        const group = new UserGroup(host, 'g', { name: 'models', gid: 900, system: true });
        const user = new UserAccount(host, 'u', {
          name: 'agent0',
          uid: 1000,
          group,
          home: '/srv/agent0',
          shell: '/bin/sh',
          groups: ['sudo', group, 'sudo'],
          authorizedKeys: ['ssh-ed25519 AAAB two', 'ssh-ed25519 AAAA one'],
        });
        user.addGroup('adm');
        expect([user.primaryGroup, user.home]).toEqual(['models', '/srv/agent0']);
        new AptPackage(host, 'p', {
          name: 'prometheus',
          version: '2.42.0+ds-5+b5',
          source: '/srv/prometheus.deb',
        });
      }),
    ).toEqual({
      packages: { prometheus: { version: '2.42.0+ds-5+b5', source: '/srv/prometheus.deb' } },
      groups: { models: { gid: 900, system: true } },
      users: {
        agent0: {
          uid: 1000,
          group: 'models',
          home: '/srv/agent0',
          shell: '/bin/sh',
          groups: ['adm', 'models', 'sudo'],
          system: false,
          authorizedKeys: ['ssh-ed25519 AAAB two', 'ssh-ed25519 AAAA one'],
        },
      },
    });
  });
});

describe('HostFile', () => {
  it('takes lines, late content and secrets; secrets close the file', () => {
    const late: string[] = ['a'];
    const { files } = content((host) => {
      new HostFile(host, 'lines', { path: '/lines', lines: ['a', '', 'b'] });
      new HostFile(host, 'late', { path: '/late', content: () => late.join('\n') });
      new HostFile(host, 'inside', { path: '/inside', content: `p=${secret('db').toString()}\n` });
      new HostFile(host, 'whole', {
        path: '/whole',
        secret: secret('key'),
        group: 'adm',
        mode: '0640',
        validate: 'json',
      });
      late.push('b');
    });
    expect(files).toEqual({
      '/lines': { content: 'a\n\nb\n', ...root, mode: '0644' },
      '/late': { content: 'a\nb', ...root, mode: '0644' },
      '/inside': { content: 'p=@@secret:db@@\n', ...root, mode: '0600' },
      '/whole': { secret: 'key', owner: 'root', group: 'adm', mode: '0640', validate: 'json' },
    });
  });

  it('refuses no content, two contents, line ends in lines, open secrets and what a renderer refuses', () => {
    expect(
      problemsOf((host) => {
        new HostFile(host, 'a', { path: '/a' });
        new HostFile(host, 'b', { path: '/b', content: 'x', lines: [] });
        new HostFile(host, 'c', { path: '/c', lines: ['a', 'b\nc'] });
        new HostFile(host, 'd', { path: '/d', content: '@@secret:x@@', mode: '0644' });
        const unit = new HostFile(host, 'e', {
          path: '/e',
          content: () => renderTemplate({ name: 't', text: '<%= x %>' }, {}),
        });
        // A file that cannot be written causes no second problem elsewhere.
        new SystemdUnit(host, 'u', {
          name: 'u.service',
          service: { ExecStart: '/bin/true' },
          restartOn: [unit],
        });
      }),
    ).toEqual([
      '[ai-node/host/a] the file has no content. Give exactly one of content, lines, bytes and secret.',
      '[ai-node/host/b] the file has content and lines. Give exactly one of content, lines, bytes and secret.',
      '[ai-node/host/c] lines[1]: "b\\nc" has a line end inside. Give one entry per line.',
      '[ai-node/host/d] files["/d"].mode: "0644" lets everybody reach a file that holds a secret. Use "0600", or "0640" with the group that must read it.',
      '[ai-node/host/e] t:1: x is not a value of this template. Pass it, or correct its name.',
    ]);
  });
});

describe('Mount', () => {
  it('says the same now and in /etc/fstab', () => {
    expect(
      content((host) => {
        new Mount(host, 'a', {
          mountPoint: '/mnt/a',
          source: { device: '/dev/nvme1n1p1' },
          type: 'ext4',
          options: ['noatime'],
          deviceTimeout: Duration.seconds(30),
        });
        new Mount(host, 'b', {
          mountPoint: '/mnt/b c',
          source: { uuid: 'AB-12' },
          type: 'vfat',
          required: true,
          state: 'present',
        });
        new Mount(host, 'c', {
          mountPoint: '/mnt/t',
          source: { name: 'tmpfs' },
          type: 'tmpfs',
          options: ['size=1G', 'nofail'],
        });
        new Mount(host, 'd', {
          mountPoint: '/mnt/x',
          source: { label: 'x' },
          type: 'xfs',
          options: ['x-systemd.device-timeout=1s'],
          pass: 0,
        });
      }),
    ).toEqual({
      mounts: {
        '/mnt/a': {
          source: '/dev/nvme1n1p1',
          type: 'ext4',
          options: ['noatime', 'nofail', 'x-systemd.device-timeout=30s'],
          state: 'mounted',
        },
        '/mnt/b c': { source: 'UUID=AB-12', type: 'vfat', options: ['defaults'], state: 'present' },
        '/mnt/t': { source: 'tmpfs', type: 'tmpfs', options: ['size=1G', 'nofail'], state: 'mounted' },
        '/mnt/x': {
          source: 'LABEL=x',
          type: 'xfs',
          options: ['x-systemd.device-timeout=1s', 'nofail'],
          state: 'mounted',
        },
      },
      blocks: {
        '/etc/fstab': {
          '/mnt/a': '/dev/nvme1n1p1 /mnt/a ext4 noatime,nofail,x-systemd.device-timeout=30s 0 2\n',
          '/mnt/b c': String.raw`UUID=AB-12 /mnt/b\040c vfat defaults 0 2` + '\n',
          '/mnt/t': 'tmpfs /mnt/t tmpfs size=1G,nofail 0 0\n',
          '/mnt/x': 'LABEL=x /mnt/x xfs x-systemd.device-timeout=1s,nofail 0 0\n',
        },
      },
    });
  });

  it('refuses what fstab cannot say', () => {
    expect(
      problemsOf(
        (host) =>
          new Mount(host, 'm', {
            mountPoint: '/mnt/a',
            source: { device: '/dev/sda1' },
            type: 'ext4',
            options: ['a,b'],
          }),
      ),
    ).toContain(
      '[ai-node/host/m] options: "a,b" is not one mount option. Give one option per entry, without white space.',
    );
  });
});

describe('HealthCheck', () => {
  it('knows four kinds', () => {
    expect(
      content((host) => {
        const unit = SystemdUnit.fromPackage(host, 'unit', { name: 'x.service' });
        new HealthCheck(host, 'u', { probe: { unit } });
        new HealthCheck(host, 'h', { probe: { http: 'http://127.0.0.1:9090/-/ready' }, wave: 2 });
        new HealthCheck(host, 't', {
          name: 'tcp',
          probe: { tcp: { port: 22 } },
          timeout: Duration.minutes(2),
        });
        new HealthCheck(host, 'c', { probe: { command: ['/bin/true', '-x'] } });
      }).checks,
    ).toEqual({
      u: { kind: 'unit', unit: 'x.service', timeoutSec: 30, wave: 0 },
      h: { kind: 'http', url: 'http://127.0.0.1:9090/-/ready', status: 200, timeoutSec: 30, wave: 2 },
      tcp: { kind: 'tcp', host: '127.0.0.1', port: 22, timeoutSec: 120, wave: 0 },
      c: { kind: 'command', command: ['/bin/true', '-x'], timeoutSec: 30, wave: 0 },
    });
  });
});
