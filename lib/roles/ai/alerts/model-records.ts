import { growing, minutes, NODE, series, steady } from '../../../constructs/monitoring/alerts/spec.js';
import type { RecordingRuleProps } from '../../../constructs/monitoring/rules/index.js';
import { ENGINE } from './model-parts.js';
import type { WatchedModel } from './facts.js';

/** Tokens a second that a model reads and writes: an embedding model writes none, a long prompt is read before anything is written. */
export const TOKENS = 'model:tokens:rate3m';
/** One for each host on which a model loads: others wait for it, as those of one GPU start one after another. */
export const LOADING = 'host:models_loading:max';

/** What the alerts of models are made from. */
export function modelRecords(models: readonly WatchedModel[]): RecordingRuleProps[] {
  const names = [...new Set(models.map(({ name }) => name))];
  const [first = ''] = names;
  const unit = `citadel-${first}.service`;
  const state = (value: string, name = unit) =>
    series('node_systemd_unit_state', { ...NODE, name, state: value, type: 'exec' });
  const restarts = series('node_systemd_service_restart_total', { ...NODE, name: unit });
  const tokens = (kind: string) => series(`vllm:${kind}_tokens_total`, ENGINE);
  const rate = (kind: string) => `sum by (host, model) (rate(vllm:${kind}_tokens_total[3m]))`;
  const given = { interval: minutes(1), at: minutes(10) };
  const m = '{host="a",model="m"}';
  return [
    {
      record: TOKENS,
      expr: `${rate('generation')}\n+ ${rate('prompt')}`,
      tests: [
        {
          name: 'a chat model reads and writes',
          series: { [tokens('generation')]: growing(60), [tokens('prompt')]: growing(120) },
          ...given,
          gives: { [m]: 3 },
        },
        {
          name: 'an embedding model reads',
          series: { [tokens('generation')]: steady(0), [tokens('prompt')]: growing(120) },
          ...given,
          gives: { [m]: 2 },
        },
        {
          name: 'a model that does nothing',
          series: { [tokens('generation')]: steady(5), [tokens('prompt')]: steady(7) },
          ...given,
          gives: { [m]: 0 },
        },
      ],
    },
    {
      record: LOADING,
      // What systemd starts again and again is not loading, it fails.
      expr:
        'max by (host) (\n' +
        `  node_systemd_unit_state{state="activating", name=~"citadel-(${names.join('|')})[.]service"} == 1\n` +
        '  unless on (host, name) increase(node_systemd_service_restart_total[1h]) > 1.5\n' +
        ')',
      tests: [
        {
          name: 'one loads',
          series: { [state('activating')]: steady(1), [restarts]: steady(0) },
          ...given,
          gives: { '{host="a"}': 1 },
        },
        {
          name: 'it runs',
          series: { [state('activating')]: steady(0), [state('active')]: steady(1) },
          ...given,
          gives: {},
        },
        {
          name: 'something else is started',
          series: { [state('activating', 'citadel-drift.service')]: steady(1) },
          ...given,
          gives: {},
        },
        {
          name: 'it is started for the third time within the hour',
          series: { [state('activating')]: steady(1), [restarts]: '0x3 1x3 2x30' },
          ...given,
          gives: {},
        },
      ],
    },
  ];
}
