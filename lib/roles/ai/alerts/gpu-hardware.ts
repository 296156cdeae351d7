import {
  above,
  alert,
  below,
  CITADEL,
  EVENT,
  fires,
  minutes,
  NODE,
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
/** Errors of the driver that end what runs on a GPU. Source: NVIDIA, "Xid Errors". */
const FATAL_XIDS = '48|64|74|79|95|119|120|140';
/** What programs do wrong themselves, or what comes of it. */
const PROGRAM_XIDS = '13|31|43|45';
const XIDS = on(
  '$host',
  'journalctl _TRANSPORT=kernel --since -3d -g "NVRM: Xid"',
  'shows the errors, and the process that met each',
);
const XID = (xid: string) => ({ ...CITADEL, pci: '0000:3b:00', xid });
/** So many seconds after the beginning. */
const reported = (xid: string, at: number, steps = 60) => ({
  [series('citadel_gpu_xid_timestamp_seconds', XID(xid))]: steady(at, steps),
});
/** Seen for the first time when it is 899 seconds old. */
const late = (xid: string) => ({
  [series('citadel_gpu_xid_timestamp_seconds', XID(xid))]: '_x15 1x60',
});
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
  const memory = (percent: number) => ({
    ...is('citadel_gpu_memory_total_bytes', percent),
    [series('citadel_gpu_expected_memory_bytes', { ...NODE, gpu: GPU.gpu })]: steady(100),
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
    alert('GpuXidFatal', 'critical', {
      expr: `time() - citadel_gpu_xid_timestamp_seconds{xid=~"${FATAL_XIDS}"} < 900`,
      summary: 'The GPU at {{ $labels.pci }} of {{ $labels.host }} has failed (Xid {{ $labels.xid }})',
      description: 'The driver reported an error that ends what runs on the GPU, and may come again.',
      runbook: {
        meaning:
          '48 and 95 are memory, 64 a row that could not be mapped out, 74 NVLink, 79 a GPU that fell off the bus, 119 and 120 its own processor, 140 memory that could not be repaired. Models on it are dead or give wrong answers.',
        look: [XIDS, SMI],
        fix: [
          on('$host', 'citadel stop NAME', 'takes the models of this GPU off it'),
          RESET,
          'If it comes back within a day, or nvidia-smi does not show the GPU: switch the machine off and on. Then have the GPU replaced.',
        ],
        escalate:
          'Wake the person responsible for the hardware if the models do not come back after the reset.',
      },
      tests: [
        fires('off the bus', reported('79', 1), { labels: XID('79') }),
        fires(
          'a little less than a quarter of an hour ago',
          late('119'),
          { labels: XID('119') },
          minutes(15),
        ),
        silent('a quarter of an hour ago', reported('79', 1), minutes(16)),
        silent('a program’s own mistake', reported('31', 1)),
      ],
    }),
    alert('GpuXid', 'warning', {
      ...EVENT,
      expr: `time() - citadel_gpu_xid_timestamp_seconds{xid!~"${FATAL_XIDS}|${PROGRAM_XIDS}"} < 900`,
      summary:
        'The driver reports an error of the GPU at {{ $labels.pci }} of {{ $labels.host }} (Xid {{ $labels.xid }})',
      description:
        'It may be the first sign of a GPU that fails. What programs do wrong themselves is not counted.',
      runbook: {
        meaning:
          'NVIDIA’s page “Xid errors” says what the number means for this kind of GPU; 63 is a row that was mapped out, 94 an error that was contained.',
        look: [XIDS, SMI],
        fix: [
          'One alone is written down. If it comes again, reset the GPU when its models can be spared.',
          RESET,
        ],
        escalate: MORNING,
      },
      tests: [
        fires('a row is mapped out', reported('63', 1), { labels: XID('63') }),
        fires('a little less than a quarter of an hour ago', late('94'), { labels: XID('94') }, minutes(15)),
        {
          ...fires('until people work again', reported('63', 1, 5000), { labels: XID('63') }),
          until: minutes(16),
        },
        silent('a program’s own mistake', reported('31', 1)),
        silent('one that is told as fatal', reported('79', 1)),
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
    alert('GpuOther', 'warning', {
      expr:
        'abs(max by (host, gpu) (citadel_gpu_memory_total_bytes) / max by (host, gpu) (citadel_gpu_expected_memory_bytes) - 1)\n' +
        '> 0.05',
      for: minutes(15),
      summary: 'GPU {{ $labels.gpu }} of {{ $labels.host }} has another memory than is declared',
      description:
        'More than 5 % off what the inventory says: another card is in its place, or their order has changed. Shares of its memory are wrong.',
      runbook: {
        meaning: 'Models get another amount of memory than was planned, and may not start.',
        look: [on('$host', 'nvidia-smi -L', 'shows the cards and their UUIDs')],
        fix: [
          'Where you deploy from, `npx citadel-iac doctor HOST` compares them with the inventory.',
          'Correct `ai.gpus` in the inventory, and the models’ `gpuMemoryUtilization`; then apply.',
        ],
        escalate: MORNING,
      },
      tests: [
        fires('a sixteenth less', memory(93.75), { labels: { host: GPU.host, gpu: GPU.gpu }, value: 0.0625 }),
        fires('an eighth more', memory(112.5), { labels: { host: GPU.host, gpu: GPU.gpu }, value: 0.125 }),
        silent('what the driver keeps', memory(96), minutes(30)),
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
