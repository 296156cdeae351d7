import {
  above,
  aged,
  alert,
  below,
  fires,
  minutes,
  neat,
  NODE,
  on,
  series,
  silent,
  steady,
} from '../../../constructs/monitoring/alerts/spec.js';
import type { AlertSpec, GroupSpec } from '../../../constructs/monitoring/alerts/spec.js';

const HOST = { host: NODE.host };
const EXPECTED = series('node_textfile_mtime_seconds', {
  ...NODE,
  file: '/var/lib/prometheus/node-exporter/citadel-offsite-expected.prom',
});
/** Since when the host has been told to keep something elsewhere. */
const TOLD = 'max by (host) (node_textfile_mtime_seconds{file=~".*/citadel-offsite-expected.prom"})';
const AGE = series('citadel_offsite_max_age_seconds', NODE);

const LOOK = [
  on('$host', 'systemctl list-timers "citadel-offsite*"', 'shows when it ran, and when it runs next'),
  on('$host', 'journalctl -u "citadel-offsite*" --since -2d', 'shows what it said'),
];
const SNAPSHOTS = on(
  '$host',
  'sudo citadel-offsite restic snapshots',
  'shows what the store has of this host',
);
const AGAIN = on('$host', 'sudo systemctl start citadel-offsite.service', 'makes snapshots now');
const CHECK = on(
  '$host',
  'sudo systemctl start citadel-offsite-check.service',
  'checks the repository now, and reads a part of its data',
);
const MORNING =
  'Wait for the morning, unless the disk of this host has an alert as well: then wake the person responsible for the hardware.';

/** What hosts keep elsewhere: made, in time, whole, and of the right size. */
export function offsiteAlerts(): GroupSpec {
  return { name: 'offsite', alerts: [STALE, CHECK_STALE, FAILED, CHECK_FAILED, GROWTH] };
}

const STALE = late('OffsiteBackupStale', 'citadel_offsite', {
  summary: 'The newest off-site snapshot of {{ $labels.host }} is {{ $value | humanizeDuration }} old',
  description:
    'If the host is lost, what changed since is lost with it. Without any snapshot: since it was asked for.',
  runbook: {
    meaning: 'The store cannot be reached, or the run fails before it reaches it.',
    look: [...LOOK, SNAPSHOTS],
    fix: [AGAIN],
    escalate: MORNING,
  },
});

const CHECK_STALE = late('OffsiteCheckStale', 'citadel_offsite_check', {
  summary:
    'The off-site repository of {{ $labels.host }} was last found whole {{ $value | humanizeDuration }} ago',
  description: 'No one knows whether it could be restored from.',
  runbook: {
    meaning: 'A backup that was never read back is a hope.',
    look: LOOK,
    fix: [CHECK],
    escalate: 'Wait for the morning.',
  },
});

const FAILED = failed('OffsiteBackupFailed', 'citadel_offsite_last_run_success', {
  summary: 'The last off-site backup of {{ $labels.host }} failed',
  description:
    'No snapshot was made, or one that lacks what could not be read. The one before it is still there.',
  runbook: {
    meaning: 'The store refused, could not be reached, or is full; or a database could not be copied.',
    look: [...LOOK, SNAPSHOTS],
    fix: [AGAIN],
    escalate: MORNING,
  },
});

const CHECK_FAILED = failed('OffsiteCheckFailed', 'citadel_offsite_check_last_run_success', {
  summary: 'The off-site repository of {{ $labels.host }} is damaged, or could not be checked',
  description: 'A restore would lack what is damaged, and bring back the rest.',
  runbook: {
    meaning:
      'Bytes of the store changed or are missing, unless the journal says that it could not be reached.',
    look: LOOK,
    fix: [
      'The host still has what it keeps: begin the damaged part again as docs/offsite.md, “A damaged repository”, says.',
      CHECK,
    ],
    escalate: MORNING,
  },
});

const GROWTH = growth();

type Texts = Pick<AlertSpec, 'summary' | 'description' | 'runbook'>;

