import {
  alert,
  EVENT,
  fires,
  growing,
  minutes,
  neat,
  NODE,
  on,
  series,
  silent,
  steady,
  turning,
} from '../../../constructs/monitoring/alerts/spec.js';
import { HARDWARE } from './hardware.js';
import { REACHABLE } from './reachable.js';
import {
  above,
  below,
  type AlertFacts,
  type AlertSpec,
  type GroupSpec,
} from '../../../constructs/monitoring/alerts/spec.js';

/** Machines: whether they answer, and whether they have enough of everything. */
export function hostAlerts({ thresholds }: Pick<AlertFacts, 'thresholds'>): GroupSpec {
  const levels = (['warning', 'critical'] as const).flatMap((severity): AlertSpec[] => {
    const memory = thresholds.memoryPercent[severity];
    return [
      alert('HostMemoryHigh', severity, {
        expr: `100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes) > ${memory}`,
        for: minutes(10),
        summary: '{{ $labels.host }} uses {{ $value | printf "%.0f" }} % of its memory',
        description: `More than ${memory} % for ten minutes: the kernel will soon end a process of its choice.`,
        runbook: {
          meaning:
            'Little memory is left. When none is left the kernel kills the largest process, which on an AI node is a model.',
          look: [
            on('$host', 'systemd-cgtop -m -n 1', 'shows which service has it'),
            on('$host', 'free -h', 'shows how much is left'),
          ],
          fix: [
            'Stop what does not belong there.',
            'A model that grew over days is restarted: `citadel restart NAME`.',
          ],
          escalate:
            'Critical: wake the person responsible for the models if stopping one of them is the only way. Warning: wait for the morning.',
        },
        tests: [
          fires(
            'a little above the level',
            {
              [series('node_memory_MemAvailable_bytes', NODE)]: steady(100 - above(memory)),
              [series('node_memory_MemTotal_bytes', NODE)]: steady(100),
            },
            { labels: NODE, value: above(memory) },
          ),
          silent('a little below it', {
            [series('node_memory_MemAvailable_bytes', NODE)]: steady(100 - below(memory)),
            [series('node_memory_MemTotal_bytes', NODE)]: steady(100),
          }),
        ],
      }),
    ];
  });
  return {
    name: 'hosts',
    alerts: [...REACHABLE, cpuHigh(thresholds.cpuPercent.warning), ...levels, ...TROUBLE, ...HARDWARE],
  };
}

/** Busy processors wake no one: what suffers from it has alerts of its own. */
function cpuHigh(cpu: number): AlertSpec {
  const spent = (mode: string) => series('node_cpu_seconds_total', { ...NODE, cpu: '0', mode });
  const second = (mode: string) => series('node_cpu_seconds_total', { ...NODE, cpu: '1', mode });
  const busy = (percent: number, other: string) => ({
    [spent('user')]: growing(neat(percent * 0.6), 150, 1e6),
    [spent(other)]: growing(neat((100 - percent) * 0.6), 150, 1e6),
    [second('system')]: growing(neat(percent * 0.6), 150, 1e6),
    [second(other)]: growing(neat((100 - percent) * 0.6), 150, 1e6),
  });
  return alert('HostCpuHigh', 'warning', {
    // Waiting for a disk is not work, and what runs with low priority (backups) gives way to everything else.
    expr:
      '100 * avg by (host) (sum by (host, cpu) (\n' +
      '  rate(node_cpu_seconds_total{mode!~"idle|iowait|nice"}[5m])\n' +
      `)) > ${cpu}`,
    for: minutes(15),
    summary: '{{ $labels.host }} uses {{ $value | printf "%.0f" }} % of its processors',
    description: `More than ${cpu} % for a quarter of an hour: requests wait for a processor.`,
    runbook: {
      meaning:
        'The processors of the host are busy. Models need them for tokenising and scheduling, so that answers become slow before anything fails.',
      look: [
        on('$host', 'systemd-cgtop -c -n 2', 'shows which service uses them'),
        on('an AI node', 'citadel health', 'shows whether the models still answer'),
      ],
      fix: [
        'A backup or a check that runs late ends by itself: leave it.',
        'A service that spins is restarted: `citadel restart NAME` for a model, `sudo systemctl restart UNIT` for others.',
      ],
      escalate: 'Wait for the morning as long as the models answer within their objective.',
    },
    tests: [
      fires(
        'a little above the level',
        busy(above(cpu), 'idle'),
        { labels: { host: 'a' }, value: above(cpu) },
        minutes(4),
      ),
      silent('a little below it', busy(below(cpu), 'idle'), minutes(40)),
      ...['idle', 'iowait', 'nice'].map((mode) => silent(`all of it ${mode}`, busy(1, mode), minutes(40))),
    ],
  });
}

