import {
  bodyRules,
  cleanHeaders,
  keyRules,
  LATER,
  metricsFrontend,
  modelFrontend,
  proxyPreamble,
  refusal,
} from '../../constructs/proxy/index.js';
import { hostPort } from '../../text/address.js';
import { by } from '../../text/order.js';

/** A node that serves a model. */
export interface GatewayServer {
  /** The host's name in the inventory. */
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly tls: boolean;
}

export interface GatewayKey {
  readonly name: string;
  /** @default - any number */
  readonly requestsPerMinute?: number | undefined;
  /** @default - any number */
  readonly concurrent?: number | undefined;
}

export interface GatewayConfiguration {
  /** The host's name in the inventory. */
  readonly host: string;
  /** IP address to listen on. */
  readonly address: string;
  /** Another one, which this or another gateway has at the moment. @default - none */
  readonly shared?: string | undefined;
  readonly models: readonly {
    readonly name: string;
    readonly port: number;
    readonly servers: readonly GatewayServer[];
  }[];
  /** Paths that are passed besides `/health`. */
  readonly paths: readonly string[];
  readonly keys: readonly GatewayKey[];
  /** Whether `upstream.map` is there. */
  readonly upstreamKey: boolean;
  /** Whether `tls.pem` and `tls.pem.key` are there. */
  readonly tls: boolean;
  readonly maxBodyBytes: number;
  readonly idleSec: number;
  /** Requests of a model that each node is given at once. */
  readonly maxRequests: number;
  readonly maxQueued: number;
  readonly metricsPort: number;
}

export const GATEWAY_DIRECTORY = '/etc/citadel-gateway';
export const GATEWAY_SOCKET = '/run/citadel-gateway/admin.sock';
/** Proxy of the table of limits: no model can have a name with a dot. */
export const LIMITS = 'gateway.limits';
/** Proxy whose one server is the shared address: up where it leads to this gateway. */
export const SHARED = 'gateway.address';
/** Path at the port of metrics: 200 while each model has a node. */
export const READY = '/ready';

/** A body of more bytes than this is sent once: what would be sent again has to be kept. */
const KEPT_BODY = 128 * 1024;

/** `haproxy.cfg` of a gateway, right for HAProxy 2.6 (Debian 12) and 3.0 (Debian 13). */
export function gatewayConfiguration(given: GatewayConfiguration): string {
  const models = [...given.models].sort(by(({ name }) => name));
  const limited = given.keys.some(isLimited);
  return [
    ...proxyPreamble({
      title: 'The gateway of the models',
      socket: GATEWAY_SOCKET,
      idleSec: given.idleSec,
      unavailable: 'no node serves the model at the moment',
      global: [`tune.bufsize ${KEPT_BODY}`],
      retries: [
        // To another node each time, and never after the first byte of an answer.
        'retries 3',
        'option redispatch 1',
        'retry-on conn-failure empty-response 502 503',
        'option http-buffer-request',
        'timeout check 3s',
      ],
    }),
    ...models.flatMap((model) => ['', ...frontend(model, given), '', ...backend(model, given)]),
    ...(limited
      ? [
          '',
          `backend ${LIMITS}`,
          '    stick-table type string len 64 size 10k expire 2m store gpc0_rate(60s),conn_cur',
        ]
      : []),
    ...(given.shared === undefined ? [] : ['', ...sharedBackend(given.shared, given)]),
    '',
    ...metricsFrontend(
      { address: given.address, shared: given.shared, port: given.metricsPort },
      given.shared === undefined ? [] : readiness(models, given.host),
    ),
    '',
  ].join('\n');
}

type Model = GatewayConfiguration['models'][number];

/** Whoever is asked says who it is, ready or not. */
function readiness(models: readonly Model[], host: string): string[] {
  const who = `hdr X-Gateway ${host}`;
  return [
    `acl ready path ${READY}`,
    ...models.map(
      ({ name }) =>
        `http-request return status 503 ${who} hdr X-Without ${name} if ready { nbsrv(${name}) eq 0 }`,
    ),
    `http-request return status 200 ${who} if ready`,
  ];
}

