import {
  alert,
  CITADEL,
  fires,
  minutes,
  NODE,
  on,
  series,
  silent,
  steady,
  turning,
} from '../../../constructs/monitoring/alerts/spec.js';
import { gpuHardwareAlerts } from './gpu-hardware.js';
import { GPU, KERNEL, SMI } from './gpu-parts.js';
import { above, below, type AlertSpec, type GroupSpec } from '../../../constructs/monitoring/alerts/spec.js';
import type { NodesFacts } from './facts.js';

/** GPUs, by the node's own exporter. */
export function gpuAlerts({ thresholds }: NodesFacts): GroupSpec {
  const hot = (['warning', 'critical'] as const).map((severity): AlertSpec => {
    const level = thresholds.gpuTemperatureCelsius[severity];
    return alert('GpuHot', severity, {
      expr: `citadel_gpu_temperature_celsius > ${level}`,
      for: minutes(5),
      keepFiringFor: minutes(5),
      summary: 'GPU {{ $labels.gpu }} of {{ $labels.host }} is {{ $value | printf "%.0f" }} °C hot',
      description: `More than ${level} °C for five minutes. It slows itself down, and switches itself off if that does not help.`,
      runbook: {
        meaning: 'The GPU gets more heat than it can get rid of.',
        look: [
          SMI,
          on(
            '$host',
            'nvidia-smi -q -d TEMPERATURE,POWER,PERFORMANCE',
            'shows whether it slows itself down already',
          ),
        ],
        fix: [
          'Look at the fans, the filters and the temperature of the room.',
          on(
            '$host',
            'sudo nvidia-smi -i GPU -pl WATTS',
            'lowers the power limit until the next start of citadel-gpu.service',
          ),
          on('$host', 'citadel stop NAME', 'takes a model off it, as the last resort'),
        ],
        escalate:
          'Critical: wake the person responsible for the machine room if more than one GPU is hot. Warning: wait for the morning.',
      },
      tests: [
        fires(
          'a little above the level',
          { [series('citadel_gpu_temperature_celsius', GPU)]: steady(above(level)) },
          { labels: GPU, value: above(level) },
        ),
        {
          ...fires(
            'until it is cool',
            { [series('citadel_gpu_temperature_celsius', GPU)]: turning(above(level), below(level), 20) },
            { labels: GPU, value: above(level) },
          ),
          until: minutes(20),
        },
        silent('a little below it', {
          [series('citadel_gpu_temperature_celsius', GPU)]: steady(below(level)),
        }),
      ],
    });
  });
  const memory = thresholds.gpuMemoryPercent;
  return {
    name: 'gpus',
    alerts: [
      ...hot,
      ...DEFECTS,
      ...gpuHardwareAlerts(),
      alert('GpuMemoryFull', 'warning', {
        expr: `100 * citadel_gpu_memory_used_bytes / citadel_gpu_memory_total_bytes > ${memory}`,
        for: minutes(15),
        summary:
          'The memory of GPU {{ $labels.gpu }} of {{ $labels.host }} is {{ $value | printf "%.0f" }} % full',
        description: `More than ${memory} %: above what the inventory shares out. Someone else is on the GPU, or a model took more than its share.`,
        runbook: {
          meaning: 'The next large request, or the next start of a model, may fail for lack of memory.',
          look: [
            SMI,
            on(
              '$host',
              'nvidia-smi --query-compute-apps=pid,used_memory,name --format=csv',
              'shows which process has how much',
            ),
          ],
          fix: [
            'End what does not belong there.',
            'Restart the model that took too much: `citadel restart NAME`; lower its `gpuMemoryUtilization` in the inventory.',
          ],
          escalate: 'Wait for the morning as long as the models answer.',
        },
        tests: [
          fires(
            'a little above the level',
            {
              [series('citadel_gpu_memory_used_bytes', GPU)]: steady(above(memory)),
              [series('citadel_gpu_memory_total_bytes', GPU)]: steady(100),
            },
            { labels: GPU, value: above(memory) },
          ),
          silent('a little below it', {
            [series('citadel_gpu_memory_used_bytes', GPU)]: steady(below(memory)),
            [series('citadel_gpu_memory_total_bytes', GPU)]: steady(100),
          }),
        ],
      }),
    ],
  };
}

const total = (gpu: string) => series('citadel_gpu_memory_total_bytes', { ...CITADEL, gpu });

/** nvidia-smi answers. */
const ASKED = { [series('citadel_gpu_query_success', CITADEL)]: steady(1) };

