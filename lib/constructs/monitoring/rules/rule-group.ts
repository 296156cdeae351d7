import type { Construct } from 'constructs';
import type { Problem } from '../../../manifest/index.js';
import { renderYaml } from '../../../render/index.js';
import {
  HostItem,
  oncePerPass,
  type Contribution,
  type Host,
  type OwnProblem,
  type Trigger,
} from '../../host/index.js';
import type { Duration } from '../../units.js';
import type { MetricCatalogue } from '../metrics/index.js';
import type { QueryContext, RecordedNames } from '../promql/index.js';
import { order } from '../../../text/order.js';
import { AlertRule } from './alert-rule.js';
import { GROUP, isGroup } from './group-mark.js';
import { RecordingRule } from './recording-rule.js';
import { isRunbookBase } from './runbook.js';

export interface RuleGroupProps {
  /** Name of the group and of its file. @default - the construct's id */
  readonly name?: string;
  /** How often it is evaluated. @default - Prometheus' evaluation_interval */
  readonly interval?: Duration;
  /** Page of the runbook: an http(s) URL, or a path relative to the project. @default 'docs/runbook.md' */
  readonly runbook?: string;
  /** What targets give, for the names in its rules. @default METRICS */
  readonly catalogue?: MetricCatalogue;
}

/**
 * A file of rules, `/etc/prometheus/rules/<name>.yml`; `AlertRule`s and `RecordingRule`s stand below it. promtool reads it on
 * the host before anything is replaced, and its change reloads Prometheus.
 */
export class RuleGroup extends HostItem {
  static readonly DIRECTORY = '/etc/prometheus/rules';

  static readonly isRuleGroup = (construct: unknown): construct is RuleGroup => isGroup(construct);

  /** The groups of a host, by name. */
  static of(host: Host): RuleGroup[] {
    return host.node
      .findAll()
      .filter(RuleGroup.isRuleGroup)
      .sort((a, b) => order(a.name, b.name) || order(a.node.path, b.node.path));
  }

  /** What the rules of a host record, with the labels of each. */
  static readonly recorded = (host: Host): RecordedNames => {
    const rules = RuleGroup.of(host).flatMap((group) => group.records);
    let known: RecordedNames = new Map(rules.map(({ props }) => [props.record, undefined]));
    // Twice: a record may be made of records.
    for (let round = 0; round < 2; round++) known = labelsOf(rules, known);
    return known;
  };

  readonly name: string;
  readonly path: string;
  readonly runbook: string;
  private readonly interval: Duration | undefined;

  private readonly context: QueryContext;

  constructor(scope: Construct, id: string, props: RuleGroupProps = {}) {
    super(scope, id);
    Object.defineProperty(this, GROUP, { value: true });
    this.name = props.name ?? id;
    this.path = `${RuleGroup.DIRECTORY}/${this.name}.yml`;
    this.runbook = props.runbook ?? 'docs/runbook.md';
    this.interval = props.interval;
    this.context = props.catalogue === undefined ? {} : { catalogue: props.catalogue };
  }

  /** By name, then by labels. */
  get alerts(): AlertRule[] {
    return this.node.children
      .filter((child) => child instanceof AlertRule)
      .sort((a, b) => order(a.alert, b.alert) || order(a.identity, b.identity));
  }

  get records(): RecordingRule[] {
    return this.node.children
      .filter((child) => child instanceof RecordingRule)
      .sort((a, b) => order(a.props.record, b.props.record) || order(a.identity, b.identity));
  }

  /** The rule file. */
  get text(): string {
    return renderYaml({
      groups: [
        {
          name: this.name,
          ...(this.interval === undefined ? {} : { interval: this.interval.toString() }),
          rules: [
            ...this.records.map((rule) => rule.toData()),
            ...this.alerts.map((rule) => rule.toData(this.runbook)),
          ],
        },
      ],
    });
  }

  override contributions(): Contribution[] {
    const value = {
      content: this.text,
      owner: 'root',
      group: 'root',
      mode: '0644',
      validate: 'prometheus-rules' as const,
    };
    return [{ section: 'files', key: this.path, value }];
  }

  override triggers(): Trigger[] {
    return [{ unit: 'prometheus.service', path: this.path, effect: 'reload' }];
  }

