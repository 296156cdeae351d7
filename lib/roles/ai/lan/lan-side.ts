import { Construct } from 'constructs';
import { exec, variable } from '../../../render/index.js';
import {
  AptPackage,
  Directory,
  Host,
  HostFile,
  Port,
  SystemdUnit,
  UserAccount,
  type PortReach,
} from '../../../constructs/host/index.js';
import type { SecretRef } from '../../../constructs/secret.js';
import { Duration, Size } from '../../../constructs/units.js';
import { byKey } from '../../../text/order.js';
import { PROXY_HARDENING } from '../hardening.js';
import { keyFile, LAN_CONNECTIONS, LAN_DIRECTORY, lanConfiguration } from './configuration.js';

/** What the inventory says of the LAN side; see docs/constructs/model-service.md. */
export interface LanSettings {
  /** Paths that are passed besides `/health`; one that ends in `/` means all below it. @default ['/v1/'] */
  readonly paths?: readonly string[];
  /** Keys that open every model, by the name that the access log shows. @default {} */
  readonly keys?: Readonly<Record<string, SecretRef>>;
  /** Certificate with its chain, and its private key, both PEM. @default - plain HTTP */
  readonly tls?: { readonly certificate: SecretRef; readonly key: SecretRef };
  /** @default 64 MiB */
  readonly maxBody?: Size;
  /** How long nothing may come of an answer, or of a place in the queue. @default 10 minutes */
  readonly idleTimeout?: Duration;
  /** Requests that each model is given at once. @default 512 */
  readonly maxRequests?: number;
  /** Requests that may wait for each model. @default 512 */
  readonly maxQueued?: number;
  /** Who may read the metrics: of the proxy, and of the models through it. @default 'loopback' */
  readonly scrapers?: PortReach;
}

export interface LanSideProps extends LanSettings {
  readonly models: Readonly<
    Record<
      string,
      {
        readonly address: string;
        readonly port: number;
        /** The key that the model itself asks for. @default - none */
        readonly apiKey?: SecretRef;
      }
    >
  >;
  /** Target that it is started and stopped with. @default 'multi-user.target' */
  readonly partOf?: string;
  /** @default 1 */
  readonly wave?: number;
}

const PROGRAM = '/usr/sbin/haproxy';
const ACCOUNT = 'citadel-lan';

/**
 * `citadel-lan.service`: one HAProxy between the network and all models of a host. It listens for itself, so a model that
 * restarts costs no listener; one that is down is answered for with 503. It passes the paths that are allowed and no others,
 * asks for keys, holds a queue, and writes who asked what of which model, and never what was said.
 *
 * Keys, paths and certificate are read again by a reload, which drops no connection.
 */
export class LanSide extends Construct {
  static readonly UNIT = 'citadel-lan.service';
  /** Of the proxy's own metrics, on the models' address. */
  static readonly METRICS_PORT = 8002;

