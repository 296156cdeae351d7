import { Construct } from 'constructs';
import {
  addRule,
  AptPackage,
  HostFile,
  IpProtocol,
  SystemdUnit,
  type OwnProblem,
} from '../../constructs/host/index.js';
import { keepalivedConfiguration, type KeepalivedConfiguration } from './keepalived.js';

export interface SharedAddressProps extends KeepalivedConfiguration {
  /** What another of these gateways is told otherwise. @default - they agree */
  readonly differs?: string;
  /** Name of a host that has the address as its own. @default - none */
  readonly taken?: string;
  readonly wave: number;
}

/** VRRP's number among the protocols of IP. */
const VRRP = 112;

/** Debian's keepalived: the address is on one of the gateways, and goes to another when that one fails. */
export class SharedAddress extends Construct {
  static readonly UNIT = 'keepalived.service';

  constructor(
    scope: Construct,
    id: string,
    private readonly props: SharedAddressProps,
  ) {
    super(scope, id);
    new AptPackage(this, 'package', { name: 'keepalived' });
    new AptPackage(this, 'curl', { name: 'curl' });
    const files = [
      new HostFile(this, 'configuration', {
        path: '/etc/keepalived/keepalived.conf',
        content: keepalivedConfiguration(props),
        validate: { command: ['/usr/sbin/keepalived', '--config-test', '--use-file=%s'] },
      }),
    ];
    const unit = SystemdUnit.fromPackage(this, 'unit', {
      name: SharedAddress.UNIT,
      reloadOn: files,
      wave: props.wave,
    });
    new IpProtocol(this, 'vrrp', { number: VRRP, listener: unit, from: props.others });
    addRule(this, () => this.problems());
  }

  private problems(): OwnProblem[] {
    const { address, own, others, differs, taken } = this.props;
    const family = (text: string) => (text.includes(':') ? 'IPv6' : 'IPv4');
    const problem = (code: string, property: string, got: string, fix: string): OwnProblem => ({
      code: `construct.gateway.shared.${code}`,
      property: `shared${property}`,
      got,
      fix,
    });
    return [
      ...(taken === undefined
        ? []
        : [
            problem(
              'taken',
              '.address',
              `${address} is the address of ${taken}`,
              'Give the gateways an address that no host has',
            ),
          ]),
      ...(others.length === 0
        ? [
            problem(
              'alone',
              '',
              `no other gateway shares ${address}`,
              'Give a second host the same, or take it away',
            ),
          ]
        : []),
      ...(others.some((other) => family(other) !== family(own)) || family(own) !== family(address)
        ? [
            problem(
              'family',
              '.address',
              `${[address, own, ...others].join(', ')} are of IPv4 and of IPv6`,
              'Use one of them for all',
            ),
          ]
        : []),
      ...(differs === undefined
        ? []
        : [
            problem(
              'differs',
              '',
              differs,
              'Give gateways that share an address the same settings: clients meet either',
            ),
          ]),
    ];
  }
}
