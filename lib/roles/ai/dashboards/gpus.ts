import { levels, query, stat, timeseries, UID } from '../../../constructs/monitoring/dashboards/facts.js';
import type { DashboardSpec } from '../../../constructs/monitoring/dashboards/spec.js';
import type { NodesFacts } from '../alerts/facts.js';

const BY = '{{host}} GPU {{gpu}}';

export function gpusDashboard({ thresholds, aiHosts }: NodesFacts): DashboardSpec {
  const heat = thresholds.gpuTemperatureCelsius;
  return {
    uid: UID.gpus,
    title: 'Citadel GPUs',
    description: 'Memory, work, heat and power of every GPU.',
    variables: [{ name: 'host', label: 'Host', values: aiHosts, multi: true }],
    rows: [
      {
        title: 'Now',
        height: 4,
        panels: [
          stat(
            'Missing GPUs',
            'sum(citadel_gpu_expected) - (count(citadel_gpu_memory_total_bytes) or vector(0))',
            {
              description:
                'GPUs that should be there and are not seen. Look for Xid in the kernel’s journal.',
              width: 6,
              unit: 'none',
              steps: [{ from: 1, color: 'red' }],
              noValue: 'not known',
            },
          ),
          stat('nvidia-smi', 'min(citadel_gpu_query_success)', {
            description: 'Whether the driver answers.',
            width: 6,
            unit: 'none',
            words: { 0: { text: 'does not answer', color: 'red' }, 1: { text: 'answers', color: 'green' } },
          }),
          stat('Hottest', 'max(citadel_gpu_temperature_celsius)', {
            description: 'Temperature of the hottest one.',
            width: 6,
            unit: 'celsius',
            steps: levels(heat.warning, heat.critical),
          }),
          stat(
            'Memory errors',
            'sum(increase(citadel_gpu_ecc_uncorrected_errors_total[$__range])) or vector(0)',
            {
              description: 'Errors that could not be corrected, in the time shown. One is a reason to look.',
              width: 6,
              unit: 'none',
              decimals: 0,
              steps: [{ from: 1, color: 'red' }],
            },
          ),
        ],
      },
      {
        title: 'Memory and work',
        panels: [
          timeseries(
            'Memory',
            [query('citadel_gpu_memory_used_bytes{host=~"$host"} / citadel_gpu_memory_total_bytes', BY)],
            {
              description: 'vLLM takes its share when it starts and keeps it.',
              width: 12,
              unit: 'percentunit',
              min: 0,
              max: 1,
              steps: [{ from: thresholds.gpuMemoryPercent / 100, color: 'red' }],
            },
          ),
          timeseries('Work', [query('citadel_gpu_utilization_ratio{host=~"$host"}', BY)], {
            description: 'Share of the time that it was busy.',
            width: 12,
            unit: 'percentunit',
            min: 0,
            max: 1,
          }),
        ],
      },
      {
        title: 'Heat and power',
        panels: [
          timeseries('Temperature', [query('citadel_gpu_temperature_celsius{host=~"$host"}', BY)], {
            description: 'Beyond its limit a GPU slows itself down.',
            width: 12,
            unit: 'celsius',
            steps: levels(heat.warning, heat.critical),
          }),
          timeseries(
            'Power',
            [
              query('citadel_gpu_power_draw_watts{host=~"$host"}', BY),
              query('citadel_gpu_power_limit_watts{host=~"$host"}', `${BY} limit`),
            ],
            { description: 'What it takes, and what it may.', width: 12, unit: 'watt', min: 0 },
          ),
        ],
      },
    ],
  };
}
