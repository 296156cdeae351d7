import { resolve } from 'node:path';
import { CitadelError, type SshTarget } from '../../manifest/index.js';
import {
  connect,
  formatParty,
  quoteShellWord,
  type SshConnection,
  type SshEndpoint,
} from '../../ssh/index.js';
import type {
  ProgramResult,
  ReadProgram,
  RemoteProgram,
  RunOptions,
  Transport,
  WriteProgram,
} from '../transport.js';
import { asCitadelError } from './errors.js';

/** What a target needs of the operator's side. */
export interface TargetDeps {
  /** The host's name, for messages. */
  readonly host: string;
  /** The operator's home directory, for `~/` in `identityFile`. */
  readonly home: string;
  /** Path of the SSH agent's socket (`SSH_AUTH_SOCK`); `undefined` when there is none. */
  readonly agentSocket: string | undefined;
  /**
   * Gives up the first connection attempt. Each program has a signal of its own, and `reconnect` heeds its deadline only:
   * after an abort somebody still has to ask the host how things stand.
   */
  readonly signal?: AbortSignal;
}

/** Connects to an ssh target and logs in. */
export async function openSshTransport(target: SshTarget, deps: TargetDeps): Promise<Transport> {
  try {
    const connection = await connect({
      host: deps.host,
      ...endpointOf(target, deps),
      ...(target.jump === undefined ? {} : { jump: endpointOf(target.jump, deps) }),
      deadlineSec: target.connectTimeoutSec,
      ...(deps.signal === undefined ? {} : { signal: deps.signal }),
    });
    return new SshTransport(target, deps, connection);
  } catch (error) {
    throw asCitadelError(error);
  }
}

type Endpoint = Pick<SshTarget, 'address' | 'port' | 'user' | 'hostKeys' | 'identityFile'>;

function endpointOf(endpoint: Endpoint, deps: TargetDeps): SshEndpoint {
  const { address, port, user, hostKeys, identityFile } = endpoint;
  return {
    address,
    port,
    user,
    hostKeys,
    auth:
      identityFile === undefined
        ? { kind: 'agent', socket: deps.agentSocket }
        : { kind: 'identity', path: expandHome(identityFile, deps.home) },
  };
}

export function expandHome(path: string, home: string): string {
  return resolve(path === '~' || path.startsWith('~/') ? `${home}${path.slice(1)}` : path);
}

/**
 * The command line for a program: a shell that takes the program's text from the first bytes of standard input, with its
 * name as `$0` and an empty root as `$1`. So the text stands in no process list, and sudo does not log all of it at
 * each read. `env` sets the language of sudo's own messages whatever the account's shell is.
 */
export function remoteCommand(program: RemoteProgram, user: string): string {
  const bytes = Buffer.byteLength(program.script);
  const shell = ['/bin/sh', '-c', `eval "$(head -c ${String(bytes)})"`, program.name, ''];
  const words = user === 'root' ? shell : ['env', 'LC_ALL=C', 'sudo', '-n', '--', ...shell];
  return words.map(quoteShellWord).join(' ');
}

/** What the remote shell reads: the program, then what the program reads. */
function withProgram(
  program: RemoteProgram,
  stdin: Buffer | AsyncIterable<Uint8Array>,
): Buffer | AsyncIterable<Uint8Array> {
  const script = Buffer.from(program.script);
  return Buffer.isBuffer(stdin) ? Buffer.concat([script, stdin]) : joined(script, stdin);
}

async function* joined(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}

class SshTransport implements Transport {
  readonly kind = 'ssh';
  readonly description: string;
  readonly #target: SshTarget;
  readonly #deps: TargetDeps;
  readonly #connection: SshConnection;

  constructor(target: SshTarget, deps: TargetDeps, connection: SshConnection) {
    this.#target = target;
    this.#deps = deps;
    this.#connection = connection;
    this.description = formatParty(connection.party);
  }

  read(program: ReadProgram, input: Buffer, options: RunOptions): Promise<ProgramResult> {
    return this.#exec(program, input, options);
  }

  run(
    program: WriteProgram,
    input: Buffer | AsyncIterable<Uint8Array>,
    options: RunOptions,
  ): Promise<ProgramResult> {
    return this.#exec(program, input, options);
  }

  reconnect(): Promise<Transport> {
    const { signal: _first, ...deps } = this.#deps;
    return openSshTransport(this.#target, deps);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #exec(
    program: RemoteProgram,
    stdin: Buffer | AsyncIterable<Uint8Array>,
    options: RunOptions,
  ): Promise<ProgramResult> {
    const { user } = this.#target;
    try {
      const result = await this.#connection.exec(remoteCommand(program, user), {
        ...options,
        stdin: withProgram(program, stdin),
        label: program.name,
      });
      this.#refuseWithoutPrivilege(result);
      return result;
    } catch (error) {
      throw asCitadelError(error);
    }
  }

  /** The program did not start: the account has no shell, or sudo did not let it. */
  #refuseWithoutPrivilege(result: ProgramResult): void {
    if (result.exitCode === 0) return;
    const { user } = this.#target;
    const refusal = sudoRefusal(result);
    if (refusal !== undefined && user !== 'root') {
      throw new CitadelError({
        code: 'ssh.sudo',
        path: this.#deps.host,
        got: `${this.description}: "${user}" cannot become root without a password (${refusal})`,
        fix:
          `On the host, as root: echo '${user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/${user} && ` +
          `chmod 0440 /etc/sudoers.d/${user} (with "apt-get install sudo" first if there is none), or connect as root`,
      });
    }
    const firstLine = result.stdout.subarray(0, 200).toString('utf8').split('\n', 1)[0] ?? '';
    if (/^This account is (currently )?not available/.test(firstLine)) {
      throw new CitadelError({
        code: 'ssh.shell',
        path: this.#deps.host,
        got: `${this.description}: the account has no login shell (${firstLine})`,
        fix: `Give it one on the host: usermod --shell /bin/bash ${user}`,
      });
    }
  }
}

const SUDO_REFUSALS = [
  /^sudo: a password is required$/,
  /^sudo: a terminal is required .*$/,
  /^sudo: sorry, you must have a tty to run sudo$/,
  /^.* is not in the sudoers file\..*$/,
  /^Sorry, user .* is not allowed to execute .*$/,
  /^.* is not allowed to run sudo on .*$/,
  /^sudo: account validation failure.*$/,
  /^sudo: PAM account management error.*$/,
  /^env: .?sudo.?: No such file or directory$/,
];

/** Sudo's own words when it refused; a program of ours that ran has printed something or ended otherwise. */
function sudoRefusal(result: ProgramResult): string | undefined {
  if ((result.exitCode !== 1 && result.exitCode !== 127) || result.stdout.length > 0) return undefined;
  const line = result.stderr.split('\n').find((each) => SUDO_REFUSALS.some((pattern) => pattern.test(each)));
  // sudo names the whole command in some of its refusals.
  return line === undefined || line.length <= 200 ? line : `${line.slice(0, 200)}…`;
}
