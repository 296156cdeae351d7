import {
  alert,
  CITADEL,
  expected,
  fires,
  minutes,
  NODE,
  on,
  series,
  silent,
  steady,
  target,
  aged,
} from '../../../constructs/monitoring/alerts/spec.js';
import type { AlertFacts, AlertSpec, GroupSpec } from '../../../constructs/monitoring/alerts/spec.js';
import type { Job } from '../../../constructs/monitoring/metrics/index.js';

/** Jobs whose targets have an alert of their own. */
const OWN: readonly Job[] = ['alertmanager', 'citadel', 'gateway', 'grafana', 'node', 'probe', 'vllm'];
const TARGETS = on(
  'a browser',
  'http://DEV-OPS:9090/targets',
  'shows each target, and the error of its last scrape',
);
const MORNING = 'Wait for the morning if everything else is quiet.';

/** A series for each job that Prometheus has to have a target of on a host. */
const EXPECTED = 'job:targets:expected';

/** Whether the things that watch are there: targets, exporters, and what they collect. */
export function watchAlerts({ jobs, targets }: AlertFacts): GroupSpec {
  const has = (job: Job) => jobs.includes(job);
  return {
    name: 'watch',
    records: expected(
      EXPECTED,
      targets.map(({ host, job }) => ({ host, job })),
    ),
    alerts: [
      watchdog,
      targetDown,
      ...(targets.length === 0 ? [] : [targetsMissing]),
      ...(has('citadel') ? EXPORTER : []),
      collectorFailing,
      ...(has('grafana') ? [grafanaDown] : []),
      ...(has('probe') ? [probeFailing] : []),
    ],
  };
}

const PROMETHEUS = target('prometheus');

const watchdog = alert('Watchdog', 'none', {
  expr: 'max(up{job="prometheus"}) == 1',
  summary: 'The monitoring works',
  description:
    'This alert always fires. Something outside this host alarms when it is no longer told so (a dead man’s switch).',
  runbook: {
    meaning:
      'If you were woken because it is **missing**: Prometheus, Alertmanager, their host or its network is down, and no other alert can reach you.',
    look: [
      on('where you deploy from', 'ping -c 3 DEV-OPS', 'shows whether the host is there'),
      on(
        'dev-ops',
        'systemctl status prometheus prometheus-alertmanager',
        'shows whether both programs are there',
      ),
      on(
        'dev-ops',
        'curl -s http://localhost:9090/-/healthy; curl -s http://localhost:9093/-/healthy',
        'asks both',
      ),
    ],
    fix: [
      on('dev-ops', 'sudo systemctl restart prometheus prometheus-alertmanager', 'restarts both'),
      on(
        'dev-ops',
        'df -h /var/lib/prometheus; journalctl -u prometheus -n 100',
        'a full disk is the usual reason why it does not start',
      ),
      'Until it works, look at the AI node by hand once an hour: `citadel health`.',
    ],
    escalate: 'Wake whoever has access to the machine room if the host does not answer.',
  },
  tests: [
    fires('Prometheus scrapes itself', { [series('up', PROMETHEUS)]: steady(1) }, { labels: {} }),
    silent('it does not', { [series('up', PROMETHEUS)]: steady(0) }),
    silent('only others are scraped', { [series('up', NODE)]: steady(1) }),
  ],
});

const targetDown = alert('TargetDown', 'warning', {
  expr: `up{job!~"${OWN.join('|')}"} == 0`,
  for: minutes(5),
  summary: '{{ $labels.job }} at {{ $labels.instance }} cannot be scraped',
  description: 'It has not answered for five minutes: what it watches is not watched.',
  runbook: {
    meaning: 'A part of the monitoring is down.',
    look: [TARGETS, on('$host', 'systemctl --failed', 'shows what has failed there')],
    fix: [
      'Restart what does not answer; a port that is closed is opened by `npx citadel-iac apply HOST` where you deploy from.',
    ],
    escalate: MORNING,
  },
  tests: [
    fires(
      'the blackbox exporter',
      { [series('up', target('blackbox'))]: steady(0) },
      { labels: target('blackbox') },
    ),
    silent('it answers, and one that has an alert of its own does not', {
      [series('up', target('blackbox'))]: steady(1),
      [series('up', NODE)]: steady(0),
    }),
  ],
});

