import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { CitadelError, hopsOf, type SshTarget } from '../../manifest/index.js';
import {
  connect,
  type ExecResult,
  formatParty,
  type Person,
  type SshConnection,
  type SshEndpoint,
  type SshPool,
} from '../../ssh/index.js';
import type {
  ProgramResult,
  ReadProgram,
  RemoteProgram,
  RunOptions,
  Transport,
  WriteProgram,
} from '../transport.js';
import { shellWord } from '../../text/shell-word.js';
import { asCitadelError } from './errors.js';
import { BetweenMarks, type Frame, frameOf, NOT_WHOLE, unframed } from './frame.js';

/** What a target needs of the operator's side. */
export interface TargetDeps {
  /** The host's name, for messages. */
  readonly host: string;
  /** The operator's home directory, for `~/` in `identityFile`. */
  readonly home: string;
  /** Path of the SSH agent's socket (`SSH_AUTH_SOCK`); `undefined` when there is none. */
  readonly agentSocket: string | undefined;
  /** Asks a person for the passphrase of a key file; `undefined`: there is no one to ask. */
  readonly passphrase?: (path: string) => Promise<string | undefined>;
  /** Told when a person is waited for, for example to touch a key. */
  readonly onWait?: (what: string) => void;
  /**
   * Who sits at this process's terminal and can answer the questions of the system's OpenSSH; absent: no questions are asked.
   */
  readonly person?: Person | undefined;
  /**
   * Gives up the first connection attempt. Each program has a signal of its own, and `reconnect` heeds its deadline only:
   * after an abort somebody still has to ask the host how things stand.
   */
  readonly signal?: AbortSignal;
  /** What the connections of this run share: turns, and jump hosts. */
  readonly pool?: SshPool;
  /** Takes no turn: a host waits for this connection, which proves that it can be reached. */
  readonly urgent?: boolean;
}

