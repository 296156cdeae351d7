import { RootConstruct } from 'constructs';
import { describe, expect, it } from 'vitest';
import {
  CronFile,
  FirewallRules,
  Host,
  LogrotateFile,
  Port,
  SystemdUnit,
} from '../../../lib/constructs/index.js';
import { hostWith, manifestOf, problemsOf } from './support.js';

const devOps = () => new Host(new RootConstruct(), 'dev-ops', { addresses: ['192.168.10.36'] });

describe('FirewallRules', () => {
  it('open what the ports of the host declare, and SSH', () => {
    const manifest = manifestOf((host) => {
      new FirewallRules(host, 'firewall', {
        ssh: { from: ['@operators'] },
        sets: { operators: ['192.168.10.1'] },
      });
      const unit = SystemdUnit.fromPackage(host, 'exporter', { name: 'prometheus-node-exporter.service' });
      new Port(host, 'metrics', { number: 9100, listener: unit, reach: [devOps(), '10.0.0.0/8'] });
      new Port(host, 'api', { number: 11403, listener: 'phi3', reach: 'loopback' });
      new Port(host, 'dns', { number: 53, protocol: 'udp', listener: 'dns', reach: 'any' });
    });
    const { content, ...file } = manifest.files?.['/etc/nftables.conf'] ?? {};
    expect(file).toEqual({ owner: 'root', group: 'root', mode: '0644', validate: 'nftables' });
    expect(content?.split('\n').slice(0, 2)).toEqual([
      '#!/usr/sbin/nft -f',
      '# 11403/tcp (phi3): this host only',
    ]);
    expect(content?.split('\n').filter((line) => line.includes('dport'))).toEqual([
      '\t\tip saddr @operators_v4 tcp dport 22 accept comment "ssh.service"',
      '\t\tip6 saddr @operators_v6 tcp dport 22 accept comment "ssh.service"',
      '\t\tudp dport 53 accept comment "dns"',
      '\t\tip saddr { 10.0.0.0/8, 192.168.10.36 } tcp dport 9100 accept comment "prometheus-node-exporter.service"',
    ]);
    expect(manifest.packages).toEqual({ nftables: {} });
    expect(manifest.units?.['nftables.service']).toEqual({
      enabled: true,
      state: 'running',
      restartOn: [],
      reloadOn: ['/etc/nftables.conf'],
      wave: 0,
    });
  });

  it('open ranges, which meet no other port, for the interfaces that are said', () => {
    const build = (host: Host, number: number): void => {
      new FirewallRules(host, 'firewall', { ssh: { from: 'any' } });
      new Port(host, 'mosh', { number: 60_000, to: 61_000, protocol: 'udp', listener: 'mosh', reach: 'any', interfaces: ['wg0'] });
      new Port(host, 'other', { number, protocol: 'udp', listener: 'other', reach: 'loopback' });
    };
    const { content } = manifestOf((host) => build(host, 59_999)).files?.['/etc/nftables.conf'] ?? {};
    expect(content).toContain('iifname "wg0" udp dport 60000-61000 accept comment "mosh"');
    expect(problemsOf((host) => build(host, 61_000))).toEqual([
      '[ai-node/host/other] number: 61000/udp is taken by ai-node/host/mosh. Give one of them another port.',
    ]);
    const wrong = (props: object) => problemsOf((host) => new Port(host, 'p', { number: 80, listener: 'x', reach: 'any', ...props }));
    expect(wrong({ to: 79 })[0]).toContain('79 is not the end of a range that begins at 80');
    expect(wrong({ reach: undefined })[0]).toContain('nothing says who may reach it');
  }); // prettier-ignore

  it('refuse to shut the operator out, and what nftables cannot say', () => {
    expect(
      problemsOf((host) => {
        new FirewallRules(host, 'firewall', { ssh: { from: [] } });
        new Port(host, 'x', { number: 80, listener: 'x', reach: ['10.0.0.1/8'] });
      }),
    ).toEqual([
      '[ai-node/host/firewall] rules[tcp/80].sources: "10.0.0.1/8" is an address inside a network. Write 10.0.0.0/8 for the network, or 10.0.0.1 for the address.',
      '[ai-node/host/firewall] ssh.from: no one may reach SSH, so no one could correct that. Name the addresses or networks of the operators.',
    ]);
  });
});

