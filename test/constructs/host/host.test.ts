import { Construct, RootConstruct } from 'constructs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addRule,
  AptPackage,
  CronFile,
  Directory,
  FirewallRules,
  HealthCheck,
  Host,
  hostsIn,
  HostFile,
  LogrotateFile,
  ManagedBlock,
  Mount,
  Port,
  Symlink,
  synthesizeHosts,
  SystemdDropIn,
  SystemdUnit,
  UserAccount,
  UserGroup,
  validateTree,
} from '../../../lib/constructs/index.js';
import { canonicalJson, validateManifest } from '../../../lib/manifest/index.js';
import { hostWith, manifestOf, problemsOf, problemTexts } from './support.js';

describe('Host', () => {
  it('is found by scope', () => {
    const host = hostWith(() => undefined);
    const inner = new Construct(new Construct(host, 'a'), 'b');
    expect(Host.of(inner)).toBe(host);
    expect(Host.of(host)).toBe(host);
    expect(Host.isHost(inner)).toBe(false);
  });

  it('says who is outside of any host', () => {
    const scope = new Construct(new RootConstruct(), 'dev-ops');
    expect(() => new Directory(scope, 'data', { path: '/srv' })).toThrow(
      '[dev-ops/data] Directory is not inside a Host. Create it below a Host: new Host(scope, "ai-node").',
    );
  });

  it('has an empty manifest at first, and its id for a name', () => {
    expect(new Host(new RootConstruct(), 'dev-ops').manifest()).toEqual({ version: 1, host: 'dev-ops' });
  });

  it('gives copies', () => {
    const host = hostWith(() => undefined, { addresses: ['192.168.10.35'] });
    host.addresses.push('x');
    expect(host.addresses).toEqual(['192.168.10.35']);
  });

  it('cannot stand inside another', () => {
    expect(problemsOf((host) => new Host(host, 'inner'))).toEqual([
      '[ai-node/host/inner] Host inner is inside Host ai-node (ai-node/host). Give it a scope of its own.',
    ]);
  });

  it('refuses a name that is none', () => {
    expect(problemsOf(() => undefined, { name: 'AI' })).toEqual([
      '[ai-node/host] host: "AI" is not a host name. Use 1 to 63 of a-z, 0-9 and "-", the latter not at an end.',
    ]);
  });

  it('takes accounts that others make', () => {
    const build = (host: Host) =>
      new HostFile(host, 'f', { path: '/x', content: '', owner: 'grafana', group: 'grafana' });
    expect(problemsOf(build)).toHaveLength(2);
    const manifest = manifestOf(
      (host) => {
        build(host);
        host.addAssumedGroup('grafana');
      },
      { assumedUsers: ['grafana'] },
    );
    expect(manifest.assumedAccounts).toEqual({ users: ['grafana'], groups: ['grafana'] });
  });
});

describe('declaring an item twice', () => {
  const path = '/srv';
  it('is fine for packages, groups and directories that agree', () => {
    const manifest = manifestOf((host) => {
      new Directory(host, 'b', { path });
      new Directory(host, 'a', { path });
      new AptPackage(host, 'one', { name: 'nftables' });
      new AptPackage(host, 'two', { name: 'nftables' });
    });
    expect(manifest.directories).toEqual({ [path]: { owner: 'root', group: 'root', mode: '0755' } });
    expect(manifest.origins).toEqual({
      'directories//srv': 'ai-node/host/a and ai-node/host/b',
      'packages/nftables': 'ai-node/host/one and ai-node/host/two',
    });
  });

  it('is a problem for those that do not, and for everything else', () => {
    expect(
      problemsOf((host) => {
        new AptPackage(host, 'one', { name: 'cron' });
        new AptPackage(host, 'two', { name: 'cron', version: '1' });
        new HostFile(host, 'file-a', { path: '/x', content: 'x' });
        new HostFile(host, 'file-b', { path: '/x', content: 'x' });
        new ManagedBlock(host, 'block-a', { path: '/etc/hosts', name: 'n', lines: [] });
        new ManagedBlock(host, 'block-b', { path: '/etc/hosts', name: 'n', lines: [] });
      }),
    ).toEqual([
      '[ai-node/host/block-b] blocks["/etc/hosts"]["n"]: is declared by ai-node/host/block-a as well. Declare it once.',
      '[ai-node/host/file-b] files["/x"]: is declared by ai-node/host/file-a as well. Declare it once.',
      '[ai-node/host/two] packages["cron"]: is {"version":"1"} here and {} in ai-node/host/one. Make both the same, or declare it once.',
    ]);
  });
});

