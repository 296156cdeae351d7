import type { Thresholds } from '../lib/inventory/index.js';
import { loadTemplate, renderTemplate } from '../lib/render/index.js';

const RULES = 'dev-ops/etc/prometheus/rules';

export interface AlertSettings {
  /** Levels at which alerts fire. */
  readonly thresholds: Thresholds;
  /** Names of the hosts that make backups. */
  readonly backupHosts: readonly string[];
}

/** Rule files of the monitoring server: name without `.yml` → text. */
export function alertRules(
  settings: AlertSettings,
): Readonly<Record<'hosts' | 'models' | 'operations', string>> {
  const { thresholds, backupHosts } = settings;
  return {
    hosts: renderTemplate(loadTemplate(`${RULES}/hosts.yml.ejs`), { thresholds }),
    models: loadTemplate(`${RULES}/models.yml`).text,
    operations: renderTemplate(loadTemplate(`${RULES}/operations.yml.ejs`), { backupHosts }),
  };
}
