import type { Thresholds } from '../lib/inventory/index.js';
import { loadTemplate, renderTemplate } from '../lib/render/index.js';

const RULES = 'dev-ops/etc/prometheus/rules';

/** Rule files of the monitoring server: name without `.yml` → text. The levels at which they fire are the inventory's. */
export function alertRules(
  thresholds: Thresholds,
): Readonly<Record<'hosts' | 'models' | 'operations', string>> {
  return {
    hosts: renderTemplate(loadTemplate(`${RULES}/hosts.yml.ejs`), { thresholds }),
    models: loadTemplate(`${RULES}/models.yml`).text,
    operations: loadTemplate(`${RULES}/operations.yml`).text,
  };
}
