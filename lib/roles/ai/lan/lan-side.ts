import { Construct } from 'constructs';
import { Host, Port, type PortReach } from '../../../constructs/host/index.js';
import { addProxyService } from '../../../constructs/proxy/index.js';
import type { SecretRef } from '../../../constructs/secret.js';
import { Duration, Size } from '../../../constructs/units.js';
import { byKey } from '../../../text/order.js';
import { LAN_DIRECTORY, lanConfiguration } from './configuration.js';

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
  /** Whether gateways watch `/health`. @default false */
  readonly announced?: boolean;
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

const ACCOUNT = 'citadel-lan';

/**
 * `citadel-lan.service`: one HAProxy between the network and all models of a host. It listens for itself, so a model that
 * restarts costs no listener; one that is down is answered for with 503. It passes the paths that are allowed and no others,
 * asks for keys, holds a queue, and writes who asked what of which model, and never what was said.
 *
 * Keys, paths and certificate are read again by a reload, which breaks no request.
 */
export class LanSide extends Construct {
  static readonly UNIT = `${ACCOUNT}.service`;
  /** Of the proxy's own metrics, on the models' address. */
  static readonly METRICS_PORT = 8002;

  readonly unitName = LanSide.UNIT;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: LanSideProps,
  ) {
    super(scope, id);
    const { keys = {}, tls, partOf, wave = 1, scrapers = 'loopback' } = props;
    const guarded = this.models().flatMap(([name, { apiKey }]) =>
      apiKey === undefined ? [] : [[name, apiKey] as const],
    );
    addProxyService(this, {
      name: ACCOUNT,
      description: 'Proxy between the network and the models',
      directory: LAN_DIRECTORY,
      configuration: () => this.text(),
      secrets: {
        ...Object.fromEntries(Object.entries(keys).map(([name, key]) => [`keys/${name}`, key])),
        ...Object.fromEntries(guarded.map(([name, key]) => [`models/${name}`, key])),
        ...(tls === undefined ? {} : { 'tls.pem': tls.certificate, 'tls.pem.key': tls.key }),
      },
      // What is presented to each model that asks for a key.
      ...(guarded.length === 0
        ? {}
        : {
            maps: {
              'models.map': {
                id: 'file-map',
                lines: guarded.map(([name, key]) => `${name} ${key.toString()}`),
              },
            },
          }),
      metrics: { port: LanSide.METRICS_PORT, reach: scrapers },
      ...(partOf === undefined ? {} : { partOf }),
      wave,
    });
  }

  private models(): [string, LanSideProps['models'][string]][] {
    return Object.entries(this.props.models).sort(byKey);
  }

  private text(): string {
    const { paths = ['/v1/'], keys = {}, tls, maxBody, idleTimeout, maxRequests, maxQueued } = this.props;
    const { announced = false } = this.props;
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
      announced,
      metrics: { address: models[0]?.[1].address ?? '127.0.0.1', port: LanSide.METRICS_PORT },
    });
  }
}
