import { describe, expect, it } from 'vitest';
import { Duration } from '../../../lib/constructs/index.js';
import {
  AlertRule,
  RecordingRule,
  RuleGroup,
  fillAnnotation,
  type AlertRuleProps,
} from '../../../lib/constructs/monitoring/rules/index.js';
import { hostWith, problemTexts } from '../../constructs/host/support.js';

const GOOD: AlertRuleProps = {
  expr: 'up{job="node"} == 0',
  severity: 'warning',
  summary: '{{ $labels.host }} is down',
  description: 'It does not answer.',
  runbook: { meaning: 'm', look: [{ on: '$host', type: 'x', why: 'y' }], fix: ['z'], escalate: 'e' },
  tests: [
    {
      name: 'down',
      series: { 'up{job="node",host="a"}': '0x9' },
      fires: [{ labels: { job: 'node', host: 'a' } }],
    },
    { name: 'up', series: { 'up{job="node",host="a"}': '1x9' }, silent: true },
  ],
};

function said(change: Partial<AlertRuleProps>, more?: (group: RuleGroup) => void): string[] {
  const host = hostWith((root) => {
    const group = new RuleGroup(root, 'demo');
    new AlertRule(group, 'HostGone', { ...GOOD, ...change });
    more?.(group);
  });
  return problemTexts(() => host.manifest()).filter((text) => text.includes('/demo'));
}

const AT = '[ai-node/host/demo/HostGone]';

describe('an alert', () => {
  it('that has everything has no problem', () => {
    expect(said({}).filter((text) => !text.includes('prometheus.service'))).toEqual([]);
  });

  it.each<[string, Partial<AlertRuleProps>, string]>([
    [
      'without a test',
      { tests: [] },
      `${AT} tests: no test shows where HostGone fires, and none where it stays silent. Write it next to the rule: an alert that no one has seen fire does not count.`,
    ],
    [
      'that goes on for a while, without a test of its end',
      { keepFiringFor: Duration.minutes(5) },
      `${AT} tests: no test shows where HostGone ends (until). Write it next to the rule: an alert that no one has seen fire does not count.`,
    ],
    [
      'that goes on for half a step of its tests',
      { keepFiringFor: Duration.seconds(30) },
      `${AT} keepFiringFor: 30s is not a whole number of minutes, which is the step of its tests. Give whole minutes.`,
    ],
    [
      'without a summary',
      { summary: ' ' },
      `${AT} summary: is missing. Say what is wrong, for the person who is woken.`,
    ],
    [
      'with an open template',
      { description: 'x {{ $labels.host' },
      `${AT} description: "{{ $labels.host" has no "}}". Close it.`,
    ],
    [
      'with a label that is not there',
      { summary: '{{ $labels.gpu }}' },
      `${AT} summary: it shows $labels.gpu, and the expression gives no label "gpu". Use one of: host, instance, job, model, service.`,
    ],
    [
      'on a number',
      { expr: 'time()' },
      `${AT} expr: it gives a scalar, and a rule needs series. Use vector(…) around a number, or a function around a range.`,
    ],
  ])('%s is refused', (_what, change, message) => {
    expect(said(change)).toContain(message);
  });

  it('that stands twice is refused', () => {
    expect(said({}, (group) => new AlertRule(group, 'again', { ...GOOD, alert: 'HostGone' }))).toContain(
      `${AT} alert: HostGone with the same labels is declared by ai-node/host/demo/again as well. Give one of them another name, or a label that tells them apart.`,
    );
  });

  it('knows what is recorded next to it', () => {
    const record = (group: RuleGroup) =>
      new RecordingRule(group, 'r', {
        record: 'host:up:sum',
        expr: 'sum by (host) (up)',
        tests: [
          {
            name: 'one',
            series: { 'up{host="a"}': '1x3' },
            at: Duration.minutes(1),
            gives: { '{host="a"}': 1 },
          },
        ],
      });
    const expr = 'host:up:sum{job="x"} == 0';
    expect(said({ expr }).join()).toContain('nothing exposes or records "host:up:sum"');
    expect(said({ expr }, record).join()).toContain('there is no label "job" in host:up:sum');
  });
});

it.each([
  ['{{ $value | humanizeDuration }}', 93_784, '1d 2h 3m 4s'],
  ['{{ $value | humanizePercentage }}', 0.12345, '12.35%'],
  ['{{ $value | humanize1024 }}B', 1536, '1.5kiB'],
  ['{{ $value | printf "%.0f" }}', 80.8, '81'],
])('%s of %d is %s', (text, value, shown) => {
  expect(fillAnnotation(text, {}, value)).toBe(shown);
});