  readonly unitName = LanSide.UNIT;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: LanSideProps,
  ) {
    super(scope, id);
    const { partOf, wave = 1 } = props;
    new AptPackage(this, 'package', { name: 'haproxy' });
    // What the package starts has nothing to do here.
    SystemdUnit.fromPackage(this, 'package-unit', {
      name: 'haproxy.service',
      enabled: false,
      state: 'stopped',
    });
    new UserAccount(this, 'account', { name: ACCOUNT, system: true });
    const files = this.addFiles();
    const unit = new SystemdUnit(this, 'unit', {
      name: this.unitName,
      unit: {
        Description: 'Proxy between the network and the models',
        After: 'network-online.target',
        Wants: 'network-online.target',
        ...(partOf === undefined ? {} : { PartOf: partOf }),
        // The address may come up after it; nothing else opens the ports.
        StartLimitIntervalSec: 0,
      },
      service: {
        ...PROXY_HARDENING,
        // Debian's HAProxy compiles its regular expressions to machine code, and does not start where it may not.
        MemoryDenyWriteExecute: false,
        Type: 'notify',
        User: ACCOUNT,
        ExecStart: exec([PROGRAM, '-Ws', '-f', `${LAN_DIRECTORY}/haproxy.cfg`]),
        ExecReload: [
          exec([PROGRAM, '-c', '-q', '-f', `${LAN_DIRECTORY}/haproxy.cfg`]),
          exec(['/bin/kill', '-USR2', variable('MAINPID')]),
        ],
        KillMode: 'mixed',
        SuccessExitStatus: 143,
        Restart: 'always',
        RestartSec: Duration.seconds(1),
        TimeoutStopSec: Duration.seconds(15),
        RuntimeDirectory: ACCOUNT,
        RuntimeDirectoryMode: '0700',
        LimitNOFILE: 2 * LAN_CONNECTIONS + 384,
      },
      install: { WantedBy: partOf ?? 'multi-user.target' },
      reloadOn: files,
      wave,
    });
    new Port(this, 'port-metrics', {
      number: LanSide.METRICS_PORT,
      listener: unit,
      reach: props.scrapers ?? 'loopback',
    });
  }

  private models(): [string, LanSideProps['models'][string]][] {
    return Object.entries(this.props.models).sort(byKey);
  }

  private addFiles(): HostFile[] {
    const { keys = {}, tls } = this.props;
    const own = { group: ACCOUNT, mode: '0640' };
    new Directory(this, 'directory', { path: LAN_DIRECTORY, group: ACCOUNT, mode: '0750' });
    const guarded = this.models().flatMap(([name, { apiKey }]) =>
      apiKey === undefined ? [] : [[name, apiKey] as const],
    );
    const secrets: [string, SecretRef][] = [
      ...Object.entries(keys).map(([name, key]): [string, SecretRef] => [keyFile(name), key]),
      ...guarded.map(([name, key]): [string, SecretRef] => [`${LAN_DIRECTORY}/models/${name}`, key]),
      ...(tls === undefined
        ? []
        : ([
            [`${LAN_DIRECTORY}/tls.pem`, tls.certificate],
            [`${LAN_DIRECTORY}/tls.pem.key`, tls.key],
          ] as [string, SecretRef][])),
    ];
    for (const folder of [
      ...(Object.keys(keys).length > 0 ? ['keys'] : []),
      ...(guarded.length > 0 ? ['models'] : []),
    ]) {
      new Directory(this, `directory-${folder}`, {
        path: `${LAN_DIRECTORY}/${folder}`,
        group: ACCOUNT,
        mode: '0750',
      });
    }
    return [
      new HostFile(this, 'configuration', {
        path: `${LAN_DIRECTORY}/haproxy.cfg`,
        ...own,
        content: () => this.text(),
        validate: { command: [PROGRAM, '-c', '-q', '-f', '%s'] },
      }),
      ...secrets.map(
        ([path, key]) =>
          new HostFile(this, `file-${path.slice(LAN_DIRECTORY.length + 1).replaceAll('/', '-')}`, {
            path,
            ...own,
            secret: key,
          }),
      ),
      ...(guarded.length === 0
        ? []
        : [
            // What is presented to each model that asks for a key.
            new HostFile(this, 'file-map', {
              path: `${LAN_DIRECTORY}/models.map`,
              ...own,
              lines: guarded.map(([name, key]) => `${name} ${key.toString()}`),
            }),
          ]),
    ];
  }

  private text(): string {
    const { paths = ['/v1/'], keys = {}, tls, maxBody, idleTimeout, maxRequests, maxQueued } = this.props;
    const models = this.models();
    const scrapers = Port.of(Host.of(this)).find(({ number }) => number === LanSide.METRICS_PORT)?.sources;
    return lanConfiguration({
      models: models.map(([name, { address, port, apiKey }]) => ({
        name,
        address,
        port,
        hasKey: apiKey !== undefined,
      })),
      paths,
      keys: Object.keys(keys).sort(),
      tls: tls !== undefined,
      maxBodyBytes: (maxBody ?? Size.mebibytes(64)).toBytes(),
      idleSec: (idleTimeout ?? Duration.minutes(10)).toSeconds(),
      maxRequests: maxRequests ?? 512,
      maxQueued: maxQueued ?? 512,
      scrapers: scrapers === undefined || scrapers === 'loopback' ? [] : scrapers,
      metrics: { address: models[0]?.[1].address ?? '127.0.0.1', port: LanSide.METRICS_PORT },
    });
  }
}
