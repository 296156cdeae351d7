import { hostPort } from '../../text/address.js';
import { errorBody, LATER, refusal } from './answers.js';

/** Connections that a proxy keeps at once, of all models together. */
export const PROXY_CONNECTIONS = 8000;

/** What stands at the top of a proxy's configuration. */
export interface ProxyPreamble {
  /** First line, a comment. */
  readonly title: string;
  /** Where root speaks to it. */
  readonly socket: string;
  /** Seconds in which a connection may carry nothing while an answer is due. */
  readonly idleSec: number;
  /** What a client is told where nothing serves. */
  readonly unavailable: string;
  /** @default - one for each processor of the host */
  readonly threads?: number;
  /** More of `global`, a line each. @default [] */
  readonly global?: readonly string[];
  /** Whether and how requests are sent again, a line each. @default ['retries 0'] */
  readonly retries?: readonly string[];
}

/** `global` and `defaults` of a proxy before models, right for HAProxy 2.6 (Debian 12) and 3.0 (Debian 13). */
export function proxyPreamble(given: ProxyPreamble): string[] {
  const { title, socket, idleSec, unavailable, threads, global = [], retries = ['retries 0'] } = given;
  return [
    `# ${title}, made from the inventory: a change here is undone by the next deployment.`,
    'global',
    '    log stdout format raw local0 info',
    `    stats socket ${socket} mode 600 level admin`,
    `    maxconn ${PROXY_CONNECTIONS}`,
    ...(threads === undefined ? [] : [`    nbthread ${threads}`]),
    // A reload keeps the old process until its last answer has ended, and no longer than this.
    '    hard-stop-after 1h',
    '    ssl-default-bind-options ssl-min-ver TLSv1.2',
    ...global.map((line) => `    ${line}`),
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
    // A reload closes no connection that a client may be about to use: the next answer on it says that it was the last.
    '    option idle-close-on-response',
    '    option forwardfor',
    ...retries.map((line) => `    ${line}`),
    '    timeout connect 5s',
    '    timeout http-request 30s',
    '    timeout http-keep-alive 60s',
    `    timeout queue ${idleSec}s`,
    `    timeout client ${idleSec}s`,
    `    timeout server ${idleSec}s`,
    `    timeout tunnel ${idleSec}s`,
    `    http-error status 503 ${errorBody(unavailable, 'server_error')} hdr Retry-After ${LATER}`,
    `    http-error status 504 ${errorBody(`the model said nothing for ${idleSec} s`, 'server_error')}`,
  ];
}

/** One model's frontend, up to the rules of its own. */
export interface ModelFrontend {
  readonly name: string;
  readonly address: string;
  /** Another address, which may be on another host at the moment. @default - none */
  readonly shared?: string | undefined;
  readonly port: number;
  /** PEM file with certificate and key. @default - plain HTTP */
  readonly certificate?: string;
  /** Paths that are passed besides `/health`: whole, or all below one that ends in `/`. */
  readonly paths: readonly string[];
  /** More of a line of the access log: `{ afterKey: 'node=%s' }`. @default - none */
  readonly log?: { readonly afterKey?: string; readonly beforeEnd?: string };
  /** Another condition under which a path is passed, and the lines that say what it means. @default - none */
  readonly also?: { readonly acls: readonly string[]; readonly condition: string };
}