describe('Port', () => {
  it('names both constructs of a clash; another protocol or another host is none', () => {
    expect(
      problemsOf((host) => {
        new Port(host, 'phi3', { number: 11403, listener: 'phi3', reach: 'loopback' });
        new Port(host, 'openchat', { number: 11403, listener: 'openchat', reach: 'any' });
        new Port(host, 'udp', { number: 11403, protocol: 'udp', listener: 'u', reach: 'any' });
        new Port(devOps(), 'elsewhere', { number: 11403, listener: 'e', reach: 'any' });
      }),
    ).toEqual([
      '[ai-node/host/phi3] number: 11403/tcp is taken by ai-node/host/openchat. Give one of them another port.',
    ]);
  });

  it('clashes with SSH', () => {
    expect(
      problemsOf((host) => {
        new FirewallRules(host, 'firewall', { ssh: { from: 'any' } });
        new Port(host, 'x', { number: 22, listener: 'x', reach: 'any' });
      }),
    ).toEqual([
      '[ai-node/host/x] number: 22/tcp is taken by ai-node/host/firewall/ssh. Give one of them another port.',
    ]);
  });

  it('refuses numbers that are none and hosts without an address', () => {
    expect(
      problemsOf((host) => {
        new Port(host, 'x', { number: 70000, listener: 'x', reach: 'any' });
        new Port(host, 'y', { number: 80, listener: 'y', reach: [new Host(new RootConstruct(), 'bare')] });
      }),
    ).toEqual([
      '[ai-node/host/x] number: 70000 is not a port. Give a number from 1 to 65535.',
      '[ai-node/host/y] reach: host bare (bare) has no address. Give that Host its addresses.',
    ]);
  });

  it('lists the ports of a host in order, and gives copies', () => {
    const host = hostWith((scope) => {
      new Port(scope, 'b', { number: 2, listener: 'b', reach: ['10.0.0.2', '10.0.0.1', '10.0.0.2'] });
      new Port(scope, 'a', { number: 1, listener: 'a', reach: 'any' });
    });
    expect(Port.of(host).map(({ number, sources }) => [number, sources])).toEqual([
      [1, 'any'],
      [2, ['10.0.0.1', '10.0.0.2']],
    ]);
  });
});

describe('CronFile and LogrotateFile', () => {
  it('contribute their files', () => {
    const { files } = manifestOf((host) => {
      const cron = new CronFile(host, 'citadel-backup', { mailTo: '', environment: { LANG: 'C' } });
      cron.addJob({ schedule: '0 3 * * *', user: 'root', command: '/opt/citadel/scripts/backup' });
      const rotate = new LogrotateFile(host, 'citadel');
      rotate.addEntry({ paths: ['/opt/citadel/logs/*.log'], frequency: 'daily', rotate: 7 });
    });
    expect(files).toEqual({
      '/etc/cron.d/citadel-backup': {
        content: `LANG=C
MAILTO=""
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
SHELL=/bin/sh

0 3 * * * root /opt/citadel/scripts/backup
`,
        owner: 'root',
        group: 'root',
        mode: '0644',
        validate: 'cron',
      },
      '/etc/logrotate.d/citadel': {
        content: '/opt/citadel/logs/*.log {\n    daily\n    rotate 7\n}\n',
        owner: 'root',
        group: 'root',
        mode: '0644',
        validate: 'logrotate',
      },
    });
  });

  it('refuse names that no one reads, and files that say nothing', () => {
    expect(
      problemsOf((host) => {
        new CronFile(host, 'a.sh');
        new LogrotateFile(host, 'a.dpkg-old');
      }),
    ).toEqual([
      '[ai-node/host/a.dpkg-old] entries: there is no entry. Give at least one.',
      '[ai-node/host/a.dpkg-old] name: logrotate ignores a file called "a.dpkg-old". Use letters, digits, "_" and "-".',
      '[ai-node/host/a.sh] jobs: there is no job. Give at least one.',
      '[ai-node/host/a.sh] name: cron ignores a file called "a.sh". Use letters, digits, "_" and "-" only.',
    ]);
  });
});
