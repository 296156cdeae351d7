import { Construct, type IConstruct } from 'constructs';
import { checkManifest, CitadelError, type HostManifest, type Problem } from '../../manifest/index.js';
import { invokeAspects } from './aspects.js';
import { collect } from './collect.js';
import { contributionsOf, isContributor } from './contribution.js';
import { refuseUnknown, type Names } from './known-props.js';
import { addRule, problemsOf } from './problems.js';
import { oncePerPass, validationPass } from './validation-pass.js';

/** The releases that documents are made for. */
export type HostOs = 'debian-12' | 'debian-13';

export interface HostProps {
  /** The host's name in the manifest, the inventory and messages: a-z, 0-9 and `-`. @default - the construct's id */
  readonly name?: string;
  /** IP addresses by which other hosts reach this one; a `Port` that another host may reach needs them. @default [] */
  readonly addresses?: readonly string[];
  /** Users that something else creates (an install script, a person), so that files may belong to them. @default [] */
  readonly assumedUsers?: readonly string[];
  /** Groups that something else creates. @default [] */
  readonly assumedGroups?: readonly string[];
  /** Its release: what older ones do not have is refused where it is declared, and a host that has another one is. @default - unknown */
  readonly os?: HostOs;
}

const NAMES: Names<HostProps> = {
  name: true,
  addresses: true,
  assumedUsers: true,
  assumedGroups: true,
  os: true,
};

interface Evaluation {
  readonly manifest?: HostManifest;
  readonly problems: readonly Problem[];
}

const HOST = Symbol.for('citadel-iac.Host');

/**
 * One host. Every construct below it that stands for something on a host (`HostFile`, `SystemdUnit`, `Mount`, …) finds
 * it by scope and contributes to its manifest.
 *
 *     const host = new Host(this, 'ai-node', { addresses: ['192.168.10.35'] });
 *     new Directory(host, 'models', { path: '/opt/citadel/models' });
 *     host.manifest();   // { version: 1, host: 'ai-node', directories: { … } }
 *
 * The manifest depends on what was declared, never on the order of the statements that declared it.
 */
export class Host extends Construct {
  /** The host that `construct` belongs to: itself or the nearest one above it. @throws CitadelError when there is none */
  static of(construct: IConstruct): Host {
    const host = construct.node.scopes.findLast(Host.isHost);
    if (host !== undefined) return host;
    throw new CitadelError({
      code: 'construct.host.missing',
      path: construct.node.path || '(root)',
      got: `${construct.constructor.name} is not inside a Host`,
      fix: 'Create it below a Host: new Host(scope, "ai-node")',
    });
  }

  static readonly isHost = (construct: unknown): construct is Host =>
    typeof construct === 'object' && construct !== null && HOST in construct;

  readonly hostName: string;
  /** Its release, where the stack says it. */
  readonly os: HostOs | undefined;
  private readonly assumedUsers = new Set<string>();
  private readonly assumedGroups = new Set<string>();
  private readonly ownAddresses: readonly string[];

  constructor(scope: Construct, id: string, props: HostProps = {}) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    Object.defineProperty(this, HOST, { value: true });
    this.hostName = props.name ?? id;
    this.os = props.os;
    this.ownAddresses = [...(props.addresses ?? [])];
    props.assumedUsers?.forEach((name) => this.assumedUsers.add(name));
    props.assumedGroups?.forEach((name) => this.assumedGroups.add(name));
    const outer = scope.node.scopes.findLast(Host.isHost);
    addRule(this, () =>
      outer === undefined
        ? oncePerPass(this, Host.evaluation).problems
        : [
            {
              code: 'construct.host.nested',
              got: `Host ${this.hostName} is inside Host ${outer.hostName} (${outer.node.path})`,
              fix: 'Give it a scope of its own',
            },
          ],
    );
  }

  /** IP addresses by which other hosts reach this one, as given. */
  get addresses(): string[] {
    return [...this.ownAddresses];
  }

  /** Lets files and directories belong to a user (and group) that a package's install script creates. */
  addAssumedUser(name: string): void {
    this.assumedUsers.add(name);
  }
  addAssumedGroup(name: string): void {
    this.assumedGroups.add(name);
  }

  /**
   * Everything declared below this host, with keys sorted and `origins` filled with construct paths.
   *
   * @throws CitadelError with every problem of this host's constructs and of the manifest they make
   */
  manifest(): HostManifest {
    invokeAspects(this);
    return validationPass(() => {
      const evaluation = oncePerPass(this, Host.evaluation);
      const problems = this.node.findAll().flatMap((each) => oncePerPass(each, problemsOf));
      if (evaluation.manifest !== undefined && problems.length === 0) return evaluation.manifest;
      throw new CitadelError(distinct([...problems, ...evaluation.problems]));
    });
  }

  private static readonly evaluation = (host: Host): Evaluation => host.evaluate();

  private evaluate(): Evaluation {
    invokeAspects(this);
    const items = this.node.findAll().filter(isContributor);
    const { draft, problems } = collect({
      host: this.hostName,
      hostPath: this.node.path,
      ...(this.os === undefined ? {} : { os: this.os }),
      assumedUsers: [...this.assumedUsers].sort(),
      assumedGroups: [...this.assumedGroups].sort(),
      items: items
        .filter((item) => item.node.scopes.findLast(Host.isHost) === this)
        .map((item) => ({
          path: item.node.path,
          contributions: contributionsOf(item),
          triggers: item.triggers(),
        })),
    });
    const checked = checkManifest(draft);
    // A problem of the document as a whole is this construct's.
    const ours = checked.problems.map((problem) =>
      problem.path === `manifest of ${this.hostName}` ? { ...problem, path: this.node.path } : problem,
    );
    const found = [...problems, ...ours];
    return checked.manifest === undefined || found.length > 0
      ? { problems: found }
      : { manifest: checked.manifest, problems: [] };
  }
}

/** A problem may be found twice (by its construct and by its host); people want to read it once. */
export function distinct(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}
