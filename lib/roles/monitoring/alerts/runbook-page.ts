import type { AlertRule, RuleGroup, RunbookCommand } from '../../../constructs/monitoring/rules/index.js';
import { hostPort, urlHost } from '../../../text/address.js';

/** A model of the fleet, as the runbook shows it: each has a section of its own. */
export interface RunbookModel {
  readonly name: string;
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly unit: string;
  readonly directory: string;
  readonly gpus: readonly number[];
  readonly servedName: string;
}

export interface RunbookHost {
  readonly name: string;
  readonly address: string;
  readonly account: string;
  /** Whether it is the monitoring server: commands call it `dev-ops`, and its address `DEV-OPS`. @default false */
  readonly monitors?: boolean;
}

const TITLES: Readonly<Record<string, string>> = {
  hosts: 'Hosts',
  disks: 'Disks and mounts',
  smart: 'Disks about themselves',
  services: 'Services',
  gpus: 'GPUs',
  models: 'Models that do not answer',
  'model-load': 'Models under load',
  slo: 'What is promised of models',
  backups: 'Backups',
  drift: 'Changes by hand',
  certificates: 'Certificates',
  monitoring: 'Prometheus and Alertmanager',
  watch: 'Whether everything is watched',
};

/** The page that alerts point to: one section per alert, whose anchor is the alert's name in small letters. Markdown. */
export function runbookPage(
  groups: readonly RuleGroup[],
  fleet: { readonly hosts: readonly RunbookHost[]; readonly models: readonly RunbookModel[] },
): string {
  const used = groups.filter(({ alerts }) => alerts.length > 0);
  const monitor = fleet.hosts.find(({ monitors }) => monitors === true);
  const named = (text: string) => (monitor === undefined ? text : withMonitor(text, monitor));
  const sections = used.flatMap((group) => [
    `## ${TITLES[group.name] ?? group.name}`,
    ...alertNames(group).map(([name, rules]) => alertSection(name, rules, fleet.models.length > 0)),
  ]);
  return `${[
    '# Runbook',
    'Written by `npm run runbook` from the alerts themselves (`lib/roles/*/alerts`). Do not edit it.',
    named(FIRST),
    '## Contents',
    used.map((group) => contents(group)).join('\n'),
    '## Hosts of this fleet',
    fleet.hosts
      .map(({ name, address, account }) => `- **${name}**: \`ssh ${account}@${address}\``)
      .join('\n'),
    ...(fleet.models.length === 0
      ? []
      : [
          '## Models',
          'What `MODEL` and `PORT` stand for in the commands below.',
          ...fleet.models.map(modelSection),
        ]),
    ...sections.map(named),
  ].join('\n\n')}\n`;
}

/** Commands are written for a monitoring server that is called `dev-ops`. */
function withMonitor(text: string, { name, address }: RunbookHost): string {
  return text.replaceAll('DEV-OPS', urlHost(address)).replaceAll(/\bdev-ops\b/g, name);
}

const FIRST = `You were woken. Do this:

1. Find the alert's name in the message, and its section here: the link in the message leads to it.
2. Read *What it means*. If it can wait until morning, say so in the channel, silence it (<http://DEV-OPS:9093>), and sleep.
3. Log in to the host that stands before each command, as [below](#hosts-of-this-fleet), and type what stands in the box.
   *The host of the alert* is the one that the message calls \`host\`.
4. Words in capitals are labels of the message: \`HOST\`, \`MODEL\`, \`DEVICE\`, \`MOUNTPOINT\`, \`GPU\`. \`UNIT\` is its \`name\` or
   \`unit\`, \`ADDRESS\` its \`instance\`. \`NAME\` is a model or another word that \`citadel names\` prints; the \`PORT\` of a model
   stands with it below.

On an AI node, two commands help with nearly everything: \`citadel health\` says what is wrong, \`citadel logs NAME\` says why.
**critical** is worth waking for; **warning** can wait for the morning; **info** and **none** never wake anybody.`;

function contents(group: RuleGroup): string {
  const names = alertNames(group).map(([name]) => `[${name}](#${name.toLowerCase()})`);
  return `- ${TITLES[group.name] ?? group.name}: ${names.join(', ')}`;
}

function alertNames(group: RuleGroup): [string, AlertRule[]][] {
  const names = [...new Set(group.alerts.map(({ alert }) => alert))];
  return names.map((name) => [name, group.alerts.filter(({ alert }) => alert === name)]);
}

function modelSection(model: RunbookModel): string {
  return [
    `### ${model.name} on ${model.host}`,
    [
      `- asks: \`http://${hostPort(model.address, model.port)}\`, on the host itself \`http://localhost:${model.port}\`; name in requests \`${model.servedName}\``,
      `- service: \`${model.unit}\`; words: \`journalctl -u ${model.unit} -n 200\``,
      `- weights: \`${model.directory}\`; GPU ${model.gpus.join(', ')}`,
      `- restart: \`citadel restart ${model.name}\``,
    ].join('\n'),
  ].join('\n\n');
}

function alertSection(name: string, rules: readonly AlertRule[], models: boolean): string {
  const [first] = rules;
  if (first === undefined) return '';
  const { runbook } = first.props;
  return [
    `### ${name}`,
    severities(rules),
    `**What it means.** ${runbook.meaning}`,
    '**What to look at.**',
    ...steps(runbook.look),
    '**How to make it well.**',
    ...steps(runbook.fix),
    `**When to wake someone else.** ${runbook.escalate}`,
    `**The rule.**`,
    ...rules.slice(0, 1).map((rule) => box(rule.props.expr.trim(), 'promql')),
    ...(rules.length > 1 && models && first.labels['model'] !== undefined
      ? [`One such rule for each model and pair of windows: ${perModel(rules)}.`]
      : []),
  ].join('\n\n');
}

function perModel(rules: readonly AlertRule[]): string {
  return [...new Set(rules.map(({ labels }) => `${labels['model'] ?? ''} on ${labels['host'] ?? ''}`))]
    .sort()
    .join(', ');
}

/** `critical above …, after 10 minutes`: each severity with its own description. */
function severities(rules: readonly AlertRule[]): string {
  const lines = rules.map(({ labels, for: wait, props }) => {
    const after = wait.toSeconds() === 0 ? 'at once' : `after ${wait.toString()}`;
    return `- **${labels['severity'] ?? ''}**, ${after}: ${plain(props.description)}`;
  });
  return [...new Set(lines)].join('\n');
}

/** Templates of alerts, for people: `{{ $labels.host }}` becomes HOST. */
function plain(text: string): string {
  return text
    .replaceAll(/\{\{ *\$labels\.(\w+) *\}\}/g, (_whole, name: string) => `\`${name.toUpperCase()}\``)
    .replaceAll(/\{\{ *\$value[^}]*\}\}/g, '`VALUE`');
}

function steps(list: readonly (string | RunbookCommand)[]): string[] {
  return list.map((step) => (typeof step === 'string' ? step : command(step)));
}

function command({ on, type, why }: RunbookCommand): string {
  if (on === 'a browser') return `In a browser: <${type}> (${why}).`;
  const where = on === '$host' ? 'On the host of the alert' : place(on);
  return `${where} (${why}):\n\n${box(type, 'sh')}`;
}

const place = (on: string): string =>
  on.startsWith('where') ? `${on[0]?.toUpperCase() ?? ''}${on.slice(1)}` : `On ${on}`;

function box(text: string, language: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