/** Asks the shared address who it is: one gateway must hear its own name, and one only. */
function sharedBackend(shared: string, { host, metricsPort }: GatewayConfiguration): string[] {
  return [
    `backend ${SHARED}`,
    '    option httpchk',
    `    http-check send meth GET uri ${READY} ver HTTP/1.1 hdr Host gateway`,
    `    http-check expect hdr name X-Gateway value ${host}`,
    '    default-server check inter 2s fall 2 rise 1',
    `    server ${shared} ${hostPort(shared, metricsPort)}`,
  ];
}

function frontend({ name, port }: Model, given: GatewayConfiguration): string[] {
  const keys = given.keys.map((key) => ({
    acl: `key-${key.name}`,
    name: key.name,
    file: `${GATEWAY_DIRECTORY}/keys/${key.name}`,
  }));
  return [
    ...modelFrontend({
      name,
      address: given.address,
      shared: given.shared,
      port,
      ...(given.tls ? { certificate: `${GATEWAY_DIRECTORY}/tls.pem` } : {}),
      paths: given.paths,
      log: { afterKey: 'node=%s', beforeEnd: 'retries=%rc' },
    }),
    ...(keys.length === 0 ? [] : keyRules(keys, 'health')),
    `    http-request return ${refusal(503, 'no node serves the model at the moment', 'server_error')} hdr Retry-After ${LATER} if health { nbsrv(${name}) eq 0 }`,
    '    http-request return status 200 content-type text/plain string ok if health',
    ...bodyRules(given.maxBodyBytes),
    ...given.keys.flatMap(limits),
    `    http-request return ${refusal(429, 'too many requests wait for this model', 'rate_limit_error')} hdr Retry-After ${LATER} if { queue(${name}) ge ${given.maxQueued} }`,
    ...cleanHeaders(given.upstreamKey ? `str(nodes),map(${GATEWAY_DIRECTORY}/upstream.map)` : undefined),
    `    default_backend ${name}`,
  ];
}

/** Only what is let in counts for the minute: who asks again and again is served as often as anybody. */
function limits(key: GatewayKey): string[] {
  if (!isLimited(key)) return [];
  const { name, requestsPerMinute, concurrent } = key;
  const refuse = (message: string, condition: string) =>
    `    http-request return ${refusal(429, message, 'rate_limit_error')} hdr Retry-After ${LATER} if key-${name} { ${condition} }`;
  return [
    `    http-request track-sc0 var(txn.key) table ${LIMITS} if key-${name}`,
    ...(concurrent === undefined
      ? []
      : [refuse(`this key may have ${concurrent} requests at once`, `sc_conn_cur(0) gt ${concurrent}`)]),
    ...(requestsPerMinute === undefined
      ? []
      : [
          refuse(
            `this key may make ${requestsPerMinute} requests a minute`,
            `sc_gpc0_rate(0) ge ${requestsPerMinute}`,
          ),
          `    http-request sc-inc-gpc0(0) if key-${name}`,
        ]),
  ];
}

function isLimited({ requestsPerMinute, concurrent }: GatewayKey): boolean {
  return requestsPerMinute !== undefined || concurrent !== undefined;
}

function backend({ name, servers }: Model, { maxRequests }: GatewayConfiguration): string[] {
  return [
    `backend ${name}`,
    '    balance leastconn',
    // The model's own readiness; a node that is about to close it fails here first.
    '    option httpchk',
    '    http-check send meth GET uri /health ver HTTP/1.1 hdr Host gateway',
    '    http-check expect status 200',
    `    default-server check inter 1s fastinter 500ms downinter 1s fall 2 rise 1 maxconn ${maxRequests}`,
    ...[...servers]
      .sort(by(({ host }) => host))
      .map(
        ({ host, address, port, tls }) =>
          `    server ${host} ${hostPort(address, port)}${tls ? ` ssl verify required ca-file ${GATEWAY_DIRECTORY}/nodes-ca.pem alpn http/1.1` : ''}`,
      ),
  ];
}
