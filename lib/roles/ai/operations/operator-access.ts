import { Construct } from 'constructs';
import { loadTemplate, renderTemplate } from '../../../render/index.js';
import {
  AptPackage,
  Host,
  HostFile,
  ManagedBlock,
  PackageUnit,
  SystemdUnit,
} from '../../../constructs/host/index.js';

export interface OperatorAccessProps {
  /** Account that people work with on the host. */
  readonly account: string;
  /** Debian packages of programs that people type. @default OperatorAccess.TOOLS */
  readonly tools?: readonly string[];
  /** Units of packages that the account may start and stop as well, where the host has them. @default [] */
  readonly packageUnits?: readonly string[];
}

/** What our own units are called. */
const OURS = 'citadel-';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * What people need at a host: their tools, the directories of system programs on their PATH, and the right to start and
 * stop the units of Citadel without being root (by a rule for polkit, which `systemctl` asks).
 */
export class OperatorAccess extends Construct {
  static readonly TOOLS: readonly string[] = [
    'bash-completion',
    'curl',
    'htop',
    'iotop',
    'iproute2',
    'iputils-ping',
    'jq',
    'less',
    'lsof',
    'net-tools',
    'procps',
    'psmisc',
    'smartmontools',
    'zstd',
  ];

  constructor(
    scope: Construct,
    id: string,
    private readonly props: OperatorAccessProps,
  ) {
    super(scope, id);
    for (const name of new Set(['polkitd', ...(props.tools ?? OperatorAccess.TOOLS)])) {
      new AptPackage(this, `package-${name}`, { name });
    }
    // For sessions that read no profile, such as "ssh HOST COMMAND".
    new ManagedBlock(this, 'path', { path: '/etc/environment', name: 'path', lines: [`PATH="${PATH}"`] });
    const rule = 'etc/polkit-1/rules.d/50-citadel.rules';
    new HostFile(this, 'polkit', {
      path: `/${rule}`,
      // The units are known when the tree is complete.
      content: () =>
        renderTemplate(loadTemplate(`ai-node/${rule}.ejs`), { account: props.account, units: this.units() }),
    });
  }

  /**
   * Exactly the units that this host has: a rule that named another would let the account have it, under that name, as a unit
   * of its own that root runs.
   */
  private units(): string[] {
    const { packageUnits = [] } = this.props;
    const host = Host.of(this);
    const names = host.node.findAll().flatMap((each) => {
      const declared =
        (each instanceof SystemdUnit && each.unitName.startsWith(OURS)) ||
        (each instanceof PackageUnit && packageUnits.includes(each.unitName));
      // A template is no unit; systemd knows only its instances.
      return declared && Host.of(each) === host && !each.unitName.includes('@.') ? [each.unitName] : [];
    });
    return [...new Set(names)].sort();
  }
}
