import { RootConstruct } from 'constructs';
import { describe, expect, it } from 'vitest';
import { Duration, Host } from '../../../lib/constructs/index.js';
import { MonitoredService, type MonitoredServiceProps } from '../../../lib/constructs/monitoring/coverage.js';
import { PrometheusServer } from '../../../lib/roles/monitoring/index.js';
import { buildTree } from '../../../stacks/app.js';
import { inventoryOf } from '../../stacks/example.js';
import { problemTexts } from '../../constructs/host/support.js';

const BARE: MonitoredServiceProps = {
  service: 'thing',
  kind: 'exporter',
  scrape: { job: 'node', labels: { host: 'a' } },
  alerts: ['ThingDown'],
  dashboards: ['/etc/grafana/dashboards/thing.json'],
  logs: { rotatedBy: '/etc/logrotate.d/thing' },
  state: { paths: ['/var/lib/thing'], backup: { by: '/etc/cron.d/thing' } },
};

function problems(props: MonitoredServiceProps, withPrometheus = true): string[] {
  const host = new Host(new RootConstruct(), 'a', { addresses: ['192.0.2.1'] });
  if (withPrometheus) {
    const server = new PrometheusServer(host, 'prometheus', {
      reach: 'loopback',
      scrapeInterval: Duration.seconds(15),
      retention: Duration.days(1),
    });
    server.addTarget({ job: 'node', address: '192.0.2.1:9100', labels: { host: 'b' } });
  }
  new MonitoredService(host, 'thing', props);
  return problemTexts(() => host.manifest()).filter((text) => text.startsWith('[a/thing]'));
}

describe('a service that is declared', () => {
  it('without what has to watch it is refused, with everything that is missing', () => {
    expect(problems(BARE)).toEqual(
      [
        '[a/thing] alerts: exporter thing: there is no tested alert ThingDown. Add the alert with its tests, or correct the name',
        '[a/thing] logs: exporter thing: nothing rotates its logs: there is no /etc/logrotate.d/thing. Add a LogrotateFile',
        '[a/thing] scrape: exporter thing: Prometheus has no target of job node with host="a". Add it to the targets',
        '[a/thing] state: exporter thing: nothing saves /var/lib/thing: there is no /etc/cron.d/thing. Add the backup',
      ].map((text) => `${text}.`),
    );
  });

  it('needs at least one alert, and a reason for state that no one saves', () => {
    const { state: _state, ...rest } = BARE;
    expect(problems({ ...rest, alerts: [], logs: { journal: true }, scrape: { job: 'node' } })).toEqual([
      '[a/thing] alerts: exporter thing: no alert watches it. Add the alert with its tests, or correct the name.',
    ]);
    expect(problems({ ...BARE, state: { paths: ['/x'], backup: { none: ' ' } } }).at(-1)).toBe(
      '[a/thing] state: exporter thing: nothing says why /x needs no backup. Say it.',
    );
  });

  it('is not asked for anything where no one watches', () => {
    expect(problems(BARE, false)).toEqual([]);
  });

  it('is every model, exporter and server of the example', () => {
    const production = inventoryOf('citadel');
    const services = MonitoredService.in(buildTree(production)).map(({ props }) => props.service);
    const wanted = Object.keys(production.hosts['ai-node']?.ai?.models ?? {});
    expect(services).toEqual(
      expect.arrayContaining([...wanted, 'prometheus', 'alertmanager', 'node-exporter', 'citadel-monitor']),
    );
  });
});