const TROUBLE: readonly AlertSpec[] = [
  alert('HostMemoryStalled', 'warning', {
    expr: 'rate(node_pressure_memory_stalled_seconds_total[5m]) > 0.1',
    for: minutes(10),
    summary: 'Processes of {{ $labels.host }} stall for lack of memory',
    description: 'For more than a tenth of the time every process waited for memory.',
    runbook: {
      meaning: 'The host is busy making room in its memory, and does little else.',
      look: [
        on('$host', 'cat /proc/pressure/memory', 'shows how much time is lost'),
        on('$host', 'systemd-cgtop -m -n 1', 'shows who has the memory'),
      ],
      fix: ['Stop or restart what has grown.'],
      escalate: 'Wait for the morning unless models stop answering.',
    },
    tests: [
      fires(
        '11 % of the time',
        { [series('node_pressure_memory_stalled_seconds_total', NODE)]: growing(6.6) },
        { labels: NODE },
        minutes(5),
      ),
      silent(
        '9 % of the time',
        { [series('node_pressure_memory_stalled_seconds_total', NODE)]: growing(5.4) },
        minutes(40),
      ),
    ],
  }),
  alert('HostOomKill', 'warning', {
    ...EVENT,
    expr: 'increase(node_vmstat_oom_kill[15m]) > 0',
    summary: '{{ $labels.host }} ended a process for lack of memory',
    description: 'The kernel killed at least one process, now or since people last worked.',
    runbook: {
      meaning:
        'A process is gone without a word of its own. systemd restarts services; what they were doing is lost.',
      look: [on('$host', 'journalctl -k -g "out of memory" --since -3d', 'shows which process it was')],
      fix: [
        'If it was a model: see whether it has come back with `citadel health`, and whether its context length fits the memory.',
      ],
      escalate: 'Wait for the morning for one; ask for help if a second one follows within an hour.',
    },
    tests: [
      fires(
        'one process',
        { [series('node_vmstat_oom_kill', NODE)]: turning(0, 1, 16) },
        { labels: NODE },
        minutes(16),
      ),
      {
        ...fires(
          'until people work again',
          { [series('node_vmstat_oom_kill', NODE)]: '0x15 1x5000' },
          { labels: NODE },
          minutes(16),
        ),
        until: minutes(31),
      },
      silent('none', { [series('node_vmstat_oom_kill', NODE)]: steady(3) }, minutes(30)),
    ],
  }),
  alert('HostLoadHigh', 'warning', {
    expr: 'node_load15 / on (host) group_left () count by (host) (node_cpu_seconds_total{mode="idle"}) > 1.5',
    for: minutes(30),
    summary: '{{ $labels.host }} has {{ $value | printf "%.1f" }} times as much to do as it has processors',
    description: 'Half as many processes again as there are processors want to run, for half an hour.',
    runbook: {
      meaning: 'More wants to run than can. With idle processors it is disks that everybody waits for.',
      look: [
        on('$host', 'vmstat 1 5', 'column r waits for processors, column b for disks'),
        on('$host', 'systemd-cgtop -n 2', 'shows which service it is'),
      ],
      fix: ['Find the service and see its log; a backup that reads a whole disk ends by itself.'],
      escalate: 'Wait for the morning.',
    },
    tests: [
      fires(
        'a little above one and a half',
        {
          [series('node_load15', NODE)]: steady(1.52),
          [series('node_cpu_seconds_total', { ...NODE, cpu: '0', mode: 'idle' })]: growing(30),
          [series('node_cpu_seconds_total', { ...NODE, cpu: '0', mode: 'user' })]: growing(30),
        },
        { labels: NODE, value: 1.52 },
      ),
      silent('a little below it', {
        [series('node_load15', NODE)]: steady(1.48),
        [series('node_cpu_seconds_total', { ...NODE, cpu: '0', mode: 'idle' })]: growing(30),
      }),
    ],
  }),
  alert('HostClockWrong', 'warning', {
    expr: 'node_timex_sync_status == 0 or abs(node_timex_offset_seconds) > 0.05',
    for: minutes(15),
    summary: 'The clock of {{ $labels.host }} is wrong, or no one sets it',
    description: 'It is not synchronised, or off by more than 50 ms.',
    runbook: {
      meaning:
        'Ages of backups, certificates and alerts are computed from clocks. A wrong one makes false alarms, and hides true ones.',
      look: [
        on(
          '$host',
          'timedatectl timesync-status || chronyc tracking',
          'shows which server sets it, and how far it is off',
        ),
      ],
      fix: [
        on(
          '$host',
          'sudo systemctl restart systemd-timesyncd || sudo systemctl restart chrony',
          'asks the time servers again',
        ),
      ],
      escalate: 'Wait for the morning.',
    },
    tests: [
      fires(
        'no one sets it',
        {
          [series('node_timex_sync_status', NODE)]: steady(0),
          [series('node_timex_offset_seconds', NODE)]: steady(0),
        },
        { labels: NODE },
      ),
      fires(
        'it is 51 ms behind',
        {
          [series('node_timex_sync_status', NODE)]: steady(1),
          [series('node_timex_offset_seconds', NODE)]: steady(-0.051),
        },
        { labels: NODE },
      ),
      silent('it is 49 ms ahead', {
        [series('node_timex_sync_status', NODE)]: steady(1),
        [series('node_timex_offset_seconds', NODE)]: steady(0.049),
      }),
    ],
  }),
  alert('HostMemoryDefect', 'critical', {
    expr: 'increase(node_edac_uncorrectable_errors_total[1h]) > 0',
    summary: 'Memory of {{ $labels.host }} is broken',
    description: 'The memory controller {{ $labels.controller }} met an error that it could not correct.',
    runbook: {
      meaning:
        'A memory module is failing. What was computed since may be wrong, and the host may stop at any moment.',
      look: [
        on('$host', 'journalctl -k -g "edac|mce|hardware error" --since -2h', 'shows which module it is'),
      ],
      fix: ['Take the load away, make a backup, switch the host off and replace the module.'],
      escalate: 'Wake the person responsible for the hardware now.',
    },
    tests: [
      fires(
        'one error',
        { [series('node_edac_uncorrectable_errors_total', { ...NODE, controller: '0' })]: turning(0, 1, 61) },
        { labels: { ...NODE, controller: '0' } },
        minutes(61),
      ),
      silent(
        'an old one',
        { [series('node_edac_uncorrectable_errors_total', { ...NODE, controller: '0' })]: steady(1) },
        minutes(70),
      ),
    ],
  }),
  alert('HostConnectionsFull', 'warning', {
    expr: '100 * node_nf_conntrack_entries / node_nf_conntrack_entries_limit > 90',
    for: minutes(10),
    summary:
      'The firewall of {{ $labels.host }} tracks {{ $value | printf "%.0f" }} % of the connections that it can',
    description: 'When the table is full, new connections are dropped without an answer.',
    runbook: {
      meaning: 'Someone opens very many connections, or never closes them.',
      look: [
        on(
          '$host',
          "ss -Htn | awk '{print $5}' | cut -d: -f1 | sort | uniq -c | sort -n | tail",
          'shows who is connected most',
        ),
      ],
      fix: [
        'Stop the client that does it.',
        on('$host', 'sudo sysctl net.netfilter.nf_conntrack_max=524288', 'makes room until the next boot'),
      ],
      escalate: 'Wait for the morning if the table is no longer growing.',
    },
    tests: [
      fires(
        'a little above the level',
        {
          [series('node_nf_conntrack_entries', NODE)]: steady(90.9),
          [series('node_nf_conntrack_entries_limit', NODE)]: steady(100),
        },
        { labels: NODE, value: 90.9 },
      ),
      silent('a little below it', {
        [series('node_nf_conntrack_entries', NODE)]: steady(89.1),
        [series('node_nf_conntrack_entries_limit', NODE)]: steady(100),
      }),
    ],
  }),
];
