import {
  alert,
  fires,
  growing,
  minutes,
  on,
  series,
  silent,
  steady,
  target,
  turning,
} from '../../../constructs/monitoring/alerts/spec.js';
import {
  type AlertFacts,
  type AlertSpec,
  type GroupSpec,
} from '../../../constructs/monitoring/alerts/spec.js';
import { Duration } from '../../../constructs/units.js';
import { notificationAlerts } from './notifications.js';
import { remoteWriteAlerts } from './remote-write.js';

const SELF = target('prometheus');
const AM = target('alertmanager');
const GROUP = { ...SELF, rule_group: '/etc/prometheus/rules/hosts.yml;hosts' };
const LOG = on('dev-ops', 'journalctl -u prometheus -n 100', 'shows what it complains about');
const ROOM = on('dev-ops', 'df -h /var/lib/prometheus; free -h', 'shows whether disk or memory is full');
const RESTART = on(
  'dev-ops',
  'sudo systemctl restart prometheus',
  'restarts it; it needs a minute to read its log',
);
const DEPLOY = on('where you deploy from', 'npx citadel-iac apply dev-ops', 'writes its configuration again');
const BLIND =
  'Wake the person responsible for the monitoring: while it lasts, other alerts may not reach you.';
const MORNING = 'Wait for the morning.';

/** Prometheus and Alertmanager about themselves. */
export function monitoringAlerts(facts: AlertFacts): GroupSpec {
  return {
    name: 'monitoring',
    alerts: [
      ...CONFIGURATION,
      ...RULES,
      ...STORAGE,
      ...remoteWriteAlerts(),
      ...notificationAlerts(),
      ...(facts.jobs.includes('blackbox')
        ? [reload('Blackbox', 'blackbox_exporter', target('blackbox'), 'prometheus-blackbox-exporter')]
        : []),
    ],
  };
}

/** One increment at `step`, watched over a window of as many minutes. */
const once = (metric: string, labels: Readonly<Record<string, string>>, window: number) => ({
  [series(metric, labels)]: turning(0, 1, window + 1),
});
const never = (metric: string, labels: Readonly<Record<string, string>>) => ({
  [series(metric, labels)]: steady(1, 400),
});

function reload(
  name: string,
  prefix: string,
  labels: Readonly<Record<string, string>>,
  unit: string,
): AlertSpec {
  const metric = `${prefix}_config_last_reload_successful`;
  return alert(`${name}ReloadFailed`, 'warning', {
    expr: `${metric} == 0`,
    for: minutes(5),
    summary: `${name} on {{ $labels.host }} runs with an old configuration`,
    description:
      'It found a mistake in the new one and went on with the old one. Changes since then have no effect.',
    runbook: {
      meaning:
        'It works, with yesterday’s targets, rules or receivers. After a restart it would not start at all.',
      look: [
        on('dev-ops', `journalctl -u ${unit} -n 50`, 'names the file and the line'),
        on(
          'dev-ops',
          'promtool check config /etc/prometheus/prometheus.yml; amtool check-config /etc/prometheus/alertmanager.yml',
          'reads the files as the programs do',
        ),
      ],
      fix: [
        on(
          'where you deploy from',
          'npx citadel-iac rollback dev-ops',
          'goes back to the last configuration that worked',
        ),
        DEPLOY,
      ],
      escalate: MORNING,
    },
    tests: [
      fires('a mistake', { [series(metric, labels)]: steady(0) }, { labels }),
      silent('none', { [series(metric, labels)]: steady(1) }),
    ],
  });
}

