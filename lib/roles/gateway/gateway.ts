import { Construct } from 'constructs';
import {
  addRule,
  HealthCheck,
  Host,
  Port,
  type OwnProblem,
  type PortReach,
} from '../../constructs/host/index.js';
import { addProxyService } from '../../constructs/proxy/index.js';
import type { SecretRef } from '../../constructs/secret.js';
import { Duration, Size } from '../../constructs/units.js';
import { hostPort } from '../../text/address.js';
import { byKey } from '../../text/order.js';
import { suggest } from '../../text/suggest.js';
import { GATEWAY_DIRECTORY, gatewayConfiguration, READY, type GatewayServer } from './configuration.js';
import { SharedAddress, type SharedAddressProps } from './shared-address.js';

export interface ModelServer extends GatewayServer {
  /** Whether every request needs a key there. */
  readonly asksForKey: boolean;
}

export interface GatewayProps {
  /** IP address to listen on. */
  readonly address: string;
  /** An address that it shares with other gateways. @default - none */
  readonly shared?: Omit<SharedAddressProps, 'own' | 'ready' | 'wave'>;
  /** Models by name, and their ports here where the nodes' own are not meant. @default - all that a node serves */
  readonly models?: Readonly<Record<string, { readonly port?: number | undefined }>>;
  /** Nodes by the model that they serve. */
  readonly servers: Readonly<Record<string, readonly ModelServer[]>>;
  /** Who may use it. */
  readonly reach: PortReach;
  /** Who may read its metrics. */
  readonly monitors: PortReach;
  /** Keys by the name that the access log shows. @default {} */
  readonly keys?: Readonly<
    Record<
      string,
      {
        readonly secret: SecretRef;
        readonly requestsPerMinute?: number | undefined;
        readonly concurrent?: number | undefined;
      }
    >
  >;
  /** What nodes are asked with. @default - no key */
  readonly upstreamKey?: SecretRef;
  /** Authority of the nodes' certificates, PEM. @default - none */
  readonly upstreamCa?: SecretRef;
  /** Certificate with its chain, and its private key, both PEM. @default - plain HTTP */
  readonly tls?: { readonly certificate: SecretRef; readonly key: SecretRef };
  /** @default ['/v1/'] */
  readonly paths?: readonly string[];
  /** @default 64 MiB */
  readonly maxBody?: Size;
  /** @default 10 minutes */
  readonly idleTimeout?: Duration;
  /** Requests of each model that a node is given at once. @default 512 */
  readonly maxRequests?: number;
  /** @default 512 */
  readonly maxQueued?: number;
  /** @default 1 */
  readonly wave?: number;
}

const NAME = 'citadel-gateway';

/**
 * `citadel-gateway.service`: one HAProxy before the LAN sides of AI nodes. Each model has one port here, whichever nodes serve
 * it; requests go to the ready node that has the fewest under way. One that fails before the first byte of its answer is sent to
 * another node.
 */
export class Gateway extends Construct {
  static readonly UNIT = `${NAME}.service`;
  static readonly METRICS_PORT = 8003;

  /** Names of the models that it serves, sorted. */
  readonly models: readonly string[];

  constructor(
    scope: Construct,
    id: string,
    private readonly props: GatewayProps,
  ) {
    super(scope, id);
    const { address, keys = {}, tls, upstreamKey, upstreamCa, shared, wave = 1 } = props;
    this.models = Object.keys(props.models ?? props.servers).sort();
    const unit = addProxyService(this, {
      name: NAME,
      description: 'Gateway to models on many nodes',
      directory: GATEWAY_DIRECTORY,
      configuration: () => this.text(),
      secrets: {
        ...Object.fromEntries(Object.entries(keys).map(([name, { secret }]) => [`keys/${name}`, secret])),
        ...(tls === undefined ? {} : { 'tls.pem': tls.certificate, 'tls.pem.key': tls.key }),
        ...(upstreamCa === undefined ? {} : { 'nodes-ca.pem': upstreamCa }),
      },
      ...(upstreamKey === undefined
        ? {}
        : { maps: { 'upstream.map': { id: 'file-map', lines: [`nodes ${upstreamKey.toString()}`] } } }),
      metrics: { port: Gateway.METRICS_PORT, reach: this.watchers() },
      wave,
    });
    if (shared !== undefined) {
      const ready = `http://${hostPort(address, Gateway.METRICS_PORT)}${READY}`;
      new SharedAddress(this, 'shared', { ...shared, own: address, ready, wave });
    }
    for (const model of this.models) {
      const number = this.portOf(model);
      if (number !== undefined)
        new Port(this, `port-${model}`, { number, listener: unit, reach: props.reach });
    }
    new HealthCheck(this, 'answers', {
      name: NAME,
      probe: { http: `http://${hostPort(address, Gateway.METRICS_PORT)}/metrics` },
      wave,
    });
    addRule(this, () => this.problems());
  }

