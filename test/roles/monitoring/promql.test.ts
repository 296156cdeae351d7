import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkQuery, parsePromql } from '../../../lib/constructs/monitoring/promql/index.js';
import { formatProblem } from '../../../lib/manifest/index.js';

const said = (text: string) =>
  checkQuery(text, 'expr').problems.map((problem) => formatProblem({ path: 'x', ...problem }));

describe('a query', () => {
  it.each([
    [
      'rate(up',
      '[x] expr: this is not PromQL (line 1, column 8):\n    rate(up\n           ^ the expression ends too early. Correct the expression.',
    ],
    [
      'sum(up)\n  / coutn(up)',
      '[x] expr: this is not PromQL (line 2, column 5):\n      / coutn(up)\n        ^ "coutn" is not a function. Did you mean "count"?',
    ],
    [
      'rate(up) > 1',
      '[x] expr: Prometheus would refuse this (line 1, column 6):\n    rate(up) > 1\n         ^ this is an instant vector, and a range vector, such as x[5m] is needed. Correct the expression.',
    ],
    [
      'node_lod15 > 1',
      '[x] expr: there is no such metric (line 1, column 1):\n    node_lod15 > 1\n    ^ nothing exposes or records "node_lod15". Did you mean "node_load15"?',
    ],
    [
      'vllm:gpu_cache_usage_perc > 0.9',
      '[x] expr: there is no such metric (line 1, column 1):\n    vllm:gpu_cache_usage_perc > 0.9\n    ^ nothing exposes or records "vllm:gpu_cache_usage_perc". vLLM renamed it: use "vllm:kv_cache_usage_perc".',
    ],
    [
      'sum by (hots) (up) > 1',
      '[x] expr: there is no such label (line 1, column 9):\n    sum by (hots) (up) > 1\n            ^ there is no label "hots" in what is aggregated here. It has: host, instance, job, model, service.',
    ],
    [
      'up > 5m',
      '[x] expr: this is not PromQL (line 1, column 6):\n    up > 5m\n         ^ a duration as a number ("5m") is newer than Prometheus 2.42. Write it in words that Debian 12 has.',
    ],
  ])('%s is refused', (text, message) => {
    expect(said(text)).toEqual([message]);
  });

  it('that is nothing is refused', () => {
    expect(said('')).toHaveLength(1);
  });

  it.each([
    'max(up{job="prometheus"}) == 1',
    'absent(up{job="x"})',
    'up unless on (host) node_boot_time_seconds',
  ])('%s is taken', (text) => {
    expect(said(text)).toEqual([]);
  });

  it('of any text is read, or has a fault inside it', () => {
    const words = fc.constantFrom(
      'up',
      'rate',
      '(',
      ')',
      '[5m]',
      '{',
      '}',
      'job="x"',
      ' by ',
      'sum',
      ' > ',
      '1',
      ',',
      'and',
      '"',
      '\n',
      '[',
      'offset 1h',
      '@',
      '#',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(words).map((list) => list.join('')),
        ),
        (text) => {
          const { expression, faults } = parsePromql(text);
          expect(expression === undefined).toBe(faults.length > 0);
          for (const { from } of faults) expect(from >= 0 && from <= text.length).toBe(true);
          checkQuery(text, 'expr');
        },
      ),
      { numRuns: 500 },
    );
  });
});
