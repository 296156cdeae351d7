import { Duration } from '../../../constructs/units.js';
import {
  alert,
  fires,
  minutes,
  on,
  series,
  silent,
  steady,
  target,
} from '../../../constructs/monitoring/alerts/spec.js';
import type { AlertFacts, AlertSpec, GroupSpec } from '../../../constructs/monitoring/alerts/spec.js';

const PROBE = { ...target('probe'), service: 'grafana' };
const expiry = series('probe_ssl_earliest_cert_expiry', PROBE);

/** Certificates, where something is asked over TLS. */
export function certificateAlerts({ thresholds, tls }: AlertFacts): GroupSpec | undefined {
  if (!tls) return undefined;
  return {
    name: 'certificates',
    alerts: (['warning', 'critical'] as const).map((severity): AlertSpec => {
      const days = thresholds.certificateDays[severity];
      const seconds = days * 86_400;
      // A certificate that ends so long after ten minutes of the test.
      const ends = (at: number) => ({ [expiry]: steady(seconds + at * 60) });
      return alert('CertificateExpiring', severity, {
        expr: `probe_ssl_earliest_cert_expiry - time() < ${seconds}`,
        for: Duration.hours(1),
        summary: 'The certificate of {{ $labels.service }} ends in {{ $value | humanizeDuration }}',
        description: `Less than ${days} days: no one can use {{ $labels.instance }} after that.`,
        runbook: {
          meaning: 'Whatever renews it did not. Browsers and programs will refuse it from the day it ends.',
          look: [
            on(
              'dev-ops',
              'openssl s_client -connect HOST:PORT </dev/null 2>/dev/null | openssl x509 -noout -dates -issuer',
              'shows the dates, and who made it',
            ),
          ],
          fix: ['Renew it, put it where the inventory says, and deploy.'],
          escalate:
            'Critical: wake the person who can renew it if it ends before the morning. Warning: wait for the morning.',
        },
        tests: [
          fires('a little too soon', ends(10), { labels: PROBE, value: seconds - 3660 }, minutes(11)),
          silent('a little later', ends(120), minutes(120)),
        ],
      });
    }),
  };
}
