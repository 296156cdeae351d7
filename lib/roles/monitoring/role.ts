import type { NamedFile, RawHost } from '../../inventory/index.js';
import type { Problem } from '../../manifest/index.js';
import { ROLE_API_VERSION, type Role } from '../../site/index.js';
import { buildMonitoring } from './build.js';
import { contribute } from './contribute.js';
import { judgeAlerting } from './doctor.js';
import './keys.js';
import { recovery } from './recovery.js';
import { checkMonitoring } from './rules.js';
import { monitoringSchema } from './schema/monitoring.js';

const REPOSITORY_KEY_FIX =
  'Fetch the key from the repository’s owner, compare its fingerprint with the one they publish, and keep the file in the project.';
const RULES_FIX = 'Write the rules there, or take the file out of "monitoring.rules".';
const DASHBOARD_FIX = 'Save the dashboard there, or take the file out of "monitoring.dashboards".';

/** Monitoring servers: Prometheus, Alertmanager, Grafana, and a blackbox exporter. */
export const monitoring: Role = {
  name: 'monitoring',
  apiVersion: ROLE_API_VERSION,
  schema: {
    host: { monitoring: monitoringSchema.optional().describe('Makes the host the monitoring server') },
  },
  serves: ['monitoring'],
  rules: ({ source, path, value, secrets }: RawHost): Problem[] =>
    checkMonitoring(source, [...path, 'monitoring'], value['monitoring'], secrets),
  files: ({ monitoring: server }): NamedFile[] => [
    ...(server?.grafana?.repository === undefined
      ? []
      : [{ name: server.grafana.repository.key, fix: REPOSITORY_KEY_FIX }]),
    ...(server?.rules ?? []).map((name) => ({ name, fix: RULES_FIX, check: 'prometheus-rules' as const })),
    ...(server?.dashboards ?? []).map((name) => ({ name, fix: DASHBOARD_FIX })),
  ],
  contribute,
  consumes: ({ hosts }) =>
    Object.values(hosts).some((host) => host.monitoring !== undefined)
      ? ['scrape-target', 'probe', 'alerts', 'metrics', 'dashboard', 'backup-set', 'client']
      : [],
  build: buildMonitoring,
  recovery,
  doctor: judgeAlerting,
  silencers: ({ hosts }) =>
    Object.entries(hosts).flatMap(([host, { monitoring: server }]) =>
      server === undefined ? [] : [{ host, url: `http://127.0.0.1:${server.alertmanager.port}` }],
    ),
};
