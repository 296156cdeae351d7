import { Construct, type IConstruct } from 'constructs';
import { addRule, Host, HostItem, LogrotateFile, oncePerPass, type OwnProblem } from '../host/index.js';
import { isFiring, RuleGroup } from './rules/index.js';
import { isScraper, type ScrapeTarget } from './scraper.js';

/** Where a service's words go, and who keeps them from filling the disk. */
export type ServiceLogs =
  /** systemd's journal, which has a size limit of its own. */
  | { readonly journal: true }
  /** Files that an `/etc/logrotate.d` file of the same host names. */
  | { readonly rotatedBy: string };

/** What a service keeps, and what of it is saved. */
export interface ServiceState {
  readonly paths: readonly string[];
  /** A file on the host that makes the backup (a program, a cron file), or why none is needed. */
  readonly backup: { readonly by: string } | { readonly none: string };
}

export interface MonitoredServiceProps {
  /** Name for people; also the label's value where a scrape target is told by one. */
  readonly service: string;
  /** What sort of thing it is, in one word for messages: `model`, `exporter`. */
  readonly kind: string;
  /** The target that Prometheus scrapes for it: a job, and labels that tell which of its targets. */
  readonly scrape: { readonly job: string; readonly labels?: Readonly<Record<string, string>> };
  /** Names of the alerts that watch it; each has to be in the tree, with a test that fires and one that is silent. */
  readonly alerts: readonly string[];
  /** Files on the host of Grafana with panels about it. Not asked for where there is no Grafana. */
  readonly dashboards: readonly string[];
  readonly logs: ServiceLogs;
  /** @default - it keeps nothing */
  readonly state?: ServiceState;
}

/**
 * The promise that goes with a service: whoever declares one is told at synthesis what of scrape target, alerts, dashboard,
 * log rotation and backup is missing. Nothing is checked in a tree without a Prometheus, which has no one to watch.
 */
export class MonitoredService extends Construct {
  /** The promises of a host, from whichever role: together under `coverage`. */
  static addAll(host: Host, services: readonly MonitoredServiceProps[]): void {
    const scope = host.node.tryFindChild('coverage') ?? new Construct(host, 'coverage');
    for (const service of services)
      new MonitoredService(scope, `${service.kind}-${service.service}`, service);
  }

  /** All promises of a tree, by path. */
  static in(root: IConstruct): MonitoredService[] {
    return root.node.findAll().filter((each) => each instanceof MonitoredService);
  }

  constructor(
    scope: Construct,
    id: string,
    readonly props: MonitoredServiceProps,
  ) {
    super(scope, id);
    addRule(this, () => this.missing());
  }

  private missing(): OwnProblem[] {
    const watching = oncePerPass(this.node.root, watchingIn);
    if (!watching.scraped) return [];
    return [
      ...this.scrapeProblems(watching),
      ...this.alertProblems(watching),
      ...this.dashboardProblems(watching),
      ...this.logProblems(),
      ...this.stateProblems(),
    ];
  }

  private scrapeProblems({ targets }: Watching): OwnProblem[] {
    const { job, labels = {} } = this.props.scrape;
    const wanted = Object.entries(labels);
    const found = (targets.get(job) ?? []).some((target) =>
      wanted.every(([name, value]) => target.labels[name] === value),
    );
    if (found) return [];
    const which = wanted.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ');
    return [
      this.problem(
        'scrape',
        `Prometheus has no target of job ${job}${which === '' ? '' : ` with ${which}`}`,
        'Add it to the targets',
      ),
    ];
  }

  private alertProblems({ testedAlerts }: Watching): OwnProblem[] {
    const lacking = this.props.alerts.filter((name) => !testedAlerts.has(name));
    if (this.props.alerts.length > 0 && lacking.length === 0) return [];
    const got =
      lacking.length === 0 ? 'no alert watches it' : `there is no tested alert ${lacking.join(', ')}`;
    return [this.problem('alerts', got, 'Add the alert with its tests, or correct the name')];
  }

  private dashboardProblems({ paths }: Watching): OwnProblem[] {
    // Grafana's own configuration says whether there is one.
    if (!paths.has('/etc/grafana/grafana.ini')) return [];
    const lacking = this.props.dashboards.filter((path) => !paths.has(path));
    if (this.props.dashboards.length > 0 && lacking.length === 0) return [];
    const got =
      lacking.length === 0 ? 'no dashboard shows it' : `there is no dashboard ${lacking.join(', ')}`;
    return [this.problem('dashboards', got, 'Add panels about it, or correct the path')];
  }

  private logProblems(): OwnProblem[] {
    const { logs } = this.props;
    if ('journal' in logs) return [];
    const files = Host.of(this)
      .node.findAll()
      .filter((each) => each instanceof LogrotateFile);
    if (files.some(({ path }) => path === logs.rotatedBy)) return [];
    return [
      this.problem('logs', `nothing rotates its logs: there is no ${logs.rotatedBy}`, 'Add a LogrotateFile'),
    ];
  }

  private stateProblems(): OwnProblem[] {
    const { state } = this.props;
    if (state === undefined) return [];
    if ('none' in state.backup) {
      if (state.backup.none.trim() !== '') return [];
      return [this.problem('state', `nothing says why ${state.paths.join(', ')} needs no backup`, 'Say it')];
    }
    if (oncePerPass(Host.of(this), filesOf).has(state.backup.by)) return [];
    return [
      this.problem(
        'state',
        `nothing saves ${state.paths.join(', ')}: there is no ${state.backup.by}`,
        'Add the backup',
      ),
    ];
  }

  private problem(property: keyof MonitoredServiceProps, got: string, fix: string): OwnProblem {
    const { service, kind } = this.props;
    return { code: `construct.coverage.${property}`, property, got: `${kind} ${service}: ${got}`, fix };
  }
}

/** What a tree has to watch its services with. */
interface Watching {
  /** Whether anything scrapes. */
  readonly scraped: boolean;
  readonly targets: ReadonlyMap<string, readonly ScrapeTarget[]>;
  /** Alerts with a test that fires and one that is silent. */
  readonly testedAlerts: ReadonlySet<string>;
  /** Paths on any host. */
  readonly paths: ReadonlySet<string>;
}

function watchingIn(root: IConstruct): Watching {
  const all = root.node.findAll();
  const scrapers = all.filter(isScraper);
  const targets = new Map<string, ScrapeTarget[]>();
  for (const target of scrapers.flatMap(({ scrapeTargets }) => scrapeTargets)) {
    const ofJob = targets.get(target.job) ?? [];
    ofJob.push(target);
    targets.set(target.job, ofJob);
  }
  const alerts = all.filter(RuleGroup.isRuleGroup).flatMap((group) => group.alerts);
  const withTest = (fires: boolean): Set<string> =>
    new Set(
      alerts
        .filter(({ props }) => props.tests.some((test) => isFiring(test) === fires))
        .map(({ alert }) => alert),
    );
  const silent = withTest(false);
  return {
    scraped: scrapers.length > 0,
    targets,
    testedAlerts: new Set([...withTest(true)].filter((alert) => silent.has(alert))),
    paths: new Set(all.filter(Host.isHost).flatMap((host) => [...filesOf(host)])),
  };
}

/** Paths that a host's constructs stand for. They are asked for their path only: rendering every file again is slow. */
function filesOf(host: Host): ReadonlySet<string> {
  const items: readonly object[] = host.node.findAll().filter((each) => each instanceof HostItem);
  return new Set(
    items.flatMap((item) => ('path' in item && typeof item.path === 'string' ? [item.path] : [])),
  );
}