const CONFIGURATION: readonly AlertSpec[] = [
  reload('Prometheus', 'prometheus', SELF, 'prometheus'),
  reload('Alertmanager', 'alertmanager', AM, 'prometheus-alertmanager'),
  alert('MonitoringRestarting', 'warning', {
    expr: 'changes(process_start_time_seconds{job=~"alertmanager|grafana|prometheus"}[1h]) > 2',
    summary: '{{ $labels.job }} on {{ $labels.host }} keeps restarting',
    description: 'It has started more than twice within the last hour.',
    runbook: {
      meaning: 'It ends soon after each start, usually for lack of memory or disk.',
      look: [
        on(
          'dev-ops',
          'journalctl -u prometheus -u prometheus-alertmanager -u grafana-server --since -1h',
          'shows how they end',
        ),
        ROOM,
      ],
      fix: ['Make room. Lower `retentionDays` in the inventory if the disk is too small.'],
      escalate:
        'Wait for the morning, unless it is down for longer than it is up: then wake the person responsible for the monitoring.',
    },
    tests: [
      fires(
        'three times',
        { [series('process_start_time_seconds', SELF)]: '1x60 2 3 4x30' },
        { labels: SELF },
        minutes(63),
      ),
      silent('twice', { [series('process_start_time_seconds', SELF)]: '1x60 2 3x30' }, minutes(70)),
      silent(
        'something else',
        { [series('process_start_time_seconds', { ...SELF, job: 'vllm' })]: '1x60 2 3 4x30' },
        minutes(70),
      ),
    ],
  }),
];

const RULES: readonly AlertSpec[] = [
  alert('RuleEvaluationFailing', 'critical', {
    expr: 'increase(prometheus_rule_evaluation_failures_total[10m]) > 0',
    for: minutes(5),
    summary: 'Rules in {{ $labels.rule_group }} cannot be evaluated',
    description: 'Alerts of this group cannot fire.',
    runbook: {
      meaning: 'A rule meets series that it does not fit, most often two where it expects one.',
      look: [LOG, on('a browser', 'http://DEV-OPS:9090/rules', 'shows the rule and its error')],
      fix: ['Look for a target that is scraped twice, and take one away.', DEPLOY],
      escalate: BLIND,
    },
    tests: [
      fires(
        'once',
        once('prometheus_rule_evaluation_failures_total', GROUP, 10),
        { labels: GROUP },
        minutes(11),
      ),
      silent('not lately', never('prometheus_rule_evaluation_failures_total', GROUP), minutes(30)),
    ],
  }),
  alert('RuleGroupSlow', 'warning', {
    expr: 'prometheus_rule_group_last_duration_seconds > prometheus_rule_group_interval_seconds',
    for: minutes(10),
    summary: 'Rules in {{ $labels.rule_group }} take longer than there is time for',
    description: 'They are evaluated less often than they should be.',
    runbook: {
      meaning: 'Alerts come late.',
      look: [ROOM, on('a browser', 'http://DEV-OPS:9090/rules', 'shows how long each rule takes')],
      fix: ['Give the host more, or the group a longer interval.'],
      escalate: MORNING,
    },
    tests: [
      fires(
        'a little longer',
        {
          [series('prometheus_rule_group_last_duration_seconds', GROUP)]: steady(15.1),
          [series('prometheus_rule_group_interval_seconds', GROUP)]: steady(15),
        },
        { labels: GROUP },
      ),
      silent('a little shorter', {
        [series('prometheus_rule_group_last_duration_seconds', GROUP)]: steady(14.9),
        [series('prometheus_rule_group_interval_seconds', GROUP)]: steady(15),
      }),
    ],
  }),
  alert('RuleEvaluationsMissed', 'warning', {
    expr: 'increase(prometheus_rule_group_iterations_missed_total[5m]) > 0',
    for: minutes(15),
    summary: 'Rules in {{ $labels.rule_group }} are left out again and again',
    description: 'Their evaluation was not over when the next one was due, for a quarter of an hour.',
    runbook: {
      meaning: 'Alerts come late, and those that wait for a time may never come.',
      look: [ROOM, on('a browser', 'http://DEV-OPS:9090/rules', 'shows how long each rule takes')],
      fix: ['Give the host more, or the group a longer interval.'],
      escalate: MORNING,
    },
    tests: [
      fires(
        'again and again',
        { [series('prometheus_rule_group_iterations_missed_total', GROUP)]: growing(0.1) },
        { labels: GROUP },
        minutes(1),
      ),
      silent(
        'every eight minutes',
        { [series('prometheus_rule_group_iterations_missed_total', GROUP)]: '0x8 1x8 2x8 3x8 4x8 5x40' },
        minutes(40),
      ),
      silent(
        'once',
        { [series('prometheus_rule_group_iterations_missed_total', GROUP)]: '0x8 1x60' },
        minutes(30),
      ),
    ],
  }),
];

