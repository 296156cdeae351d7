import {
  levels,
  NONE_IS_WELL,
  query,
  stat,
  table,
  timeline,
  timeseries,
  UID,
  UP_OR_DOWN,
  WELL_OR_NOT,
  type DashboardFacts,
} from '../../../constructs/monitoring/dashboards/facts.js';
import type { DashboardSpec, RowSpec } from '../../../constructs/monitoring/dashboards/spec.js';

/** Is everything well; if not, what is wrong, and since when. */
export function overviewDashboard(facts: DashboardFacts): DashboardSpec {
  return {
    uid: UID.overview,
    title: 'Citadel overview',
    description: 'Is everything well; if not, what is wrong and since when. Start here.',
    rows: [verdict(facts), wrong(), services(facts), load(facts)],
  };
}

function verdict({ backups, aiHosts }: DashboardFacts): RowSpec {
  const cells = [
    stat('Critical alerts', 'count(ALERTS{alertstate="firing",severity="critical"}) or vector(0)', {
      description: 'Alerts that need someone now. Their names stand below.',
      width: 4,
      unit: 'none',
      steps: NONE_IS_WELL,
    }),
    stat('Warnings', 'count(ALERTS{alertstate="firing",severity="warning"}) or vector(0)', {
      description: 'Alerts that can wait for the morning.',
      width: 4,
      unit: 'none',
      steps: [{ from: 1, color: 'yellow' }],
    }),
    stat('Hosts down', 'count(up{job="node"} == 0) or vector(0)', {
      description: 'Hosts whose exporter does not answer.',
      width: 4,
      unit: 'none',
      steps: NONE_IS_WELL,
      opens: { uid: UID.hosts },
    }),
    ...(aiHosts.length === 0
      ? []
      : [
          stat('Models not serving', 'count(citadel_model_probe_success == 0) or vector(0)', {
            description: 'Models that did not give a token when they were last asked for one.',
            width: 4,
            unit: 'none',
            steps: NONE_IS_WELL,
            opens: { uid: UID.models },
          }),
        ]),
    ...(backups
      ? [
          stat(
            'Oldest backup',
            'max((time() - citadel_backup_last_success_timestamp_seconds) / on (host, backup) group_left () citadel_backup_max_age_seconds)',
            {
              description: 'Age of the backup that is latest for its plan, as a share of what it may be.',
              width: 4,
              unit: 'percentunit',
              decimals: 0,
              steps: levels(0.9, 1),
              noValue: 'never ran',
              opens: { uid: UID.storage },
            },
          ),
        ]
      : []),
    stat('Edited by hand', 'sum(citadel_config_drift_items) or vector(0)', {
      description: 'Managed items that differ from what was deployed.',
      width: 4,
      unit: 'none',
      steps: [{ from: 1, color: 'yellow' }],
    }),
  ];
  // The last one takes what is left of the line.
  const used = cells.slice(0, -1).reduce((sum, cell) => sum + cell.width, 0);
  return {
    title: 'Is everything well?',
    height: 4,
    panels: cells.map((cell, index) => (index === cells.length - 1 ? { ...cell, width: 24 - used } : cell)),
  };
}

function wrong(): RowSpec {
  return {
    title: 'What is wrong, and since when',
    panels: [
      table(
        'Alerts that fire',
        'ALERTS_FOR_STATE{alertname!="Watchdog"} * 1000 and ignoring (alertstate) ALERTS{alertstate="firing"}',
        {
          description: 'What fires now. The runbook says, alert by alert, what to type on which host.',
          width: 14,
          unit: 'dateTimeFromNow',
          noValue: 'Nothing fires',
          columns: { alertname: 'Alert', severity: 'Severity', host: 'Host', model: 'Model', Value: 'Since' },
        },
      ),
      timeseries(
        'Alerts over time',
        [query('sum by (severity) (ALERTS{alertstate="firing",alertname!="Watchdog"})', '{{severity}}')],
        { description: 'How many fired, by severity.', width: 10, unit: 'none', min: 0, stacked: true },
      ),
    ],
  };
}

function services({ aiHosts }: DashboardFacts): RowSpec {
  const targets = timeline('Targets', [query('min by (host, job) (up)', '{{host}} {{job}}')], {
    description: 'Whether Prometheus could read each of them.',
    width: aiHosts.length === 0 ? 24 : 12,
    unit: 'none',
    words: UP_OR_DOWN,
  });
  if (aiHosts.length === 0) return { title: 'Services', height: 9, panels: [targets] };
  return {
    title: 'Services',
    height: 9,
    panels: [
      targets,
      timeline('Models', [query('max by (model) (citadel_model_probe_success)', '{{model}}')], {
        description: 'Whether each gave a token when it was asked for one, twice a minute.',
        width: 12,
        unit: 'none',
        words: WELL_OR_NOT,
        opens: { uid: UID.model, query: '?var-model=${__series.name}' },
      }),
    ],
  };
}

function load({ aiHosts, thresholds }: DashboardFacts): RowSpec {
  const disks = timeseries(
    'Disks',
    [
      query(
        '1 - node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|overlay"} / node_filesystem_size_bytes',
        '{{host}} {{mountpoint}}',
      ),
    ],
    {
      description: 'Share of each file system in use.',
      width: aiHosts.length === 0 ? 24 : 8,
      unit: 'percentunit',
      min: 0,
      max: 1,
      steps: levels(thresholds.diskPercent.warning / 100, thresholds.diskPercent.critical / 100),
    },
  );
  if (aiHosts.length === 0) return { title: 'Load', panels: [disks] };
  return {
    title: 'Load',
    panels: [
      timeseries(
        'Requests',
        [query('sum by (model) (rate(vllm:request_success_total[$__rate_interval]))', '{{model}}')],
        {
          description: 'Requests that ended, by model.',
          width: 8,
          unit: 'reqps',
          min: 0,
          stacked: true,
        },
      ),
      timeseries('GPUs', [query('citadel_gpu_utilization_ratio', '{{host}} GPU {{gpu}}')], {
        description: 'Share of the time that each GPU was busy.',
        width: 8,
        unit: 'percentunit',
        min: 0,
        max: 1,
        opens: { uid: UID.gpus },
      }),
      disks,
    ],
  };
}