describe('validation', () => {
  it('reports the whole tree at once, through the constructs library', () => {
    const root = new RootConstruct();
    const one = new Host(root, 'one');
    const two = new Host(root, 'two');
    new HostFile(one, 'file', { path: 'x', content: 'x' });
    new SystemdUnit(two, 'unit', {
      name: 'x.service',
      service: { ExecStart: '/bin/true', Resart: 'always' } as never,
    });
    addRule(two, () => [{ code: 'test', got: 'two is odd', fix: 'Make it even' }]);
    two.node.addValidation({ validate: () => ['a rule of someone else'] });
    const expected = [
      '[one/file] files["x"]: "x" is not absolute. Write the whole path from "/", without ".", "..", "//" and control characters.',
      "[two/unit] service.Resart: [Service] has no directive Resart. Did you mean Restart? If the host's systemd is newer than 252 and has it, write raw: { service: { Resart: … } }.",
      '[two] a rule of someone else. Correct this construct.',
      '[two] two is odd. Make it even.',
    ];
    expect(problemTexts(() => validateTree(root))).toEqual(expected);
    expect(problemTexts(() => synthesizeHosts(root))).toEqual(expected);
    // What any other synthesizer of construct trees sees.
    expect(
      two.node
        .findAll()
        .flatMap((construct) => construct.node.validate())
        .sort(),
    ).toEqual([
      'a rule of someone else',
      "service.Resart: [Service] has no directive Resart. Did you mean Restart? If the host's systemd is newer than 252 and has it, write raw: { service: { Resart: … } }.",
      'two is odd. Make it even.',
    ]);
  });

  it('refuses two hosts of one name', () => {
    const root = new RootConstruct();
    new Host(new Construct(root, 'a'), 'host', { name: 'same' });
    new Host(new Construct(root, 'b'), 'host', { name: 'same' });
    expect(problemTexts(() => synthesizeHosts(root))).toEqual([
      '[b/host] the name same is also that of a/host. Give one of the hosts another name.',
    ]);
  });

  it('lets other errors through: they are bugs', () => {
    const host = hostWith((scope) => {
      new HostFile(scope, 'file', {
        path: '/x',
        content: () => {
          throw new TypeError('a bug');
        },
      });
    });
    expect(() => host.manifest()).toThrow(TypeError);
  });
});

describe('the order of statements', () => {
  /** One of everything; each entry may come at any place. */
  const statements: ((host: Host) => unknown)[] = [
    (host) => new AptPackage(host, 'cron'),
    (host) => new UserGroup(host, 'group', { name: 'models', gid: 900 }),
    (host) =>
      new UserAccount(host, 'agent0', {
        groups: ['models', 'adm'],
        authorizedKeys: ['ssh-ed25519 A', 'ssh-ed25519 B'],
      }),
    (host) => new Directory(host, 'opt', { path: '/opt/citadel', owner: 'agent0', group: 'models' }),
    (host) => new Directory(host, 'opt-again', { path: '/opt/citadel', owner: 'agent0', group: 'models' }),
    (host) => new HostFile(host, 'env', { path: '/etc/default/x', lines: ['A=1'] }),
    (host) => new ManagedBlock(host, 'hosts-b', { path: '/etc/hosts', lines: ['10.0.0.2 b'] }),
    (host) => new ManagedBlock(host, 'hosts-a', { path: '/etc/hosts', lines: ['10.0.0.1 a'] }),
    (host) => new Symlink(host, 'link', { path: '/opt/citadel/models', target: '/mnt/a' }),
    (host) =>
      new Mount(host, 'mount-a', {
        mountPoint: '/mnt/a',
        source: { device: '/dev/sda1' },
        type: 'ext4',
      }),
    (host) => new Mount(host, 'mount-b', { mountPoint: '/mnt/b', source: { label: 'b' }, type: 'ext4' }),
    (host) =>
      new SystemdUnit(host, 'x', {
        name: 'x.service',
        service: { ExecStart: '/bin/true' },
        install: { WantedBy: 'multi-user.target' },
        restartOn: ['/etc/default/x', '/etc/hosts'],
      }),
    (host) =>
      new SystemdDropIn(host, 'limits', {
        unit: 'x.service',
        sections: { service: { LimitNOFILE: 1 } },
      }),
    (host) =>
      new CronFile(host, 'jobs', {
        jobs: [
          { schedule: '@daily', user: 'root', command: 'b' },
          { schedule: '@daily', user: 'root', command: 'a' },
        ],
      }),
    (host) => new LogrotateFile(host, 'logs', { entries: [{ paths: ['/b'] }, { paths: ['/a'] }] }),
    (host) => new Port(host, 'port-b', { number: 2, listener: 'b', reach: ['10.0.0.2', '10.0.0.1'] }),
    (host) => new Port(host, 'port-a', { number: 1, listener: 'a', reach: 'any' }),
    (host) => new FirewallRules(host, 'firewall', { ssh: { from: ['10.0.0.0/8'] } }),
    (host) => new HealthCheck(host, 'up', { probe: { unit: 'x.service' } }),
  ];

  it('does not show in the manifest', () => {
    const build = (order: typeof statements) =>
      canonicalJsonWithOrder(manifestOf((host) => order.forEach((statement) => statement(host))));
    const expected = build(statements);
    fc.assert(
      fc.property(fc.shuffledSubarray(statements, { minLength: statements.length }), (order) => {
        expect(build(order)).toBe(expected);
      }),
      { numRuns: 30 },
    );
  });

  it('does not show in the list of hosts', () => {
    const root = new RootConstruct();
    ['b', 'c', 'a'].forEach((name) => new Host(root, name));
    expect(hostsIn(root).map(({ hostName }) => hostName)).toEqual(['a', 'b', 'c']);
    expect(synthesizeHosts(root).map(({ host }) => host)).toEqual(['a', 'b', 'c']);
  });

  it('gives a manifest that is valid on its own, the same every time', () => {
    const host = hostWith((scope) => statements.forEach((statement) => statement(scope)));
    const manifest = host.manifest();
    expect(validateManifest(JSON.parse(canonicalJson(manifest)))).toEqual(manifest);
    expect(JSON.stringify(host.manifest())).toBe(JSON.stringify(manifest));
  });
});

/** Not canonical: the order of keys must be the same as well, for whoever prints a manifest as it is. */
function canonicalJsonWithOrder(value: unknown): string {
  return JSON.stringify(value);
}
