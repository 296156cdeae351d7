import { describe, expect, it } from 'vitest';
import type { Host } from '../../../lib/constructs/index.js';
import {
  AptPackage,
  Aspects,
  Directory,
  FirewallRules,
  HostFile,
  HostItem,
  SystemdUnit,
  UserAccount,
  UserGroup,
} from '../../../lib/constructs/index.js';
import { hostWith, manifestOf, problemsOf } from './support.js';

describe('accounts that a package brings', () => {
  it('may own files once they are named, whatever their names', () => {
    const manifest = manifestOf((host) => {
      const user = UserAccount.fromPackage(host, 'Debian-game');
      const group = UserGroup.fromPackage(host, 'games', 'Debian-games');
      new Directory(host, 'd', { path: '/srv/d', owner: user.userName, group: group.groupName });
      new UserAccount(host, 'ann', { groups: [group] });
    });
    expect(manifest.assumedAccounts).toEqual({ users: ['Debian-game'], groups: ['Debian-games'] });
    expect(manifest.users?.['ann']?.groups).toEqual(['Debian-games']);
    expect(manifest.users?.['Debian-game']).toBeUndefined();
  });

  it.each([
    ['postgresql', 'postgres', 'postgres'],
    ['postgresql-17', 'postgres', 'ssl-cert'],
    ['docker-ce', 'root', 'docker'],
    ['exim4-daemon-light', 'Debian-exim', 'Debian-exim'],
    ['snmpd', 'Debian-snmp', 'Debian-snmp'],
    ['redis-server', 'redis', 'redis'],
  ])('are known of common packages: %s has %s and %s', (name, owner, group) => {
    const build = (host: Host): unknown => new Directory(host, 'd', { path: '/srv/d', owner, group });
    expect(problemsOf((host) => [new AptPackage(host, 'p', { name }), build(host)])).toEqual([]);
    expect(problemsOf(build).join()).toMatch(/UserAccount|UserGroup/);
  });

  it('are explained in the terms of constructs, with the package that brings them', () => {
    expect(problemsOf((host) => new Directory(host, 'd', { path: '/d', owner: 'mysql' }))).toEqual([
      '[ai-node/host/d] directories["/d"].owner: user mysql is neither made by this manifest nor known to exist. ' +
        'Make it with a UserAccount, install its package (mariadb-server brings it), or say UserAccount.fromPackage(host, "mysql") if a package or a person creates it.',
    ]);
  });

  it('are made only with names that Debian lets one make', () => {
    expect(problemsOf((host) => new UserAccount(host, 'Debian-game'))).toEqual([
      expect.stringContaining('users["Debian-game"]'),
    ]);
  });
});

describe('override', () => {
  it('sets and takes away properties of what a construct contributes', () => {
    const manifest = manifestOf((host) => {
      const unit = new SystemdUnit(host, 'u', {
        name: 'x.service',
        service: { ExecStart: '/bin/true' },
        onChange: 'reload',
      });
      unit.override('units', { wave: 3, onChange: undefined }).override('files', { mode: '0640' });
    });
    expect(manifest.units?.['x.service']).toMatchObject({ wave: 3 });
    expect(manifest.units?.['x.service']).not.toHaveProperty('onChange');
    expect(manifest.files?.['/etc/systemd/system/x.service']?.mode).toBe('0640');
  });

  it('is judged by the rules of the document, and refused for a section in which the construct has nothing', () => {
    const file = (change: (item: HostFile) => unknown): string[] =>
      problemsOf((host) => change(new HostFile(host, 'f', { path: '/a', content: '' })));
    expect(file((item) => item.override('files', { mode: '777' }))).toEqual([
      expect.stringMatching(/^\[ai-node\/host\/f\] files\["\/a"\]\.mode: "777" is not four octal digits/),
    ]);
    expect(file((item) => item.override('files', { modee: '0777' } as never))).toEqual([
      expect.stringContaining('modee'),
    ]);
    expect(file((item) => item.override('units', { wave: 1 }))).toEqual([
      '[ai-node/host/f] override("units"): this construct has nothing among units. It has items of files.',
    ]);
  });
});

describe('Aspects', () => {
  it('see every construct below their scope once, also what aspects add', () => {
    const seen: string[] = [];
    const host = hostWith((each) => {
      new SystemdUnit(each, 'u', { name: 'x.service', service: { ExecStart: '/bin/true' } });
      Aspects.of(each.node.root).add({
        visit: (construct) => {
          seen.push(construct.node.path);
          if (construct instanceof SystemdUnit) construct.addDropIn('tasks', { service: { TasksMax: 9 } });
        },
      });
    });
    const [first, second] = [host.manifest(), host.manifest()];
    expect(first).toEqual(second);
    expect(first.files?.['/etc/systemd/system/x.service.d/tasks.conf']?.content).toBe(
      '[Service]\nTasksMax=9\n',
    );
    expect(seen).toEqual(['', 'ai-node', 'ai-node/host', 'ai-node/host/u', 'ai-node/host/u/tasks']);
  });

  it('change what constructs of others made', () => {
    const manifest = manifestOf((host) => {
      new HostFile(host, 'a', { path: '/a', content: '' });
      new Directory(host, 'b', { path: '/b' });
      Aspects.of(host).add({
        visit: (construct) => {
          if (HostItem.isHostItem(construct) && construct instanceof HostFile)
            construct.override('files', { mode: '0600' });
        },
      });
    });
    expect([manifest.files?.['/a']?.mode, manifest.directories?.['/b']?.mode]).toEqual(['0600', '0755']);
  });
});

describe('listen', () => {
  it('makes the port, its rule in the firewall and the check of the unit', () => {
    const manifest = manifestOf((host) => {
      new FirewallRules(host, 'fw', { ssh: { from: ['10.0.0.1'] } });
      const nginx = SystemdUnit.fromPackage(host, 'nginx', { name: 'nginx.service', wave: 2 });
      nginx.listen(443, { from: 'any' });
      nginx.listen(8080, { from: 'loopback', check: { http: '/health', status: 204 } });
      const own = new SystemdUnit(host, 'u', { name: 'api@a.service', service: { ExecStart: '/bin/true' } });
      own.listen(53, { from: ['10.0.0.0/8'], protocol: 'udp' });
    });
    expect(manifest.files?.['/etc/nftables.conf']?.content).toContain(
      '\t\tip saddr 10.0.0.0/8 udp dport 53 accept comment "api@a.service"\n\t\ttcp dport 443 accept comment "nginx.service"\n',
    );
    expect(manifest.checks).toEqual({
      'nginx-443': { kind: 'tcp', host: '127.0.0.1', port: 443, timeoutSec: 30, wave: 2 },
      'nginx-8080': {
        kind: 'http',
        url: 'http://127.0.0.1:8080/health',
        status: 204,
        timeoutSec: 30,
        wave: 2,
      },
    });
  });

  it('clashes with another that has the port, and refuses what it does not know', () => {
    expect(
      problemsOf((host) => {
        const a = SystemdUnit.fromPackage(host, 'a', { name: 'a.service' });
        const b = SystemdUnit.fromPackage(host, 'b', { name: 'b.service' });
        a.listen(80, { from: 'any', chekc: 'none' } as never);
        b.listen(80, { from: 'any' });
      }),
    ).toEqual([
      expect.stringContaining('chekc: is not a property'),
      expect.stringContaining('80/tcp is taken by ai-node/host/a/listen-80-tcp'),
    ]);
  });
});