const DEFECTS: readonly AlertSpec[] = [
  alert('GpuMissing', 'critical', {
    expr:
      'max by (host) (citadel_gpu_expected)\n' +
      '  - (count by (host) (citadel_gpu_memory_total_bytes) or max by (host) (citadel_gpu_expected) * 0)\n' +
      '> 0 and on (host) citadel_gpu_query_success == 1',
    for: minutes(3),
    summary: '{{ $labels.host }} misses {{ $value | printf "%.0f" }} GPU',
    description: 'The driver shows fewer GPUs than the inventory names.',
    runbook: {
      meaning: 'A GPU fell off the bus, or the driver did not start. Its models are down.',
      look: [on('$host', 'nvidia-smi -L', 'lists the GPUs that are there'), KERNEL],
      fix: [
        on(
          'where you deploy from',
          'npx citadel-iac reboot HOST',
          'a reboot brings back a GPU that fell off the bus; the models end first, and GPUs and models are asked after it',
        ),
        'If it is still missing: switch the machine off and on, then look at its power cable and its slot.',
      ],
      escalate: 'Wake the person responsible for the hardware if a reboot does not bring it back.',
    },
    tests: [
      fires(
        'one of two',
        { ...ASKED, [series('citadel_gpu_expected', NODE)]: steady(2), [total('0')]: steady(80) },
        { labels: { host: 'a' }, value: 1 },
      ),
      fires(
        'all of them',
        { ...ASKED, [series('citadel_gpu_expected', NODE)]: steady(2) },
        { labels: { host: 'a' }, value: 2 },
      ),
      silent('both are there', {
        ...ASKED,
        [series('citadel_gpu_expected', NODE)]: steady(2),
        [total('0')]: steady(80),
        [total('1')]: steady(80),
      }),
      silent('no one can say, for which there is another alert', {
        [series('citadel_gpu_query_success', CITADEL)]: steady(0),
        [series('citadel_gpu_expected', NODE)]: steady(2),
      }),
    ],
  }),
  alert('GpuQueryFailing', 'critical', {
    expr: 'citadel_gpu_query_success == 0',
    for: minutes(5),
    summary: 'nvidia-smi does not answer on {{ $labels.host }}',
    description: 'Nothing is known of the GPUs: the driver hangs, or does not fit the kernel.',
    runbook: {
      meaning:
        'After an upgrade of the kernel or the driver the two may not fit. Running models go on until they need the driver.',
      look: [
        on('$host', 'timeout 10 nvidia-smi', 'shows what it says'),
        KERNEL,
        on('$host', 'dkms status', 'shows whether the driver was built for this kernel'),
      ],
      fix: [
        on(
          'where you deploy from',
          'npx citadel-iac reboot HOST',
          'loads the driver again; the models end first, and GPUs and models are asked after it',
        ),
      ],
      escalate: 'Wake the person responsible for the hardware if a reboot does not help.',
    },
    tests: [
      fires(
        'it does not answer',
        { [series('citadel_gpu_query_success', CITADEL)]: steady(0) },
        { labels: CITADEL },
      ),
      silent('it does', { [series('citadel_gpu_query_success', CITADEL)]: steady(1) }),
    ],
  }),
  alert('GpuMemoryDefect', 'critical', {
    expr: 'increase(citadel_gpu_ecc_uncorrected_errors_total[1h]) > 0',
    summary: 'Memory of GPU {{ $labels.gpu }} of {{ $labels.host }} is broken',
    description:
      'It met an error that it could not correct: answers may be wrong, and the model on it usually ends.',
    runbook: {
      meaning: 'A cell of the GPU’s memory failed. The GPU maps it out, at its next reset.',
      look: [
        on(
          '$host',
          'nvidia-smi -q -d ECC,ROW_REMAPPER',
          'shows the errors, and whether cells wait to be mapped out',
        ),
        KERNEL,
      ],
      fix: [
        on(
          '$host',
          'citadel stop models\nsudo nvidia-smi --gpu-reset -i GPU\ncitadel start models',
          'maps the cells out',
        ),
      ],
      escalate:
        'Wake the person responsible for the hardware if it happens twice, or if "Remapping Failure Occurred" is "Yes".',
    },
    tests: [
      fires(
        'one error',
        { [series('citadel_gpu_ecc_uncorrected_errors_total', GPU)]: turning(0, 1, 61) },
        { labels: GPU },
        minutes(61),
      ),
      silent(
        'an old one',
        { [series('citadel_gpu_ecc_uncorrected_errors_total', GPU)]: steady(1) },
        minutes(70),
      ),
    ],
  }),
  alert('GpuPowerAboveLimit', 'warning', {
    expr: '100 * citadel_gpu_power_draw_watts / citadel_gpu_power_limit_watts > 110',
    for: minutes(15),
    summary:
      'GPU {{ $labels.gpu }} of {{ $labels.host }} takes {{ $value | printf "%.0f" }} % of its power limit',
    description: 'It takes more than it is allowed, for a quarter of an hour: the limit is not obeyed.',
    runbook: {
      meaning: 'The power supply and the cooling are planned for the limit.',
      look: [on('$host', 'nvidia-smi -q -d POWER', 'shows draw and limit')],
      fix: [on('$host', 'citadel restart gpu', 'sets the limits of the inventory again')],
      escalate: 'Wait for the morning.',
    },
    tests: [
      fires(
        'a little above the level',
        {
          [series('citadel_gpu_power_draw_watts', GPU)]: steady(above(110)),
          [series('citadel_gpu_power_limit_watts', GPU)]: steady(100),
        },
        { labels: GPU, value: above(110) },
      ),
      silent('a little below it', {
        [series('citadel_gpu_power_draw_watts', GPU)]: steady(below(110)),
        [series('citadel_gpu_power_limit_watts', GPU)]: steady(100),
      }),
    ],
  }),
];
