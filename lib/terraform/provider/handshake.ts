/**
 * What Terraform and a plugin say to each other before gRPC begins: an environment in, one line out.
 * Facts: go-plugin's internals guide, and what Terraform 1.11.4 sent when it was tried.
 */
export const MAGIC_COOKIE = 'd602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2';

/** The major protocol version that this provider speaks. */
export const PROTOCOL_VERSION = 6;

export type Handshake =
  /** Terraform started this process; `clientCertificate` is PEM, absent when the host turned TLS off. */
  | { readonly kind: 'serve'; readonly clientCertificate?: string; readonly multiplex: boolean }
  /** A person or a wrong client started it. */
  | { readonly kind: 'refuse'; readonly message: string };

/** @param env the environment of the process */
export function readHandshake(env: Readonly<Record<string, string | undefined>>): Handshake {
  if (env['TF_PLUGIN_MAGIC_COOKIE'] !== MAGIC_COOKIE) {
    return {
      kind: 'refuse',
      message:
        'This program is a Terraform provider: Terraform starts it by itself.\n' +
        'Run "npx cdktf diff" or "npx cdktf deploy" in the project; to debug it, start it with --debug.',
    };
  }
  const versions = (env['PLUGIN_PROTOCOL_VERSIONS'] ?? String(PROTOCOL_VERSION)).split(',');
  if (!versions.includes(String(PROTOCOL_VERSION))) {
    return {
      kind: 'refuse',
      message: `This provider speaks protocol ${PROTOCOL_VERSION}, the client ${versions.join(' and ')}. Use Terraform 1.11 or later.`,
    };
  }
  const certificate = env['PLUGIN_CLIENT_CERT'];
  return {
    kind: 'serve',
    multiplex: env['PLUGIN_MULTIPLEX_GRPC'] !== undefined,
    ...(certificate === undefined || certificate === '' ? {} : { clientCertificate: certificate }),
  };
}

/**
 * The first and only line of standard output: core protocol, provider protocol, network, address, `grpc`,
 * certificate. The certificate is unpadded base64 of DER: the client refuses padding.
 *
 * @param socket path of the unix socket
 * @param certificate DER of the server's certificate, or `undefined` without TLS
 */
export function handshakeLine(socket: string, certificate: Buffer | undefined, multiplex = false): string {
  const encoded = certificate?.toString('base64').replace(/=+$/, '') ?? '';
  // Some clients take a seventh field for an error, so it stands only where it was asked for.
  return `1|${PROTOCOL_VERSION}|unix|${socket}|grpc|${encoded}${multiplex ? '|false' : ''}\n`;
}

/** The value of `TF_REATTACH_PROVIDERS` that makes Terraform use a process that runs already. */
export function reattachValue(source: string, pid: number, socket: string): string {
  return JSON.stringify({
    [source]: {
      Protocol: 'grpc',
      ProtocolVersion: PROTOCOL_VERSION,
      Pid: pid,
      Test: true,
      Addr: { Network: 'unix', String: socket },
    },
  });
}
