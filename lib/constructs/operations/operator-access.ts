import { Construct } from 'constructs';
import { loadTemplate, renderTemplate } from '../../render/index.js';
import { AptPackage, HostFile, ManagedBlock } from '../host/index.js';

export interface OperatorAccessProps {
  /** Account that people work with on the host. */
  readonly account: string;
  /** Debian packages of programs that people type. @default OperatorAccess.TOOLS */
  readonly tools?: readonly string[];
}

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

  constructor(scope: Construct, id: string, props: OperatorAccessProps) {
    super(scope, id);
    for (const name of new Set(['polkitd', ...(props.tools ?? OperatorAccess.TOOLS)])) {
      new AptPackage(this, `package-${name}`, { name });
    }
    // For sessions that read no profile, such as "ssh HOST COMMAND".
    new ManagedBlock(this, 'path', { path: '/etc/environment', name: 'path', lines: [`PATH="${PATH}"`] });
    const rule = 'etc/polkit-1/rules.d/50-citadel.rules';
    new HostFile(this, 'polkit', {
      path: `/${rule}`,
      content: renderTemplate(loadTemplate(`ai-node/${rule}.ejs`), { account: props.account }),
    });
  }
}
