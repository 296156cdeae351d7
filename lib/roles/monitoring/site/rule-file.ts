import { parse } from 'yaml';
import { z } from 'zod';
import type { OwnProblem } from '../../../constructs/host/index.js';
import { METRICS, RETIRED_VLLM } from '../../../constructs/monitoring/metrics/index.js';
import { checkQuery, selectorsIn } from '../../../constructs/monitoring/promql/index.js';
import { SEVERITIES } from '../../../constructs/monitoring/rules/index.js';
import { errorMessage } from '../../../text/error-message.js';

/** An alert of a site's own file, as routes see it. */
export interface SiteAlert {
  readonly alert: string;
  /** Its own labels, the severity among them. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface ReadRules {
  readonly alerts: readonly SiteAlert[];
  /** Names of groups. */
  readonly groups: readonly string[];
  readonly problems: readonly OwnProblem[];
}

const duration = z
  .string()
  .regex(
    /^(?=\d)(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$|^0$/,
    'is not a duration of Prometheus such as 10m or 1h30m',
  );
const labelName = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'is not the name of a label');
const labels = z.record(labelName, z.string());
const expr = z.union([z.string().min(1, 'is empty'), z.number()]).transform(String);

/** Keys that Prometheus 2.42 reads, the oldest that is deployed. */
const alertSchema = z.strictObject({
  alert: z.string().regex(/^[A-Z][A-Za-z0-9]*$/, 'is not a name in CamelCase such as ShopDown'),
  expr,
  for: duration.optional(),
  keep_firing_for: duration.optional(),
  labels: labels
    .refine(({ severity }) => (SEVERITIES as readonly (string | undefined)[]).includes(severity), {
      path: ['severity'],
      message: `is not one of ${SEVERITIES.join(', ')}, by which alerts are routed`,
    })
    .prefault({}),
  annotations: labels
    .refine(({ summary = '' }) => summary.trim() !== '', {
      path: ['summary'],
      message: 'is missing: it is what a person is told',
    })
    .prefault({}),
});
const recordSchema = z.strictObject({
  record: z.string().regex(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/, 'is not the name of a record'),
  expr,
  labels: labels.optional(),
});
const groupSchema = z.strictObject({
  name: z.string().min(1, 'is empty'),
  interval: duration.optional(),
  limit: z.int().min(0).optional(),
  rules: z.array(z.looseObject({})).min(1, 'has no rule'),
});
const fileSchema = z.strictObject({ groups: z.array(groupSchema).min(1, 'has no group') });

/**
 * Reads a file of rules in Prometheus's own form, as `promtool check rules` would, and asks of each alert what ours have: a severity, by which
 * it is routed, and a summary. Names of metrics are not looked up: no one here knows what a site's own exporters give. Those
 * that only this project makes, or that vLLM has given up, are.
 *
 * @param file as the inventory names it
 */
export function readRules(file: string, text: string): ReadRules {
  const problems: OwnProblem[] = [];
  const refuse = (at: string, got: string, fix = 'Correct the file'): void => {
    problems.push({ code: 'construct.site-rules', property: at === '' ? file : `${file}: ${at}`, got, fix });
  };
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    refuse('', `it is not YAML: ${errorMessage(error).split('\n')[0] ?? ''}`);
    return { alerts: [], groups: [], problems };
  }
  const read = fileSchema.safeParse(value);
  if (!read.success) {
    for (const { at, got } of issuesOf(read.error)) refuse(at, got);
    return { alerts: [], groups: [], problems };
  }
  const groups = read.data.groups.map(({ name }) => name);
  for (const name of new Set(groups.filter((name, index) => groups.indexOf(name) < index)))
    refuse(`group "${name}"`, 'it stands twice', 'Give each group of a file a name of its own');
  const alerts = read.data.groups.flatMap((group) =>
    group.rules.flatMap((rule, index): SiteAlert[] => {
      const at = `groups.${group.name}.rules[${index}]`;
      const parsed = ('record' in rule ? recordSchema : alertSchema).safeParse(rule);
      if (!parsed.success) {
        for (const issue of issuesOf(parsed.error)) refuse(`${at}${issue.at && `.${issue.at}`}`, issue.got);
        return [];
      }
      problems.push(...queryProblems(parsed.data.expr, `${file}: ${at}.expr`));
      if (!('alert' in parsed.data)) return [];
      return [{ alert: parsed.data.alert, labels: parsed.data.labels }];
    }),
  );
  return { alerts, groups, problems };
}

function issuesOf(error: z.ZodError): { readonly at: string; readonly got: string }[] {
  return error.issues.map(({ path, message }) => ({ at: path.map(String).join('.'), got: message }));
}

/** Of what no one here can know, nothing is said: names and labels of metrics from a site's own exporters. */
export function queryProblems(query: string, property: string): OwnProblem[] {
  const { expression, problems } = checkQuery(query, property);
  const known = problems.filter(
    ({ code }) => code === 'construct.promql.syntax' || code === 'construct.promql.type',
  );
  const names = expression === undefined ? [] : selectorsIn(expression).map(({ metric }) => metric ?? '');
  const ours = [...new Set(names)].filter(
    (name) =>
      METRICS.find(name) === undefined &&
      (name.startsWith('citadel_') || RETIRED_VLLM.has(name.replace(/_(bucket|sum|count)$/, ''))),
  );
  return [
    ...known,
    ...ours.map((name) => ({
      code: 'construct.promql.metric',
      property,
      got: `there is no metric "${name}"`,
      fix: METRICS.advice(name),
    })),
  ];
}