  protected override problems(): (OwnProblem | Problem)[] {
    const recorded = oncePerPass(this.host, RuleGroup.recorded);
    const known = oncePerPass(this.host, twinsOf);
    const rules = [...this.records, ...this.alerts];
    return [
      ...this.ownProblems(rules.length),
      ...rules.flatMap((rule) =>
        [...rule.problemsIn({ ...this.context, recorded }), ...duplicates(rule, known)].map((problem) => ({
          ...problem,
          path: rule.node.path,
        })),
      ),
    ];
  }

  private ownProblems(rules: number): OwnProblem[] {
    const problems: OwnProblem[] = [];
    if (!/^[a-z][a-z0-9-]*$/.test(this.name)) {
      problems.push({
        code: 'construct.rules.name',
        property: 'name',
        got: `${JSON.stringify(this.name)} cannot name a rule file`,
        fix: 'Use a-z, 0-9 and "-", starting with a letter',
      });
    }
    if (rules === 0) {
      problems.push({
        code: 'construct.rules.empty',
        got: 'the group has no rule',
        fix: 'Add one, or leave it out',
      });
    }
    if (!isRunbookBase(this.runbook)) {
      problems.push({
        code: 'construct.rules.runbook',
        property: 'runbook',
        got: `${JSON.stringify(this.runbook)} is not the address of a page`,
        fix: 'Give an http(s) URL without "#", or a path such as docs/runbook.md',
      });
    }
    return problems;
  }
}

type Rule = AlertRule | RecordingRule;

interface Twins {
  /** The first two of each identity: enough to name another one. */
  readonly byIdentity: ReadonlyMap<string, readonly Rule[]>;
  /** The first alert with each runbook, by the alert's name. */
  readonly byRunbook: ReadonlyMap<string, ReadonlyMap<string, AlertRule>>;
}

/** A host's rules by what must tell them apart: a fleet has thousands, which cannot be compared each with each. */
function twinsOf(host: Host): Twins {
  const all = RuleGroup.of(host).flatMap((group) => [...group.records, ...group.alerts]);
  const byIdentity = new Map<string, Rule[]>();
  const byRunbook = new Map<string, Map<string, AlertRule>>();
  for (const rule of all) {
    const same = byIdentity.get(rule.identity) ?? [];
    if (same.length < 2) same.push(rule);
    byIdentity.set(rule.identity, same);
    if (!(rule instanceof AlertRule)) continue;
    const runbooks = byRunbook.get(rule.alert) ?? new Map<string, AlertRule>();
    const runbook = JSON.stringify(rule.props.runbook);
    if (!runbooks.has(runbook)) runbooks.set(runbook, rule);
    byRunbook.set(rule.alert, runbooks);
  }
  return { byIdentity, byRunbook };
}

/** Rules of this host that Prometheus could not tell from `rule`, and alerts of one name with two runbooks. */
function duplicates(rule: Rule, { byIdentity, byRunbook }: Twins): OwnProblem[] {
  const kind = rule instanceof AlertRule ? 'alert' : 'record';
  const name = rule instanceof AlertRule ? rule.alert : rule.props.record;
  const twin = byIdentity.get(rule.identity)?.find((other) => other !== rule);
  if (twin !== undefined) {
    return [
      {
        code: `construct.${kind}.duplicate`,
        property: kind,
        got: `${name} with the same labels is declared by ${twin.node.path} as well`,
        fix: 'Give one of them another name, or a label that tells them apart',
      },
    ];
  }
  if (!(rule instanceof AlertRule)) return [];
  const own = JSON.stringify(rule.props.runbook);
  const other = [...(byRunbook.get(rule.alert) ?? [])].find(([runbook]) => runbook !== own)?.[1];
  if (other === undefined) return [];
  return [
    {
      code: 'construct.alert.two-runbooks',
      property: 'runbook',
      got: `${name} has another one in ${other.node.path}, and the page has one section for both`,
      fix: 'Give both the same',
    },
  ];
}

function labelsOf(rules: readonly RecordingRule[], recorded: RecordedNames): RecordedNames {
  const known = new Map<string, ReadonlySet<string> | undefined>();
  for (const rule of rules) {
    const { labels } = rule.query({ recorded });
    const before = known.get(rule.props.record);
    const both =
      labels === undefined || (known.has(rule.props.record) && before === undefined)
        ? undefined
        : new Set([...labels, ...Object.keys(rule.labels), ...(before ?? [])]);
    known.set(rule.props.record, both);
  }
  return known;
}
