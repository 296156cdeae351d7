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
} from '../../../constructs/monitoring/alerts/spec.js';
import type { AlertSpec } from '../../../constructs/monitoring/alerts/spec.js';

/** Hosts of which something answers: `up` of a probe is that of the exporter which asks. */
const ANSWERS = '(max by (host) (up{job!~"node|probe"}) == 1)';

/** Whether machines answer. */
export const REACHABLE: readonly AlertSpec[] = [
  alert('HostDown', 'critical', {
    // Where something else on it answers, only the exporter is down: what is known of the host still counts.
    expr: `up{job="node"} == 0\nunless on (host) ${ANSWERS}`,
    for: minutes(3),
    summary: '{{ $labels.host }} does not answer',
    description: 'Nothing on it has answered for three minutes: the host or its network is down.',
    runbook: {
      meaning: 'Nothing is known of this host any more, and everything on it is down, or cannot be reached.',
      look: [
        on('dev-ops', 'ping -c 3 HOST', 'shows whether the machine is there'),
        on('$host', 'systemctl --failed', 'shows what has failed, if it lets you in'),
      ],
      fix: [
        'A machine that does not answer ping is looked at on its console or by its management board, and switched off and on as the last resort.',
        on(
          '$host',
          'sudo systemctl restart prometheus-node-exporter',
          'starts the exporter if only that is down',
        ),
      ],
      escalate: 'Wake whoever has access to the machine room if the console shows nothing.',
    },
    tests: [
      fires('it does not answer', { [series('up', NODE)]: steady(0) }, { labels: NODE }),
      fires(
        'nothing on it answers, and a probe of it is carried out elsewhere',
        {
          [series('up', NODE)]: steady(0),
          [series('up', CITADEL)]: steady(0),
          [series('up', { ...NODE, job: 'probe' })]: steady(1),
        },
        { labels: NODE },
      ),
      silent('it answers, and something else does not', {
        [series('up', NODE)]: steady(1),
        [series('up', { ...NODE, job: 'vllm' })]: steady(0),
      }),
      silent('only its exporter does not', {
        [series('up', NODE)]: steady(0),
        [series('up', CITADEL)]: steady(1),
      }),
    ],
  }),
  alert('NodeExporterDown', 'warning', {
    expr: `up{job="node"} == 0\nand on (host) ${ANSWERS}`,
    for: minutes(5),
    summary: 'The node exporter of {{ $labels.host }} does not answer',
    description:
      'Something else on the host does. Its processors, memory, disks and backups are not watched.',
    runbook: {
      meaning: 'The host runs, and is watched with one eye closed.',
      look: [
        on('$host', 'systemctl status prometheus-node-exporter', 'shows how it ended'),
        on('$host', 'journalctl -u prometheus-node-exporter -n 50', 'shows its last words'),
      ],
      fix: [
        on('$host', 'sudo systemctl restart prometheus-node-exporter', 'starts it; never reload it, it ends'),
        'If it runs, it is the firewall: `npx citadel-iac diff HOST` where you deploy from.',
      ],
      escalate: 'Wait for the morning if everything else is quiet.',
    },
    tests: [
      fires(
        'something else answers',
        { [series('up', NODE)]: steady(0), [series('up', CITADEL)]: steady(1) },
        { labels: NODE },
      ),
      silent('it answers', { [series('up', NODE)]: steady(1), [series('up', CITADEL)]: steady(1) }),
      silent('nothing on the host answers, for which there is another alert', {
        [series('up', NODE)]: steady(0),
        [series('up', CITADEL)]: steady(0),
        [series('up', { ...NODE, job: 'probe' })]: steady(1),
      }),
    ],
  }),
  alert('HostRebooted', 'info', {
    expr: 'time() - node_boot_time_seconds < 900',
    summary: '{{ $labels.host }} started {{ $value | humanizeDuration }} ago',
    description: 'The host has booted within the last quarter of an hour.',
    runbook: {
      meaning: 'The host was started, by someone or by a power cut. Models load for minutes after that.',
      look: [
        on('$host', 'journalctl -b -1 -n 50', 'shows the last words of the boot before'),
        on('an AI node', 'citadel health', 'shows what has come back'),
        on('dev-ops', 'systemctl --failed', 'shows what has not come back there'),
      ],
      fix: [
        'Nothing, if someone meant it. Otherwise read the end of the last boot for a panic or a lost disk.',
      ],
      escalate: 'Tell the others in the morning if no one did it.',
    },
    tests: [
      fires(
        'fourteen minutes ago',
        { [series('node_boot_time_seconds', NODE)]: `_x14 ${steady(0)}` },
        { labels: NODE, value: 840 },
        minutes(14),
      ),
      silent(
        'a quarter of an hour ago',
        { [series('node_boot_time_seconds', NODE)]: steady(0) },
        minutes(15),
      ),
    ],
  }),
];