const STORAGE: readonly AlertSpec[] = [
  alert('PrometheusNotIngesting', 'critical', {
    // One series for each type of sample, of which there may be none of some.
    expr: 'sum by (host, instance) (rate(prometheus_tsdb_head_samples_appended_total[5m])) <= 0',
    for: minutes(10),
    summary: 'Prometheus on {{ $labels.host }} stores nothing',
    description: 'No sample was stored for ten minutes.',
    runbook: {
      meaning: 'It runs and is blind: no target answers, or it cannot write.',
      look: [LOG, ROOM, on('a browser', 'http://DEV-OPS:9090/targets', 'shows whether its targets answer')],
      fix: [RESTART],
      escalate: BLIND,
    },
    tests: [
      fires(
        'nothing',
        { [series('prometheus_tsdb_head_samples_appended_total', { ...SELF, type: 'float' })]: steady(9) },
        { labels: { host: 'b', instance: SELF.instance } },
        minutes(1),
      ),
      silent(
        'a little, of one type',
        {
          [series('prometheus_tsdb_head_samples_appended_total', { ...SELF, type: 'float' })]: growing(1),
          [series('prometheus_tsdb_head_samples_appended_total', { ...SELF, type: 'histogram' })]: steady(0),
        },
        minutes(40),
      ),
    ],
  }),
  alert('PrometheusStorageTrouble', 'warning', {
    expr: [
      'increase(prometheus_tsdb_compactions_failed_total[3h]) > 0',
      'or increase(prometheus_tsdb_reloads_failures_total[3h]) > 0',
      'or increase(prometheus_tsdb_wal_corruptions_total[3h]) > 0',
      'or increase(prometheus_tsdb_wal_writes_failed_total[3h]) > 0',
    ].join('\n'),
    for: minutes(10),
    summary: 'Prometheus on {{ $labels.host }} has trouble with its disk',
    description: 'Writing, reading or tidying up its data failed within the last three hours.',
    runbook: {
      meaning: 'Samples are lost, and more will be if the disk is full or failing.',
      look: [ROOM, LOG],
      fix: ['Make room on the disk first; it goes on by itself.', RESTART],
      escalate: MORNING,
    },
    tests: [
      ...['compactions_failed', 'reloads_failures', 'wal_corruptions', 'wal_writes_failed'].map((what) =>
        fires(
          what.replaceAll('_', ' '),
          once(`prometheus_tsdb_${what}_total`, SELF, 180),
          { labels: SELF },
          minutes(181),
        ),
      ),
      silent(
        'old trouble',
        Object.assign(
          {},
          ...['compactions_failed', 'reloads_failures', 'wal_corruptions', 'wal_writes_failed'].map((what) =>
            never(`prometheus_tsdb_${what}_total`, SELF),
          ),
        ) as Record<string, string>,
        Duration.hours(4),
      ),
    ],
  }),
  alert('PrometheusSamplesRejected', 'warning', {
    expr: 'increase(prometheus_target_scrapes_sample_duplicate_timestamp_total[10m]) > 0\nor increase(prometheus_target_scrapes_sample_out_of_order_total[10m]) > 0',
    for: minutes(10),
    summary: 'Prometheus on {{ $labels.host }} rejects samples',
    description: 'Two targets give the same series, or a clock runs backwards.',
    runbook: {
      meaning: 'Of two things with one name only one is watched.',
      look: [LOG],
      fix: [
        'Give the two targets different labels.',
        'Two models with one `servedName` on one host are told apart by nothing: rename one.',
      ],
      escalate: MORNING,
    },
    tests: [
      ...['duplicate_timestamp', 'out_of_order'].map((what) => ({
        ...fires(
          what.replaceAll('_', ' '),
          { [series(`prometheus_target_scrapes_sample_${what}_total`, SELF)]: `0x10 1+0.1x40` },
          { labels: SELF },
          minutes(11),
        ),
      })),
      silent(
        'none lately',
        {
          ...never('prometheus_target_scrapes_sample_duplicate_timestamp_total', SELF),
          ...never('prometheus_target_scrapes_sample_out_of_order_total', SELF),
        },
        minutes(40),
      ),
    ],
  }),
];
