import {
  above,
  alert,
  below,
  fires,
  minutes,
  on,
  series,
  silent,
  steady,
} from '../../../constructs/monitoring/alerts/spec.js';
import type { AlertSpec } from '../../../constructs/monitoring/alerts/spec.js';
import { Duration } from '../../../constructs/units.js';
import { GPU, KERNEL, SMI } from './gpu-parts.js';

const MORNING = 'Wait for the morning as long as the models answer.';
const RESET = on(
  '$host',
  'citadel stop models\nsudo nvidia-smi --gpu-reset -i GPU\ncitadel start models',
  'maps the rows out',
);
/** HBM2e and HBM3 slow down from about 95 °C on; makers give no figure to programs. */
const HBM_CELSIUS = 95;

/** Defects of GPUs and of their slots that come before they fail. */
export function gpuHardwareAlerts(): AlertSpec[] {
  const is = (metric: string, value: number) => ({ [series(metric, GPU)]: steady(value) });
  const throttled = (value: number) => ({
    [series('citadel_gpu_throttled', { ...GPU, reason: 'hw_thermal' })]: steady(value, 60),
  });
  const width = (now: number) => ({
    ...is('citadel_gpu_pcie_link_width', now),
    ...is('citadel_gpu_pcie_link_width_max', 16),
  });
  return [
    alert('GpuThrottled', 'warning', {
      expr: 'avg_over_time(citadel_gpu_throttled[10m]) > 0.5',
      for: minutes(10),
      summary: 'GPU {{ $labels.gpu }} of {{ $labels.host }} is slowed down ({{ $labels.reason }})',
      description:
        'For most of the time it runs slower than it could: because of heat, or of the power supply.',
      runbook: {
        meaning:
          'Answers are slower than they should be. `hw_thermal` and `sw_thermal` are heat, `hw_power_brake` is the power supply, `hw_slowdown` either.',
        look: [SMI, on('$host', 'nvidia-smi -q -d TEMPERATURE,POWER,PERFORMANCE', 'shows the reason')],
        fix: [
          'Look at the fans, the filters and the temperature of the room; for the power brake, at the power supplies.',
        ],
        escalate: MORNING,
      },
      tests: [
        fires('more often than not', throttled(0.51), { labels: { ...GPU, reason: 'hw_thermal' } }),
        silent('less often than not', throttled(0.49), minutes(30)),
        silent(
          'long ago',
          { [series('citadel_gpu_throttled', { ...GPU, reason: 'hw_thermal' })]: '1x4 0x60' },
          minutes(25),
        ),
        // A longer look would not see that it has begun.
        fires(
          'since a while',
          { [series('citadel_gpu_throttled', { ...GPU, reason: 'hw_thermal' })]: '0x19 1x60' },
          { labels: { ...GPU, reason: 'hw_thermal' } },
          minutes(25),
        ),
      ],
    }),
    alert('GpuRemapPending', 'warning', {
      expr: 'citadel_gpu_remap_pending == 1',
      for: minutes(15),
      summary: 'GPU {{ $labels.gpu }} of {{ $labels.host }} waits for a reset to map out memory',
      description: 'Rows of its memory failed; they are used until it is reset.',
      runbook: {
        meaning: 'The next error in these rows ends the model that uses them.',
        look: [on('$host', 'nvidia-smi -q -d ROW_REMAPPER', 'shows how many rows wait'), KERNEL],
        fix: [RESET],
        escalate: MORNING,
      },
      tests: [
        fires('rows wait', is('citadel_gpu_remap_pending', 1), { labels: GPU }),
        silent('none waits', is('citadel_gpu_remap_pending', 0)),
      ],
    }),
    alert('GpuRemapFailed', 'critical', {
      expr: 'citadel_gpu_remap_failed == 1',
      for: minutes(1),
      summary: 'GPU {{ $labels.gpu }} of {{ $labels.host }} can no longer map out bad memory',
      description: 'A row of its memory failed and there is no spare one: the GPU is to be replaced.',
      runbook: {
        meaning: 'Models on it will end again and again, and answers may be wrong.',
        look: [on('$host', 'nvidia-smi -q -d ROW_REMAPPER', 'shows it in its own words'), KERNEL],
        fix: [
          on('$host', 'citadel stop NAME', 'takes its models off it'),
          'Have the GPU replaced: makers take it back for this.',
        ],
        escalate: 'Wake the person responsible for the hardware if a model cannot do without this GPU.',
      },
      tests: [
        fires('it failed', is('citadel_gpu_remap_failed', 1), { labels: GPU }),
        silent('it did not', is('citadel_gpu_remap_failed', 0)),
      ],
    }),
    alert('GpuLinkNarrow', 'warning', {
      expr: 'citadel_gpu_pcie_link_width < citadel_gpu_pcie_link_width_max',
      for: Duration.hours(1),
      summary:
        'GPU {{ $labels.gpu }} of {{ $labels.host }} uses {{ $value | printf "%.0f" }} lanes of PCIe, and could use more',
      description: 'Lanes are lost: loading takes longer, and so does everything that GPUs tell each other.',
      runbook: {
        meaning:
          'The card or its riser sits badly, the slot is dirty, or the slot has fewer lanes than the card.',
        look: [
          on('$host', 'nvidia-smi -q | grep -A8 "GPU Link Info"', 'shows width and speed, now and at most'),
        ],
        fix: ['Take the card out and put it back in, with the machine off.'],
        escalate: MORNING,
      },
      tests: [
        fires('eight of sixteen', width(8), { labels: GPU, value: 8 }),
        silent('all of them', width(16), minutes(90)),
      ],
    }),
    alert('GpuMemoryHot', 'warning', {
      expr: `citadel_gpu_memory_temperature_celsius > ${HBM_CELSIUS}`,
      for: minutes(10),
      summary:
        'The memory of GPU {{ $labels.gpu }} of {{ $labels.host }} is {{ $value | printf "%.0f" }} °C hot',
      description: `More than ${HBM_CELSIUS} °C for ten minutes: it slows down, and errors become more likely.`,
      runbook: {
        meaning:
          'The memory gets more heat than it can get rid of, although the chip itself may be cool enough.',
        look: [SMI, on('$host', 'nvidia-smi -q -d TEMPERATURE', 'shows both temperatures and their limits')],
        fix: ['Look at the fans, the filters and the temperature of the room.'],
        escalate: MORNING,
      },
      tests: [
        fires('a little above the level', is('citadel_gpu_memory_temperature_celsius', above(HBM_CELSIUS)), {
          labels: GPU,
          value: above(HBM_CELSIUS),
        }),
        silent('a little below it', is('citadel_gpu_memory_temperature_celsius', below(HBM_CELSIUS))),
      ],
    }),
  ];
}