  /** Gateways that share an address ask it who has it. */
  private watchers(): PortReach {
    const { monitors, shared } = this.props;
    if (shared === undefined || monitors === 'any') return monitors;
    return [...(monitors === 'loopback' ? [] : monitors), ...shared.others];
  }

  private serversOf(model: string): readonly ModelServer[] {
    return Object.hasOwn(this.props.servers, model) ? (this.props.servers[model] ?? []) : [];
  }

  /** `undefined` where no node serves it. */
  private portOf(model: string): number | undefined {
    return this.props.models?.[model]?.port ?? this.serversOf(model)[0]?.port;
  }

  private text(): string {
    const { props } = this;
    return gatewayConfiguration({
      host: Host.of(this).hostName,
      address: props.address,
      shared: props.shared?.address,
      models: this.models.flatMap((name) => {
        const port = this.portOf(name);
        return port === undefined ? [] : [{ name, port, servers: this.serversOf(name) }];
      }),
      paths: props.paths ?? ['/v1/'],
      keys: Object.entries(props.keys ?? {})
        .sort(byKey)
        .map(([name, { requestsPerMinute, concurrent }]) => ({ name, requestsPerMinute, concurrent })),
      upstreamKey: props.upstreamKey !== undefined,
      tls: props.tls !== undefined,
      maxBodyBytes: (props.maxBody ?? Size.mebibytes(64)).toBytes(),
      idleSec: (props.idleTimeout ?? Duration.minutes(10)).toSeconds(),
      maxRequests: props.maxRequests ?? 512,
      maxQueued: props.maxQueued ?? 512,
      metricsPort: Gateway.METRICS_PORT,
    });
  }

  private problems(): OwnProblem[] {
    const { servers, upstreamKey, upstreamCa } = this.props;
    const used = this.models.flatMap((model) =>
      this.serversOf(model).map((server) => ({ model, ...server })),
    );
    if (Object.keys(servers).length === 0) {
      return [
        {
          code: 'construct.gateway.no-models',
          property: 'models',
          got: 'no AI node of this inventory starts a model at boot',
          fix: 'Add one, or take "gateway" from this host',
        },
      ];
    }
    const own = Host.of(this).hostName;
    const keyed = used.find(({ asksForKey }) => asksForKey);
    const encrypted = used.find(({ tls }) => tls);
    return [
      ...this.models.flatMap((model) => this.modelProblems(model)),
      ...(used.some(({ host }) => host === own)
        ? [
            {
              code: 'construct.gateway.own-models',
              property: 'models',
              got: 'this host serves models itself, and their ports and proxy are taken',
              fix: 'Give the gateway a host of its own',
            },
          ]
        : []),
      ...(keyed !== undefined && upstreamKey === undefined
        ? [
            {
              code: 'construct.gateway.upstream-key',
              property: 'upstreamKey',
              got: `is missing, and ${keyed.host} asks for a key for ${keyed.model}`,
              fix: 'Name the secret of one of its ai.lan.keys',
            },
          ]
        : []),
      ...(encrypted !== undefined && upstreamCa === undefined
        ? [
            {
              code: 'construct.gateway.upstream-ca',
              property: 'upstreamCa',
              got: `is missing, and ${encrypted.host} serves ${encrypted.model} over TLS`,
              fix: 'Name the secret with the authority of its certificate',
            },
          ]
        : []),
    ];
  }

  private modelProblems(model: string): OwnProblem[] {
    const [first, ...others] = this.serversOf(model);
    if (first === undefined) {
      const near = suggest(model, Object.keys(this.props.servers));
      return [
        {
          code: 'construct.gateway.unknown-model',
          property: 'models',
          got: `no AI node starts a model "${model}" at boot`,
          fix:
            near === undefined
              ? `Use one of: ${Object.keys(this.props.servers).sort().join(', ')}`
              : `Did you mean "${near}"?`,
        },
      ];
    }
    const other = others.find(({ port }) => port !== first.port);
    if (other === undefined || this.props.models?.[model]?.port !== undefined) return [];
    return [
      {
        code: 'construct.gateway.port',
        property: 'models',
        got: `${model} has port ${first.port} on ${first.host} and ${other.port} on ${other.host}`,
        fix: `Say which it has here, as gateway.models.${model}.port, or give both nodes the same`,
      },
    ];
  }
}