const wanted = (host: string, job: string) => ({ [series(EXPECTED, { host, job })]: steady(1) });
const there = (host: string, job: string) => ({
  [series('up', { host, instance: `${host}:${job}`, job })]: steady(1),
});
const wantedAll = { ...wanted('a', 'node'), ...wanted('a', 'probe'), ...wanted('b', 'node') };

const targetsMissing = alert('TargetsMissing', 'warning', {
  // By host: the job of another host is there all the same.
  expr: `${EXPECTED}\nunless on (host, job) up`,
  for: minutes(5),
  summary: 'Prometheus has no target for {{ $labels.job }} on {{ $labels.host }}',
  description: 'The inventory names it, and its configuration does not: nothing of it can raise an alert.',
  runbook: {
    meaning: 'The monitoring server runs with a configuration that does not fit the inventory.',
    look: [
      TARGETS,
      on('where you deploy from', 'npx citadel-iac diff dev-ops', 'shows how the host differs'),
    ],
    fix: [on('where you deploy from', 'npx citadel-iac apply dev-ops', 'writes its configuration again')],
    escalate: MORNING,
  },
  tests: [
    fires(
      'one is gone; others of its host, and of its job, are there',
      { ...wantedAll, ...there('a', 'probe'), ...there('b', 'node') },
      { labels: { host: 'a', job: 'node' } },
    ),
    silent('all are there', {
      ...wantedAll,
      ...there('a', 'node'),
      ...there('a', 'probe'),
      ...there('b', 'node'),
    }),
  ],
});

const collector = { ...CITADEL, collector: 'gpu' };

const EXPORTER: readonly AlertSpec[] = [
  alert('ExporterDown', 'warning', {
    expr: 'up{job="citadel"} == 0',
    for: minutes(3),
    summary: 'The exporter of {{ $labels.host }} does not answer',
    description: 'GPUs, probes of models and storage are not watched.',
    runbook: {
      meaning: 'The models may be well; no one knows.',
      look: [
        on('$host', 'citadel health', 'shows how the models are'),
        on(
          '$host',
          'systemctl status citadel-metrics-exporter; journalctl -u citadel-metrics-exporter -n 50',
          'shows why it ended',
        ),
      ],
      fix: [on('$host', 'systemctl restart citadel-metrics-exporter', 'restarts it')],
      escalate: 'Wait for the morning if `citadel health` is well.',
    },
    tests: [
      fires('it does not', { [series('up', CITADEL)]: steady(0) }, { labels: CITADEL }),
      silent('it does, and another does not', {
        [series('up', CITADEL)]: steady(1),
        [series('up', NODE)]: steady(0),
      }),
    ],
  }),
  alert('ExporterCollectorFailing', 'warning', {
    expr: 'citadel_collector_success == 0',
    for: minutes(10),
    summary: 'The exporter of {{ $labels.host }} learns nothing of {{ $labels.collector }}',
    description: 'This part of it has failed for ten minutes; its metrics are missing.',
    runbook: {
      meaning: 'Alerts about this part cannot fire.',
      look: [on('$host', 'journalctl -u citadel-metrics-exporter -n 50', 'shows why')],
      fix: [
        on('$host', 'systemctl restart citadel-metrics-exporter', 'restarts it'),
        'For `gpu`: see [GpuQueryFailing](#gpuqueryfailing).',
      ],
      escalate: MORNING,
    },
    tests: [
      fires(
        'one part',
        { [series('citadel_collector_success', collector)]: steady(0) },
        { labels: collector },
      ),
      silent('all work', { [series('citadel_collector_success', collector)]: steady(1) }),
    ],
  }),
  alert('ExporterCollectorStale', 'warning', {
    expr: 'time() - citadel_collector_last_run_timestamp_seconds > 300',
    for: minutes(5),
    summary:
      'What the exporter of {{ $labels.host }} says of {{ $labels.collector }} is {{ $value | humanizeDuration }} old',
    description: 'This part of it hangs: it shows what was, not what is.',
    runbook: {
      meaning: 'A program that it asks does not come back, nvidia-smi for example.',
      look: [
        on('$host', 'journalctl -u citadel-metrics-exporter -n 50', 'shows what it waits for'),
        on('$host', 'timeout 10 nvidia-smi', 'shows whether the driver answers'),
      ],
      fix: [on('$host', 'systemctl restart citadel-metrics-exporter', 'restarts it')],
      escalate: MORNING,
    },
    tests: [
      fires(
        'for five minutes',
        { [series('citadel_collector_last_run_timestamp_seconds', collector)]: aged(300) },
        { labels: collector, value: 660 },
        minutes(11),
      ),
      silent(
        'a little less',
        { [series('citadel_collector_last_run_timestamp_seconds', collector)]: aged(300, 30) },
        minutes(30),
      ),
    ],
  }),
];

