import { describe, expect, it } from 'vitest';
import { firstStep } from '../../../lib/constructs/monitoring/rules/first-step.js';
import { on } from '../../../lib/constructs/monitoring/alerts/spec.js';
import type { RunbookCommand } from '../../../lib/constructs/monitoring/rules/index.js';

const stepOf = (look: readonly RunbookCommand[], summary = '{{ $labels.model }} on {{ $labels.host }}') =>
  firstStep({
    expr: 'up == 0',
    severity: 'critical',
    summary,
    description: 'It is down.',
    runbook: { meaning: 'x', look, fix: ['wait'], escalate: 'x' },
    tests: [],
  });

describe('what an alert says to do first', () => {
  it.each([
    [
      'the alert’s host and model',
      on('$host', 'citadel logs MODEL', 'why'),
      'On {{ $labels.host }}: citadel logs {{ $labels.model }} (why)',
    ],
    ['another place', on('a browser', 'http://example.org/', 'it'), 'In a browser: http://example.org/ (it)'],
    ['the monitoring server', on('dev-ops', 'df -h', 'it'), 'On the monitoring server: df -h (it)'],
  ])('names %s', (_name, command, text) => {
    expect(stepOf([command])).toBe(text);
  });

  it.each([
    ['a port that stands on the page', on('$host', 'curl localhost:PORT', 'it')],
    ['a label that an exporter writes', on('$host', 'smartctl -a DEVICE', 'it')],
    ['several lines', on('$host', 'a\nb', 'it')],
    ['a template', on('$host', "podman ps --format '{{.Names}}'", 'it')],
    ['an address that stands on the page', on('a browser', 'http://DEV-OPS:9090', 'it')],
  ])('leaves to the runbook a command with %s', (_name, command) => {
    expect(stepOf([command])).toBeUndefined();
    expect(stepOf([command, on('$host', 'uptime', 'load')])).toBe('On {{ $labels.host }}: uptime (load)');
  });

  it('names no label that the alert may not have', () => {
    expect(stepOf([on('$host', 'citadel logs MODEL', 'why'), on('$host', 'uptime', 'load')], 'Down')).toBe(
      'On the host of the alert: uptime (load)',
    );
  });
});