function late(name: string, metric: string, texts: Texts): AlertSpec {
  const success = series(`${metric}_last_success_timestamp_seconds`, NODE);
  const age = series(`${metric}_max_age_seconds`, NODE);
  return alert(name, 'warning', {
    expr:
      `time() - (max by (host) (${metric}_last_success_timestamp_seconds) or ${TOLD})\n` +
      `> max by (host) (${metric}_max_age_seconds)`,
    for: minutes(15),
    ...texts,
    tests: [
      fires(
        'a little too old',
        { [success]: aged(3600), [age]: steady(3600), [EXPECTED]: steady(600) },
        { labels: HOST, value: 3600 + 16 * 60 },
        minutes(11),
      ),
      fires(
        'never',
        { [age]: steady(3600), [EXPECTED]: aged(3600) },
        { labels: HOST, value: 3600 + 16 * 60 },
        minutes(11),
      ),
      silent('a little younger, though it was asked for long ago', {
        [success]: aged(3600, 60),
        [age]: steady(3600),
        [EXPECTED]: aged(86_400),
      }),
      silent('not asked for any more', { [success]: aged(86_400) }),
    ],
  });
}

function failed(name: string, metric: string, texts: Texts): AlertSpec {
  const success = series(metric, NODE);
  return alert(name, 'warning', {
    expr: `${metric} == 0 and on (host) citadel_offsite_max_age_seconds`,
    for: minutes(30),
    ...texts,
    tests: [
      fires('a failure', { [success]: steady(0), [AGE]: steady(3600) }, { labels: NODE }),
      silent('a success', { [success]: steady(1), [AGE]: steady(3600) }),
      silent('not asked for any more', { [success]: steady(0) }),
      silent(
        'one that worked within half an hour',
        { [success]: '1x15 0x14 1x60', [AGE]: steady(3600) },
        minutes(31),
      ),
    ],
  });
}

function growth(): AlertSpec {
  const size = series('citadel_offsite_size_bytes', NODE);
  const [share, GIB] = [1.5, 2 ** 30];
  // One value each five minutes; the change comes after a day and ten minutes.
  const test = (before: number, after: number) => ({ [size]: `${before}x289 ${neat(after)}x30` });
  const every = { interval: minutes(5) };
  return alert('OffsiteGrowth', 'warning', {
    expr:
      `citadel_offsite_size_bytes > ${share} * citadel_offsite_size_bytes offset 1d\n` +
      `and citadel_offsite_size_bytes - citadel_offsite_size_bytes offset 1d > ${GIB}`,
    for: minutes(30),
    summary:
      'The off-site repository of {{ $labels.host }} grew within a day to {{ $value | humanize1024 }}B',
    description:
      'It is half as large again as a day before: the store fills up, and something may be kept that is not meant to be.',
    runbook: {
      meaning: 'A new folder, a log that runs wild, or files that someone encrypted.',
      look: [
        SNAPSHOTS,
        on(
          '$host',
          'sudo citadel-offsite restic ls --long latest',
          'shows what the newest one has, and how large',
        ),
      ],
      fix: ['Leave it out: `offsite.exclude` in the inventory. Old snapshots drop out by themselves.'],
      escalate:
        'Wait for the morning, unless files were encrypted by someone: then wake the person responsible for security.',
    },
    tests: [
      {
        ...fires(
          'a little more than half as large again',
          test(10 * GIB, above(10 * GIB * share)),
          { labels: NODE, value: above(10 * GIB * share) },
          minutes(1450),
        ),
        ...every,
      },
      {
        ...fires(
          'twice as large, a little more than a GiB',
          test(GIB, GIB + above(GIB)),
          { labels: NODE, value: neat(GIB + above(GIB)) },
          minutes(1450),
        ),
        ...every,
      },
      { ...silent('a little less', test(10 * GIB, below(10 * GIB * share)), minutes(1500)), ...every },
      { ...silent('a small one that doubles', test(GIB, GIB + below(GIB)), minutes(1500)), ...every },
    ],
  });
}