/** Listens, says what is written of a request, and refuses methods and paths that are not served. ACL `health` is for the rest. */
export function modelFrontend(given: ModelFrontend): string[] {
  const { name, certificate, paths, log = {}, also } = given;
  const whole = ['/health', ...paths.filter((path) => !path.endsWith('/') && path !== '/health')];
  const below = paths.filter((path) => path.endsWith('/'));
  const tls = certificate === undefined ? '' : ` ssl crt ${certificate} alpn http/1.1`;
  const fields = [
    'model=%f client=%ci key=%[var(txn.key)]',
    ...(log.afterKey === undefined ? [] : [log.afterKey]),
    'method=%[var(txn.method)] path=%[var(txn.path)] status=%ST queue_ms=%Tw first_byte_ms=%Tr total_ms=%Ta bytes_in=%U bytes_out=%B waiting=%bq',
    ...(log.beforeEnd === undefined ? [] : [log.beforeEnd]),
    'end=%ts',
  ];
  const passed = [
    'whole',
    ...(below.length === 0 ? [] : ['below']),
    ...(also === undefined ? [] : [also.condition]),
  ];
  return [
    `frontend ${name}`,
    ...binds(given, tls),
    '    log global',
    // No query, no header, no body: what is asked and answered is no one's but the client's.
    `    log-format "${fields.join(' ')}"`,
    '    http-request set-var(txn.method) method',
    '    http-request set-var(txn.path) path,regsub([^A-Za-z0-9._~/-],?,g),bytes(0,120)',
    `    acl whole path ${whole.join(' ')}`,
    ...(below.length === 0 ? [] : [`    acl below path_beg ${below.join(' ')}`]),
    // One spelling for each path, so that no one else reads another into it. Words of a path need none of the rest.
    '    acl plain path_reg ^(/[A-Za-z0-9_~:@!$,=+.-]+)*/?$',
    '    acl dots path_reg /\\.\\.?(/|$)',
    '    acl health path /health',
    ...(also?.acls ?? []).map((line) => `    ${line}`),
    `    http-request return ${refusal(405, 'the method is not served', 'invalid_request_error')} unless { method GET HEAD POST DELETE OPTIONS }`,
    `    http-request return ${refusal(404, 'the path is not served', 'invalid_request_error')} if !plain or dots`,
    `    http-request return ${refusal(404, 'the path is not served', 'invalid_request_error')} unless ${passed.join(' or ')}`,
  ];
}

/** Who asks: by the name of the key, which the log has. ACL `key-NAME` is for the rest. */
export function keyRules(
  keys: readonly { readonly acl: string; readonly name: string; readonly file: string }[],
  exempt: string,
): string[] {
  return [
    ...keys.flatMap(({ acl, name, file }) => [
      `    acl ${acl} http_auth_bearer -m str -f ${file}`,
      `    http-request set-var(txn.key) str(${name}) if ${acl}`,
    ]),
    `    http-request return ${refusal(401, 'the key is missing or not known', 'authentication_error')} hdr WWW-Authenticate Bearer unless ${exempt} or { var(txn.key) -m found }`,
  ];
}

export function bodyRules(maxBodyBytes: number): string[] {
  return [
    // Without a length no one knows how much will come.
    `    http-request return ${refusal(411, 'a body needs a Content-Length', 'invalid_request_error')} if { req.hdr(transfer-encoding) -m found }`,
    `    http-request return ${refusal(413, `a body may have ${maxBodyBytes} bytes`, 'invalid_request_error')} if { req.hdr_val(content-length) gt ${maxBodyBytes} }`,
  ];
}

/** What a client says of itself stays here, and so does its key: code of a model sees neither. */
export function cleanHeaders(key: string | undefined): string[] {
  return [
    '    http-request del-header Authorization',
    '    http-request del-header X-Forwarded-For',
    ...(key === undefined ? [] : [`    http-request set-header Authorization "Bearer %[${key}]"`]),
  ];
}

interface Listening {
  readonly address: string;
  readonly shared?: string | undefined;
  readonly port: number;
}

/** An address that is not there yet needs the kernel's leave, which every process may ask for: HAProxy calls it transparent. */
function binds({ address, shared, port }: Listening, options = ''): string[] {
  return [
    `    bind ${hostPort(address, port)}${options}`,
    ...(shared === undefined ? [] : [`    bind ${hostPort(shared, port)} transparent${options}`]),
  ];
}

/** The proxy's own metrics, and what `more` answers. */
export function metricsFrontend(at: Listening, more: readonly string[] = []): string[] {
  return [
    'frontend metrics',
    ...binds(at),
    '    http-request use-service prometheus-exporter if { path /metrics }',
    ...more.map((line) => `    ${line}`),
    '    http-request return status 404',
  ];
}
