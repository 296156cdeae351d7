import { hostPort } from '../../../text/address.js';
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
  /** Where the proxy's own metrics are. */
  readonly metrics: { readonly address: string; readonly port: number };
}

/** Folder of the configuration and of the keys: root's, and read by the proxy's account. */
export const LAN_DIRECTORY = '/etc/citadel/lan';
/** Where `lan_side.py` speaks to the proxy: its own account's and root's. */
export const LAN_SOCKET = '/run/citadel-lan/admin.sock';
/** Connections that the proxy keeps at once, of all models together. */
export const LAN_CONNECTIONS = 8000;

/** Seconds after which a client that was refused for the moment should come again. */
const LATER = 5;

/**
 * `haproxy.cfg`, right for HAProxy 2.6 (Debian 12) and 3.0 (Debian 13). Two backends for each model: requests queue for their
 * turn in one, and those that watch the model pass by the queue in the other.
 */
export function lanConfiguration(given: LanConfiguration): string {
  const models = [...given.models].sort(by(({ name }) => name));
  return [
    ...preamble(given),
    ...models.flatMap((model) => ['', ...frontend(model, given), '', ...backends(model, given)]),
    '',
    'frontend metrics',
    `    bind ${hostPort(given.metrics.address, given.metrics.port)}`,
    '    http-request use-service prometheus-exporter if { path /metrics }',
    '    http-request return status 404',
    '',
  ].join('\n');
}

function preamble({ idleSec }: LanConfiguration): string[] {
  return [
    '# The LAN side of the models, made from the inventory: a change here is undone by the next deployment.',
    'global',
    '    log stdout format raw local0 info',
    `    stats socket ${LAN_SOCKET} mode 600 level admin`,
    `    maxconn ${LAN_CONNECTIONS}`,
    '    nbthread 4',
    // A reload keeps the old process until its last answer has ended, and no longer than this.
    '    hard-stop-after 1h',
    '    ssl-default-bind-options ssl-min-ver TLSv1.2',
    '',
    'defaults',
    '    mode http',
    '    option dontlognull',
    // Each piece of a streamed answer goes out as it comes.
    '    option http-no-delay',
    // A connection to a model is of one request: none is sent into one that the model is about to close.
    '    option http-server-close',
    // HTTP/1 only: there, a body has a length or says that it has none.
    '    option disable-h2-upgrade',
    '    option forwardfor',
    '    retries 0',
    '    timeout connect 5s',
    '    timeout http-request 30s',
    '    timeout http-keep-alive 60s',
    `    timeout queue ${idleSec}s`,
    `    timeout client ${idleSec}s`,
    `    timeout server ${idleSec}s`,
    `    timeout tunnel ${idleSec}s`,
    `    http-error status 503 ${answer('the model does not run at the moment', 'server_error')} hdr Retry-After ${LATER}`,
    `    http-error status 504 ${answer(`the model said nothing for ${idleSec} s`, 'server_error')}`,
  ];
}

