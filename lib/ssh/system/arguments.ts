import type { SshEndpoint } from '../types.js';

/** A word of an option's value for OpenSSH: quoted, and no `%` of it is a token. */
export function optionWord(text: string): string {
  const literal = text.replaceAll('%', '%%');
  return /^[A-Za-z0-9_./%+,:@=-]+$/.test(literal)
    ? literal
    : `"${literal.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** The pin that stands for what OpenSSH's own files say. */
export const KNOWN_HOSTS = 'known_hosts';

export interface LoginWay {
  /** Value of `KnownHostsCommand`; OpenSSH's own files are read as well where they are among the pins. */
  readonly pinsCommand: string;
  /** Value of `ProxyCommand`; absent: what OpenSSH's configuration says. */
  readonly proxyCommand?: string;
  readonly log: string;
  /** Whether OpenSSH may ask on the terminal. */
  readonly mayAsk: boolean;
  readonly keepaliveSec: number;
  readonly connectSec: number;
  /** Host key algorithms of the types that pins name: the host is asked for these first. */
  readonly firstHostKeys?: readonly string[];
  /** Host key algorithms that have been seen and are not pinned. */
  readonly withoutHostKeys?: readonly string[];
  /** The name that the host's certificate is for. */
  readonly principal?: string;
}

/**
 * What OpenSSH's configuration must not change: who is trusted, that the connection is one of our own, and that nothing
 * but it is opened. The first value that OpenSSH finds counts, and it looks at these first.
 */
const FIXED: readonly string[] = [
  // Options that some versions do not know; this takes the place of what the configuration says of its own.
  'IgnoreUnknown=*,!KnownHostsCommand',
  'ChannelTimeout=none',
  'ClearAllForwardings=yes',
  'EscapeChar=none',
  'ExitOnForwardFailure=no',
  'ForkAfterAuthentication=no',
  'ForwardAgent=no',
  'ForwardX11=no',
  'PermitLocalCommand=no',
  'RemoteCommand=none',
  'RequestTTY=no',
  'StdinNull=no',
  'Tunnel=no',
  'CheckHostIP=no',
  // The pins are by SHA-256, and neither an address nor Kerberos (Debian's OpenSSH) takes their place.
  'FingerprintHash=sha256',
  'GSSAPIKeyExchange=no',
  'NoHostAuthenticationForLocalhost=no',
  'StrictHostKeyChecking=yes',
  'UpdateHostKeys=no',
  'VerifyHostKeyDNS=no',
  'VisualHostKey=no',
  'ConnectionAttempts=1',
  'ServerAliveCountMax=3',
];

/** Options for one log-in, without the machine and without what the connection is for. */
export function loginOptions(endpoint: SshEndpoint, way: LoginWay): string[] {
  const options = [
    ...FIXED,
    `BatchMode=${way.mayAsk ? 'no' : 'yes'}`,
    `ConnectTimeout=${String(Math.max(1, Math.ceil(way.connectSec)))}`,
    `ServerAliveInterval=${String(Math.max(1, Math.ceil(way.keepaliveSec)))}`,
    `KnownHostsCommand=${way.pinsCommand}`,
    ...(endpoint.hostKeys.includes(KNOWN_HOSTS)
      ? []
      : ['UserKnownHostsFile=/dev/null', 'GlobalKnownHostsFile=/dev/null']),
    ...(way.proxyCommand === undefined ? [] : [`ProxyCommand=${way.proxyCommand}`, 'ProxyUseFdpass=no']),
    ...hostKeyAlgorithms(way),
    ...(way.principal === undefined ? [] : [`HostKeyAlias=${way.principal}`]),
    ...(endpoint.auth.kind === 'identity'
      ? [`IdentityFile=${optionWord(endpoint.auth.path)}`, 'IdentitiesOnly=yes']
      : []),
  ];
  // 22 is what is used where nothing is said, by us and by OpenSSH; its configuration may say something.
  const port = endpoint.port === 22 ? [] : ['-p', String(endpoint.port)];
  return ['-v', '-E', way.log, ...options.flatMap((option) => ['-o', option]), ...port, '-l', endpoint.user];
}

function hostKeyAlgorithms({ firstHostKeys, withoutHostKeys }: LoginWay): string[] {
  if (withoutHostKeys !== undefined) return [`HostKeyAlgorithms=-${withoutHostKeys.join(',')}`];
  return firstHostKeys === undefined ? [] : [`HostKeyAlgorithms=^${firstHostKeys.join(',')}`];
}

/** Arguments of the master. `--` ends the options, whatever the address is. */
export function masterArguments(endpoint: SshEndpoint, way: LoginWay, socket: string): string[] {
  return [
    '-M',
    '-N',
    '-T',
    '-S',
    socket,
    // Into the background once it has logged in.
    '-o',
    'ControlPersist=10',
    ...loginOptions(endpoint, way),
    '--',
    endpoint.address,
  ];
}

/**
 * Arguments of the OpenSSH that reaches the next machine through a master that has logged in to the one before; without
 * where to. It connects to nothing by itself, and reads no configuration: a master that has gone is an error.
 */
export function throughArguments(socket: string): string[] {
  const options = ['ControlMaster=no', `ControlPath=${optionWord(socket)}`, 'ProxyCommand=false'];
  return ['-F', 'none', '-T', ...options.flatMap((option) => ['-o', option])];
}

/** What is wrong with a value that OpenSSH would take for something else; `undefined` when nothing is. */
export function unfitValue(
  endpoint: SshEndpoint,
): { readonly what: string; readonly value: string } | undefined {
  const { address, user, auth } = endpoint;
  // An address may be an alias of OpenSSH's configuration; what a shell of a ProxyCommand could take apart is none.
  if (!/^[A-Za-z0-9_:[][A-Za-z0-9_.:%@+[\]-]*$/.test(address)) return { what: 'address', value: address };

  if (user === '' || /^-|[\0-\x20\x7f'"`$\\;&<>|(){}]/.test(user)) {
    // A backslash is what Active Directory puts between domain and account.
    if (!/^[A-Za-z0-9_.-]+\\[A-Za-z0-9_.@-]+$/.test(user)) return { what: 'user', value: user };
  }
  // OpenSSH puts the environment in here, and there is no way to quote it.
  if (auth.kind === 'identity' && /\$\{|[\0\n\r]/.test(auth.path))
    return { what: 'identityFile', value: auth.path };
  return undefined;
}