/** Connects to an ssh target and logs in. */
export async function openSshTransport(target: SshTarget, deps: TargetDeps): Promise<Transport> {
  try {
    const connection = await connect({
      host: deps.host,
      ...endpointOf(target, deps),
      jump: hopsOf(target).map((hop) => endpointOf(hop, deps)),
      ...(target.client === 'system' && { client: target.client }),
      ...(deps.person !== undefined && { person: deps.person }),
      deadlineSec: target.connectTimeoutSec,
      ...(deps.signal === undefined ? {} : { signal: deps.signal }),
      ...(deps.onWait === undefined ? {} : { onWait: deps.onWait }),
      ...(deps.pool !== undefined && { pool: deps.pool }),
      ...(deps.urgent === true && { urgent: true }),
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
        : {
            kind: 'identity',
            path: expandHome(identityFile, deps.home),
            agentSocket: deps.agentSocket,
            passphrase: deps.passphrase,
          },
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
export function remoteCommand(program: RemoteProgram, frame: Frame, user: string): string {
  const shell = ['/bin/sh', '-c', frame.command, program.name, ''];
  const words = user === 'root' ? shell : ['env', 'LC_ALL=C', 'sudo', '-n', '--', ...shell];
  return words.map(shellWord).join(' ');
}

/** What the remote shell reads: the program, then what the program reads. */
function withProgram(
  frame: Frame,
  stdin: Buffer | AsyncIterable<Uint8Array>,
): Buffer | AsyncIterable<Uint8Array> {
  return Buffer.isBuffer(stdin) ? Buffer.concat([frame.text, stdin]) : joined(frame.text, stdin);
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

  get hostKeys(): SshConnection['hostKeys'] {
    return this.#connection.hostKeys;
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
    return openSshTransport(this.#target, { ...deps, urgent: true });
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
    const frame = frameOf(program, randomBytes(8).toString('hex'));
    const { onStdout } = options;
    const passed = onStdout === undefined ? undefined : new BetweenMarks(frame, onStdout);
    try {
      const result = await this.#connection.exec(remoteCommand(program, frame, user), {
        ...options,
        ...(passed !== undefined && { onStdout: (chunk: Buffer) => passed.push(chunk) }),
        stdin: withProgram(frame, stdin),
        label: program.name,
      });
      const own = unframed(frame, result.stdout);
      if (own === undefined) throw this.#notStarted(program, result);
      const { stdout, status } = own;
      if (status === undefined) throw this.#cutOff(program, result);
      return { exitCode: status, stdout, stderr: result.stderr };
    } catch (error) {
      throw asCitadelError(error);
    }
  }

  /** The program began, and the host ended it: what it was to do may be done or not. */
  #cutOff(program: RemoteProgram, result: ExecResult): CitadelError {
    const { signal, exitCode } = result;
    return new CitadelError({
      code: 'ssh.lost',
      path: this.#deps.host,
      got: `${this.description}: ${program.name} was ended before its end (${signal ?? `status ${String(exitCode)}`})`,
      fix: 'Something on the host ended it: look at "journalctl -k" for memory that ran out, and at "journalctl -u ssh"; then run it again',
    });
  }

  /** The program did not begin: sudo did not let it, the account has no shell, or its start-up files are in the way. */
  #notStarted(program: RemoteProgram, result: ProgramResult): CitadelError {
    const { user } = this.#target;
    const path = this.#deps.host;
    const refusal = sudoRefusal(result);
    if (refusal !== undefined && user !== 'root') {
      return new CitadelError({
        code: 'ssh.sudo',
        path,
        got: `${this.description}: "${user}" cannot become root without a password (${refusal})`,
        fix: sudoFix(user, refusal),
      });
    }
    const said = firstLine(result.stdout.subarray(0, 200).toString('utf8'));
    if (/^This account is (currently )?not available/.test(said)) {
      return new CitadelError({
        code: 'ssh.shell',
        path,
        got: `${this.description}: the account has no login shell (${said})`,
        fix: `Give it one on the host: usermod --shell /bin/bash ${user}`,
      });
    }
    if (/^This service allows sftp connections only/.test(said)) {
      return new CitadelError({
        code: 'ssh.shell',
        path,
        got: `${this.description}: sshd allows the account no commands (${said})`,
        fix: 'Take ForceCommand internal-sftp (and ChrootDirectory) away for this account in sshd_config on the host, or connect as another',
      });
    }
    if (result.exitCode === NOT_WHOLE) {
      return new CitadelError({
        code: 'ssh.start-up',
        path,
        got: `${this.description}: a start-up file of the login shell of "${user}" reads standard input, so ${program.name} did not arrive whole; nothing of it was run`,
        fix: QUIET,
      });
    }
    const last = result.stderr.trimEnd().split('\n').at(-1) ?? '';
    const words = [last, said].filter((each) => each !== '').join('; ');
    return new CitadelError({
      code: 'ssh.start-up',
      path,
      got: `${this.description}: ${program.name} was not run: the login shell of "${user}" ended with status ${String(result.exitCode)}${words === '' ? '' : ` (${words.slice(0, 300)})`}`,
      fix: `Try it by hand: ssh ${user}@${this.#target.address} /bin/sh -c true. ${QUIET}`,
    });
  }
}

const QUIET =
  'On the host, let the start-up files of that shell (.bashrc, .profile, config.fish, /etc/profile.d) neither read nor end ' +
  'where there is no terminal: begin .bashrc with "case $- in *i*) ;; *) return ;; esac"';

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

/** Both as root on the host; `visudo -c` would take either. */
function sudoFix(user: string, refusal: string): string {
  // sudo reads no file whose name has a dot in it, and some characters mean something to it.
  const file = `/etc/sudoers.d/${user.replace(/[^A-Za-z0-9_-]/g, '_')}`;
  const name = user.replace(/[\\@]/g, '\\$&');
  const write = name === user ? 'echo' : "printf '%s\\n'";
  if (/must have a tty/.test(refusal)) {
    return `On the host, as root: ${write} 'Defaults:${name} !requiretty' >> ${file} && chmod 0440 ${file}, or connect as root`;
  }
  return (
    `On the host, as root: ${write} '${name} ALL=(ALL) NOPASSWD: ALL' > ${file} && ` +
    `chmod 0440 ${file} (with "apt-get install sudo" first if there is none), or connect as root`
  );
}

const SUDO_REFUSALS = [
  /^sudo: a password is required$/,
  /^sudo: a terminal is required .*$/,
  // sudo-rs
  /^sudo(-rs)?: interactive authentication is required.*$/i,
  /^sudo(-rs)?: I'm sorry .* I'm afraid I can't do that\.?$/,
  /^sudo: sorry, you must have a tty to run sudo$/,
  /^.* is not in the sudoers file\..*$/,
  /^Sorry, user .* is not allowed to execute .*$/,
  /^.* is not allowed to run sudo on .*$/,
  /^sudo: account validation failure.*$/,
  /^sudo: PAM account management error.*$/,
  /^env: .?sudo.?: No such file or directory$/,
];

/** Sudo's own words when it refused. */
function sudoRefusal(result: ProgramResult): string | undefined {
  if (result.exitCode !== 1 && result.exitCode !== 127) return undefined;
  const line = result.stderr.split('\n').find((each) => SUDO_REFUSALS.some((pattern) => pattern.test(each)));
  // sudo names the whole command in some of its refusals.
  return line === undefined || line.length <= 200 ? line : `${line.slice(0, 200)}…`;
}
