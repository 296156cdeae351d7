import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { BlackboxExporter, type BlackboxExporterProps } from '../../../lib/roles/monitoring/index.js';
import { Duration } from '../../../lib/constructs/units.js';
import { devOps, textOf } from './daemon-files.js';

const CONFIG = '/etc/prometheus/blackbox.yml';
const synth = (props?: BlackboxExporterProps) =>
  devOps((host) => new BlackboxExporter(host, 'blackbox', props));

describe('BlackboxExporter', () => {
  it('asks for any good status, in five seconds, and follows no one elsewhere', () => {
    expect(textOf(synth(), CONFIG)).toBe(`modules:
  http_ok:
    prober: http
    timeout: 5s
    http:
      preferred_ip_protocol: ip4
      follow_redirects: false
`);
  });

  it('has modules of one’s own, in the order of their names', () => {
    const { modules } = parse(
      textOf(
        synth({
          modules: {
            teapot: { timeout: Duration.seconds(2), statuses: [418], bodyMatches: '^short' },
            api: {},
          },
        }),
        CONFIG,
      ),
    ) as { modules: Record<string, { timeout: string; http: unknown }> };
    expect(Object.keys(modules)).toEqual(['api', 'http_ok', 'teapot']);
    expect(modules['teapot']).toEqual({
      prober: 'http',
      timeout: '2s',
      http: {
        preferred_ip_protocol: 'ip4',
        follow_redirects: false,
        valid_status_codes: [418],
        fail_if_body_not_matches_regexp: ['^short'],
      },
    });
  });

  it('listens on the host itself, unless others may use it', () => {
    expect(textOf(synth(), '/etc/default/prometheus-blackbox-exporter')).toContain(
      '--web.listen-address=127.0.0.1:9115"',
    );
    expect(synth().files?.['/etc/nftables.conf']).toBeUndefined();
    const open = synth({ reach: ['10.0.0.7'], port: 9116 });
    expect(textOf(open, '/etc/default/prometheus-blackbox-exporter')).toContain(
      '--web.listen-address=:9116"',
    );
  });

  it('is reloaded for modules, restarted for arguments, and protected by a drop-in', () => {
    const manifest = synth();
    const unit = manifest.units?.['prometheus-blackbox-exporter.service'];
    expect(unit?.reloadOn).toEqual([CONFIG]);
    const dropIn = '/etc/systemd/system/prometheus-blackbox-exporter.service.d/hardening.conf';
    expect(unit?.restartOn).toEqual(
      expect.arrayContaining(['/etc/default/prometheus-blackbox-exporter', dropIn]) as string[],
    );
    expect(textOf(manifest, dropIn)).toContain('ProtectSystem=strict');
  });
});
