import { describe, expect, it } from 'vitest';
import { fleetMap } from '../../../lib/cli/review/fleet-map.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { buildHosts } from '../../../stacks/app.js';
import { inventoryOf } from '../../stacks/example.js';

const root = { owner: 'root', group: 'root', mode: '0644' };
const unit = { enabled: true, state: 'running' as const, restartOn: [], reloadOn: [], wave: 0 };
const PROMETHEUS = '/etc/prometheus/prometheus.yml';

function monitored(content: string): HostManifest {
  return {
    version: 1,
    host: 'watch',
    files: { [PROMETHEUS]: { ...root, content, validate: 'prometheus-config' } },
    units: { 'prometheus.service': { ...unit, reloadOn: [PROMETHEUS] } },
  };
}

describe('the map of nothing and of odd things', () => {
  it('is empty for no hosts, and has a host without services', () => {
    expect(fleetMap([])).toEqual({ hosts: [], edges: [] });
    expect(fleetMap([{ version: 1, host: 'bare' }])).toEqual({
      hosts: [{ name: 'bare', known: true, services: [] }],
      edges: [],
    });
  });

  it.each(['', 'a: [', 'scrape_configs: 7', '- 1', 'scrape_configs: [{ job_name: x }]'])(
    'draws no arrows from a configuration of %j',
    (content) => expect(fleetMap([monitored(content)]).edges).toEqual([]),
  );

  it('reads targets from the files that the configuration names, if they are there', () => {
    const host = monitored(`scrape_configs:
  - job_name: x
    file_sd_configs: [{ files: [/etc/prometheus/targets/x.yml, /etc/prometheus/targets/gone.yml] }]
`);
    const targets = { ...root, content: "- targets: ['192.0.2.7:9100']\n  labels: { host: a }\n" };
    const files = { ...host.files, '/etc/prometheus/targets/x.yml': targets };
    expect(fleetMap([{ ...host, files }]).edges.map(({ from, jobs }) => [from, jobs])).toEqual([
      ['watch/prometheus.service', ['x']],
    ]);
  });

  it('puts targets that are no one’s where they must be', () => {
    const { hosts, edges } = fleetMap([
      monitored(`scrape_configs:
  - job_name: x
    static_configs: [{ targets: ['192.0.2.7:9100', '127.0.0.1:9999', 'https://[2001:db8::1]/m', '!! ??'] }]
`),
    ]);
    expect(
      hosts.map(({ name, known, services }) => [name, known, services.map((service) => service.name)]),
    ).toEqual([
      ['watch', true, ['port 9999', 'prometheus.service']],
      ['192.0.2.7', false, ['port 9100']],
      ['[2001:db8::1]', false, ['port 443']],
      ['!! ??', false, ['!! ??']],
    ]);
    expect(edges.map(({ from, kind, jobs }) => [from, kind, jobs])).toEqual(
      Array.from({ length: 4 }, () => ['watch/prometheus.service', 'scrapes', ['x']]),
    );
  });

  it('knows a port from a socket where there is no firewall, and what a timer belongs to', () => {
    const files = {
      '/etc/systemd/system/a.socket': {
        ...root,
        content: '[Socket]\nListenStream=127.0.0.1:80\nListenStream=/run/a\nListenDatagram=53\n',
      },
    };
    const units = {
      'a.service': unit,
      'a.socket': unit,
      'b.timer': unit,
      'b.service': unit,
      'lone.timer': unit,
    };
    expect(fleetMap([{ version: 1, host: 'h', files, units }]).hosts[0]?.services).toEqual([
      {
        name: 'a.service',
        parts: ['a.socket'],
        ports: [
          { number: 53, protocol: 'udp', listener: 'a.socket', sources: 'any' },
          { number: 80, protocol: 'tcp', listener: 'a.socket', sources: 'loopback' },
        ],
      },
      { name: 'b.service', parts: ['b.timer'], ports: [] },
    ]);
  });
});

describe('the map of the example', () => {
  const manifests = buildHosts(inventoryOf('citadel'));
  const { hosts, edges } = fleetMap(manifests);

  it('has every service of every host, once', () => {
    for (const { host, units = {} } of manifests) {
      const services = hosts.find(({ name }) => name === host)?.services ?? [];
      const shown = services.flatMap(({ name, parts }) => [name, ...parts]);
      expect(shown).toEqual([...new Set(shown)]);
      expect(shown).toEqual(
        expect.arrayContaining(Object.keys(units).filter((name) => name.endsWith('.service'))),
      );
    }
    expect(hosts.map(({ name, known }) => [name, known])).toEqual([
      ['ai-node', true],
      ['dev-ops', true],
    ]);
  });

  it('finds a service behind each address that is asked', () => {
    expect(edges.length).toBeGreaterThan(20);
    expect(edges.filter(({ to }) => to.includes('/port '))).toEqual([]);
    const lines = edges.map(({ from, kind, to }) => `${from} ${kind} ${to}`);
    expect(lines).toEqual(
      expect.arrayContaining([
        'dev-ops/prometheus.service scrapes ai-node/citadel-phi3.service',
        'dev-ops/prometheus-blackbox-exporter.service probes ai-node/citadel-phi3.service',
        'dev-ops/prometheus.service scrapes ai-node/citadel-metrics-exporter.service',
        'dev-ops/prometheus.service alerts dev-ops/prometheus-alertmanager.service',
        'dev-ops/prometheus-blackbox-exporter.service probes dev-ops/grafana-server.service',
      ]),
    );
  });

  it('says who may reach a port', () => {
    const phi3 = hosts[0]?.services.find(({ name }) => name === 'citadel-phi3.service');
    expect(phi3).toMatchObject({
      parts: [],
      ports: [{ number: 11403, protocol: 'tcp', sources: ['192.168.10.1', '192.168.10.36'] }],
    });
  });
});
