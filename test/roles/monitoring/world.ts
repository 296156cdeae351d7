import { groupsOf, wholeInventory } from './alert-tree.js';

/** A fleet of which every alert has its place, and series of it as promtool takes them: one value a minute. */
export const inventory = wholeInventory();
export const groups = groupsOf(inventory);
export const alerts = groups.flatMap((group) => group.alerts);
export const NODE = 'ai-node';
export const models = Object.entries(inventory.hosts[NODE]!.ai!.models)
  .filter(([, { start }]) => start === 'boot')
  .map(([name]) => name)
  .sort();

export type Labels = Readonly<Record<string, string>>;

const up = (job: string, more: Labels, value: string) => ({
  [series('up', { host: NODE, job, ...more })]: value,
});
export const series = (metric: string, labels: Labels) =>
  `${metric}{${Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',')}}`;
export const merged = (parts: readonly Readonly<Record<string, string>>[]): Record<string, string> =>
  Object.assign({}, ...parts) as Record<string, string>;

/** Everything that the monitoring server has to have of the fleet, well. */
export function well(steps = 400): Record<string, string> {
  const targets = groups
    .flatMap((group) => group.records)
    .filter(({ props }) => props.record.endsWith(':targets:expected'))
    .map(({ labels }) => series('up', labels))
    .filter((name) => !name.includes('job="vllm"') || name.includes('model='));
  return merged([
    ...targets.map((name) => ({ [name]: `1x${steps}` })),
    up('node', { instance: 'n' }, `1x${steps}`),
    up('citadel', { instance: 'c' }, `1x${steps}`),
    ...[NODE, 'dev-ops'].map((host) => ({
      [series('citadel_config_drift_last_check_timestamp_seconds', { host, job: 'node' })]: `0+60x${steps}`,
    })),
    ...models.flatMap((model) => [
      up('vllm', { instance: model, model }, `1x${steps}`),
      {
        [series('probe_success', { host: NODE, instance: model, job: 'probe', model, service: model })]:
          `1x${steps}`,
      },
      { [series('citadel_model_up', { host: NODE, job: 'citadel', model })]: `1x${steps}` },
      { [series('citadel_model_service_active', { host: NODE, job: 'citadel', model })]: `1x${steps}` },
      { [series('citadel_model_probe_success', { host: NODE, job: 'citadel', model })]: `1x${steps}` },
      tokens(model, `0+60x${steps}`),
      ...['kv_cache_usage_perc', 'num_requests_running', 'inter_token_latency_seconds_count'].map((name) => ({
        [series(`vllm:${name}`, { host: NODE, job: 'vllm', model, model_name: model, engine: '0' })]:
          `0x${steps}`,
      })),
      {
        [series('vllm:request_success_total', {
          host: NODE,
          job: 'vllm',
          model,
          model_name: model,
          engine: '0',
        })]: `0x${steps}`,
      },
      { [series('citadel_model_expected', { host: NODE, job: 'node', model })]: `1x${steps}` },
    ]),
  ]);
}

export function tokens(model: string, values: string) {
  const labels = { host: NODE, job: 'vllm', model, model_name: model, engine: '0' };
  return {
    [series('vllm:generation_tokens_total', labels)]: values,
    [series('vllm:prompt_tokens_total', labels)]: values,
  };
}