const part = (name: string) => series('node_scrape_collector_success', { ...NODE, collector: name });

const collectorFailing = alert('NodeCollectorFailing', 'warning', {
  // Others fail where their hardware or kernel module is not there.
  expr: 'node_scrape_collector_success{collector=~"cpu|filesystem|loadavg|meminfo|systemd|textfile|timex"} == 0',
  for: minutes(15),
  summary: 'The node exporter of {{ $labels.host }} learns nothing of {{ $labels.collector }}',
  description: 'Alerts about this part cannot fire.',
  runbook: {
    meaning: 'The host is watched with one eye closed.',
    look: [on('$host', 'journalctl -u prometheus-node-exporter -n 50', 'shows why')],
    fix: [
      on('$host', 'sudo systemctl restart prometheus-node-exporter', 'restarts it; never reload it, it ends'),
    ],
    escalate: MORNING,
  },
  tests: [
    fires(
      'file systems',
      { [part('filesystem')]: steady(0) },
      { labels: { ...NODE, collector: 'filesystem' } },
    ),
    silent('they are known, and hardware that is not there is not', {
      [part('filesystem')]: steady(1),
      [part('infiniband')]: steady(0),
    }),
  ],
});

const grafanaDown = alert('GrafanaDown', 'warning', {
  expr: 'up{job="grafana"} == 0',
  for: minutes(5),
  summary: 'Grafana on {{ $labels.host }} does not answer',
  description: 'Dashboards cannot be seen. Alerts do not depend on it.',
  runbook: {
    meaning: 'People see no dashboards.',
    look: [
      on(
        'dev-ops',
        'curl -s http://localhost:3000/api/health; systemctl status grafana-server',
        'shows whether it runs, and whether its database works',
      ),
    ],
    fix: [on('dev-ops', 'sudo systemctl restart grafana-server', 'restarts it')],
    escalate: 'Wait for the morning. Prometheus itself shows everything at port 9090.',
  },
  tests: [
    fires('it does not', { [series('up', target('grafana'))]: steady(0) }, { labels: target('grafana') }),
    silent('it does, and another does not', {
      [series('up', target('grafana'))]: steady(1),
      [series('up', NODE)]: steady(0),
    }),
  ],
});

const PROBE = { ...target('probe'), service: 'grafana' };

const probeFailing = alert('ProbeFailing', 'warning', {
  // A model has alerts of its own, which know when it loads.
  expr: 'probe_success{model=""} == 0',
  for: minutes(3),
  summary: '{{ $labels.service }} does not answer at {{ $labels.instance }}',
  description: 'It was asked from the monitoring server as people would ask it, for three minutes.',
  runbook: {
    meaning: 'People cannot use it, or only the way to it is closed.',
    look: [
      on('dev-ops', 'curl -m 5 -i ADDRESS', 'asks the same'),
      on(
        'dev-ops',
        'curl -s "http://localhost:9115/probe?module=http_ok&debug=true&target=ADDRESS"',
        'shows every step of a probe',
      ),
    ],
    fix: [
      'If it answers on its own host and not from here, it is the firewall: `npx citadel-iac diff HOST` where you deploy from.',
      'Otherwise restart it.',
    ],
    escalate: MORNING,
  },
  tests: [
    fires('it does not', { [series('probe_success', PROBE)]: steady(0) }, { labels: PROBE }),
    silent('it does', { [series('probe_success', PROBE)]: steady(1) }),
    silent('a model does not', {
      [series('probe_success', { ...PROBE, model: 'm', service: 'm' })]: steady(0),
    }),
  ],
});
