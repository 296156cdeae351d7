import {
  bodyRules,
  cleanHeaders,
  keyRules,
  LATER,
  metricsFrontend,
  modelFrontend,
  proxyPreamble,
  refusal,
} from '../../../constructs/proxy/index.js';
import { by } from '../../../text/order.js';

/** One model behind the proxy. */
export interface LanModel {
  readonly name: string;
  /** IP address of the host to listen on. */
  readonly address: string;
  /** On that address, and on the loopback, where the model listens. */
  readonly port: number;
  /** Whether the model itself asks for a key: then it is accepted here too, and presented to the model whichever key opened. */
  readonly hasKey: boolean;
}

export interface LanConfiguration {
  readonly models: readonly LanModel[];
  /** Paths that are passed besides `/health`: whole, or all below one that ends in `/`. */
  readonly paths: readonly string[];
  /** Names of keys that open every model. */
  readonly keys: readonly string[];
  /** Whether `tls.pem` and `tls.pem.key` are there. */
  readonly tls: boolean;
  readonly maxBodyBytes: number;
  /** Seconds in which a connection may carry nothing while an answer is due. */
  readonly idleSec: number;
  /** Requests that a model is given at once. */
  readonly maxRequests: number;
  /** Requests that wait for their turn; the next is told to come again. */
  readonly maxQueued: number;
  /** Addresses and networks that may read `/metrics` of the models; `any` is everybody. */
  readonly scrapers: readonly string[] | 'any';
  /** Whether gateways watch `/health`: a model that is to be closed fails there first, while it is still served. @default false */
  readonly announced?: boolean;
  /** Where the proxy's own metrics are. */
  readonly metrics: { readonly address: string; readonly port: number };
}

/** Folder of the configuration and of the keys: root's, and read by the proxy's account. */
export const LAN_DIRECTORY = '/etc/citadel/lan';
/** Where `lan_side.py` speaks to the proxy: its own account's and root's. */
export const LAN_SOCKET = '/run/citadel-lan/admin.sock';
/**
 * `haproxy.cfg`, right for HAProxy 2.6 (Debian 12) and 3.0 (Debian 13). Two backends for each model: requests queue for their
 * turn in one, and those that watch the model pass by the queue in the other.
 */
export function lanConfiguration(given: LanConfiguration): string {
  const models = [...given.models].sort(by(({ name }) => name));
  return [
    ...proxyPreamble({
      title: 'The LAN side of the models',
      socket: LAN_SOCKET,
      idleSec: given.idleSec,
      // The others are the models’.
      threads: 4,
      unavailable: 'the model does not run at the moment',
    }),
    ...models.flatMap((model) => ['', ...frontend(model, given), '', ...backends(model, given)]),
    '',
    ...metricsFrontend(given.metrics),
    '',
  ].join('\n');
}

function frontend(model: LanModel, given: LanConfiguration): string[] {
  const { name, hasKey } = model;
  return [
    ...modelFrontend({
      ...model,
      ...(given.tls ? { certificate: `${LAN_DIRECTORY}/tls.pem` } : {}),
      paths: given.paths,
      also: {
        acls: ['acl metrics path /metrics', `acl scraper ${scrapers(given)}`],
        condition: 'metrics scraper',
      },
    }),
    ...(hasKey || given.keys.length > 0 ? keyRules(keysOf(model, given), 'health or metrics scraper') : []),
    ...bodyRules(given.maxBodyBytes),
    // Closed: it ends what it has, and is given nothing new.
    `    http-request return ${refusal(503, 'the model does not run at the moment', 'server_error')} hdr Retry-After ${LATER} if health { nbsrv(${name}) eq 0 }`,
    `    http-request return ${refusal(429, 'too many requests wait for this model', 'rate_limit_error')} hdr Retry-After ${LATER} if !health !metrics { queue(${name}) ge ${given.maxQueued} }`,
    ...cleanHeaders(hasKey ? `str(${name}),map(${LAN_DIRECTORY}/models.map)` : undefined),
    ...(given.announced === true ? [`    use_backend ${name}-ready if health`] : []),
    `    use_backend ${name}-watch if health or metrics`,
    `    default_backend ${name}`,
  ];
}

/** What only watches the model needs none of them. */
function keysOf({ name, hasKey }: LanModel, { keys }: LanConfiguration) {
  return [
    ...(hasKey ? [{ acl: 'own', name: 'own', file: `${LAN_DIRECTORY}/models/${name}` }] : []),
    ...keys.map((key) => ({ acl: `key-${key}`, name: key, file: `${LAN_DIRECTORY}/keys/${key}` })),
  ];
}

function backends({ name, port }: LanModel, { maxRequests, announced }: LanConfiguration): string[] {
  const server = `    server ${name} 127.0.0.1:${port}`;
  return [
    `backend ${name}`,
    `${server} maxconn ${maxRequests}`,
    '',
    `backend ${name}-watch`,
    server,
    // `lan_side.py` closes it before the others.
    ...(announced === true ? ['', `backend ${name}-ready`, server] : []),
  ];
}

function scrapers({ scrapers: list }: LanConfiguration): string {
  if (list === 'any') return 'src 0.0.0.0/0 ::/0';
  return list.length === 0 ? 'always_false' : `src ${list.join(' ')}`;
}
