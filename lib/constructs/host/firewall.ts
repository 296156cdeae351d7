import type { Construct } from 'constructs';
import { renderNftables } from '../../render/index.js';
import { attempt } from './attempt.js';
import type { Contribution } from './contribution.js';
import { IpProtocol } from './ip-protocol.js';
import { HostItem } from './item.js';
import { refuseUnknown, unknownProps, type Names } from './known-props.js';
import { Port, type PortReach } from './port.js';
import { addRule, type OwnProblem } from './problems.js';

export interface FirewallRulesProps {
  /** The operator's way in; it is always open for these sources, whatever else is declared. */
  readonly ssh: {
    /** @default 22 */
    readonly port?: number;
    readonly from: Exclude<PortReach, 'loopback'>;
  };
  /** Named groups of addresses and networks; a `Port` names one as `@name`. @default {} */
  readonly sets?: Readonly<Record<string, readonly string[]>>;
}

const NAMES: Names<FirewallRulesProps> = { ssh: true, sets: true };
const SSH: Names<FirewallRulesProps['ssh']> = { port: true, from: true };

/**
 * /etc/nftables.conf, from the ports and protocols declared on the host: everything else that comes in is dropped, except loopback,
 * answers and ICMP. Only our own table is replaced. SSH is a port like the others and clashes like them.
 */
export class FirewallRules extends HostItem {
  readonly path = '/etc/nftables.conf';
  private readonly sets: Readonly<Record<string, readonly string[]>>;
  private readonly sshSources: Exclude<PortReach, 'loopback'>;

  constructor(scope: Construct, id: string, props: FirewallRulesProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    addRule(this, () => unknownProps(props.ssh, SSH, 'ssh'));
    this.sets = { ...props.sets };
    this.sshSources = props.ssh.from;
    new Port(this, 'ssh', { number: props.ssh.port ?? 22, listener: 'ssh.service', reach: props.ssh.from });
  }

  override contributions(): Contribution[] {
    const root = { owner: 'root', group: 'root', mode: '0644' };
    const content = this.text().text;
    const unit = { enabled: true, state: 'running' as const, restartOn: [], reloadOn: [this.path], wave: 0 };
    return [
      { section: 'packages', key: 'nftables', value: {} },
      { section: 'files', key: this.path, value: { content, ...root, validate: 'nftables' } },
      { section: 'units', key: 'nftables.service', value: unit },
    ];
  }

  protected override problems(): OwnProblem[] {
    const problems = [...this.text().problems];
    if (typeof this.sshSources !== 'string' && this.sshSources.length === 0) {
      problems.push({
        code: 'construct.firewall.ssh',
        property: 'ssh.from',
        got: 'no one may reach SSH, so no one could correct that',
        fix: 'Name the addresses or networks of the operators',
      });
    }
    return problems;
  }

  private text() {
    const ports = Port.of(this.host);
    return attempt(() =>
      renderNftables({
        sets: this.sets,
        notes: ports
          .filter((port) => port.sources === 'loopback')
          .map((port) => `${port.shown}/${port.protocol} (${port.listener}): this host only`),
        rules: ports.flatMap(({ number, last, protocol, listener, sources, interfaces, forwarded }) =>
          sources === 'loopback'
            ? []
            : [{ port: number, to: last, protocol, sources, interfaces, forwarded, comment: listener }],
        ),
        protocols: IpProtocol.of(this.host).map(({ number, sources, listener }) => ({
          number,
          sources,
          comment: listener,
        })),
      }),
    );
  }
}
