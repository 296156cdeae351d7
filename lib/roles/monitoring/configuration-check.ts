import { Construct } from 'constructs';
import { loadTemplate } from '../../render/index.js';
import { AptPackage, HealthCheck, Host, HostFile } from '../../constructs/host/index.js';
import type { Duration } from '../../constructs/units.js';
import type { WebConfig } from './web-config.js';

const PROGRAM = '/usr/local/lib/citadel/configuration-taken';
const SHARED = 'configuration-taken';

export interface ConfigurationCheckProps {
  /** Name of the check. */
  readonly name: string;
  readonly web: WebConfig;
  /** Prefix of the daemon's own metrics: `prometheus`, `alertmanager`, `blackbox_exporter`. */
  readonly metrics: string;
  /** The files that it must have read. */
  readonly files: () => readonly string[];
  /** How long it may take to read them, next to what every check has. Asked when the tree is complete. @default - no longer */
  readonly reload?: () => Duration;
}

/**
 * A gate that asks the daemon itself whether it runs with the files that were written: its reload succeeds by exit status
 * also when it found a mistake and went on with the old ones.
 */
export class ConfigurationCheck extends Construct {
  constructor(scope: Construct, id: string, props: ConfigurationCheckProps) {
    super(scope, id);
    installProgram(Host.of(this));
    const { web, metrics } = props;
    new FilesCheck(this, 'taken', {
      name: props.name,
      command: () => [PROGRAM, ...web.checkOptions, web.localUrl, metrics, ...props.files()],
      reloadSec: () => props.reload?.().toSeconds() ?? 0,
    });
  }
}

/** A command whose arguments and time limit are known only when the tree is complete. */
class FilesCheck extends HealthCheck {
  constructor(
    scope: Construct,
    id: string,
    private readonly late: {
      readonly name: string;
      readonly command: () => readonly string[];
      readonly reloadSec: () => number;
    },
  ) {
    super(scope, id, { name: late.name, probe: { command: [] } });
  }

  override contributions() {
    return super.contributions().map((contribution) =>
      contribution.section === 'checks' && contribution.value.kind === 'command'
        ? {
            ...contribution,
            value: {
              ...contribution.value,
              command: [...this.late.command()],
              timeoutSec: contribution.value.timeoutSec + this.late.reloadSec(),
            },
          }
        : contribution,
    );
  }
}

/** One program for all daemons of a host. */
function installProgram(host: Host): void {
  if (host.node.tryFindChild(SHARED) !== undefined) return;
  const shared = new Construct(host, SHARED);
  new AptPackage(shared, 'curl');
  new HostFile(shared, 'program', {
    path: PROGRAM,
    content: loadTemplate(`dev-ops${PROGRAM}`).text,
    mode: '0755',
  });
}