function frontend(model: LanModel, given: LanConfiguration): string[] {
  const { name, address, port, hasKey } = model;
  const asked = hasKey || given.keys.length > 0;
  const whole = ['/health', ...given.paths.filter((path) => !path.endsWith('/') && path !== '/health')];
  const below = given.paths.filter((path) => path.endsWith('/'));
  const tls = given.tls ? ` ssl crt ${LAN_DIRECTORY}/tls.pem alpn http/1.1` : '';
  return [
    `frontend ${name}`,
    `    bind ${hostPort(address, port)}${tls}`,
    '    log global',
    // No query, no header, no body: what is asked and answered is no one's but the client's.
    '    log-format "model=%f client=%ci key=%[var(txn.key)] method=%[var(txn.method)] path=%[var(txn.path)] status=%ST queue_ms=%Tw first_byte_ms=%Tr total_ms=%Ta bytes_in=%U bytes_out=%B waiting=%bq end=%ts"',
    '    http-request set-var(txn.method) method',
    '    http-request set-var(txn.path) path,regsub([^A-Za-z0-9._~/-],?,g),bytes(0,120)',
    `    acl whole path ${whole.join(' ')}`,
    ...(below.length === 0 ? [] : [`    acl below path_beg ${below.join(' ')}`]),
    // One spelling for each path, so that no one else reads another into it. Words of a path need none of the rest.
    '    acl plain path_reg ^(/[A-Za-z0-9_~:@!$,=+.-]+)*/?$',
    '    acl dots path_reg /\\.\\.?(/|$)',
    '    acl health path /health',
    '    acl metrics path /metrics',
    `    acl scraper ${scrapers(given)}`,
    `    http-request return ${refusal(405, 'the method is not served', 'invalid_request_error')} unless { method GET HEAD POST DELETE OPTIONS }`,
    `    http-request return ${refusal(404, 'the path is not served', 'invalid_request_error')} if !plain or dots`,
    `    http-request return ${refusal(404, 'the path is not served', 'invalid_request_error')} unless whole${below.length === 0 ? '' : ' or below'} or metrics scraper`,
    ...(asked ? keys(model, given) : []),
    // Without a length no one knows how much will come.
    `    http-request return ${refusal(411, 'a body needs a Content-Length', 'invalid_request_error')} if { req.hdr(transfer-encoding) -m found }`,
    `    http-request return ${refusal(413, `a body may have ${given.maxBodyBytes} bytes`, 'invalid_request_error')} if { req.hdr_val(content-length) gt ${given.maxBodyBytes} }`,
    `    http-request return ${refusal(429, 'too many requests wait for this model', 'rate_limit_error')} hdr Retry-After ${LATER} if !health !metrics { queue(${name}) ge ${given.maxQueued} }`,
    // A key of this side opens other models too: code of a model never sees it.
    '    http-request del-header Authorization',
    '    http-request del-header X-Forwarded-For',
    ...(hasKey
      ? [
          `    http-request set-header Authorization "Bearer %[str(${name}),map(${LAN_DIRECTORY}/models.map)]"`,
        ]
      : []),
    `    use_backend ${name}-watch if health or metrics`,
    `    default_backend ${name}`,
  ];
}

/** Who asks: by the name of the key, which the log has. What only watches the model needs none. */
function keys({ name, hasKey }: LanModel, given: LanConfiguration): string[] {
  const names = [
    ...(hasKey ? [['own', `${LAN_DIRECTORY}/models/${name}`] as const] : []),
    ...given.keys.map((key) => [`key-${key}`, keyFile(key)] as const),
  ];
  return [
    ...names.flatMap(([key, file]) => [
      `    acl ${key} http_auth_bearer -m str -f ${file}`,
      `    http-request set-var(txn.key) str(${key.replace(/^key-/, '')}) if ${key}`,
    ]),
    `    http-request return ${refusal(401, 'the key is missing or not known', 'authentication_error')} hdr WWW-Authenticate Bearer unless health or metrics scraper or { var(txn.key) -m found }`,
  ];
}

function backends({ name, port }: LanModel, { maxRequests }: LanConfiguration): string[] {
  return [
    `backend ${name}`,
    `    server ${name} 127.0.0.1:${port} maxconn ${maxRequests}`,
    '',
    `backend ${name}-watch`,
    `    server ${name} 127.0.0.1:${port}`,
  ];
}

/** File of a key that opens every model. */
export function keyFile(key: string): string {
  return `${LAN_DIRECTORY}/keys/${key}`;
}

function scrapers({ scrapers: list }: LanConfiguration): string {
  if (list === 'any') return 'src 0.0.0.0/0 ::/0';
  return list.length === 0 ? 'always_false' : `src ${list.join(' ')}`;
}

/** `status 404 content-type … string '…'`, an error in the form that OpenAI's clients read. */
function refusal(status: number, message: string, type: string): string {
  return `status ${status} ${answer(message, type)}`;
}

function answer(message: string, type: string): string {
  return `content-type application/json string '${JSON.stringify({ error: { message, type } })}'`;
}
