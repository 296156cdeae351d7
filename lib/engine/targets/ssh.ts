import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { CitadelError, hopsOf, type SshTarget } from '../../manifest/index.js';
import {
  connect,
  type ExecResult,
  formatParty,
  type Person,
  sshByHand,
  UNCONFIGURED,
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
import { becomeOf, type Refusal, refusalOf, remoteCommand, withPassword } from './become.js';
import { asCitadelError } from './errors.js';
import { BetweenMarks, frameOf, unframed } from './frame.js';
import { notStarted } from './not-started.js';

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
  /** Asks a person for the password that sudo wants of an account; `undefined`: there is no one to ask. */
  readonly sudoPassword?: (user: string) => Promise<string | undefined>;
  /** The value of one of the inventory's secrets, for passphrases and sudo's password. */
  readonly secret?: (name: string) => Promise<Buffer | string>;
  /** Told when a person is waited for, for example to touch a key. */
  readonly onWait?: (what: string) => void;
  /**
   * Who sits at this process's terminal and can answer the questions of the system's OpenSSH; absent: no questions are asked.
   */
  readonly person?: Person | undefined;
  /**
   * Gives up the first connection attempt. Each program has a signal of its own, and `reconnect` heeds its own alone:
   * after an abort the host still has to be asked how things stand.
   */
  readonly signal?: AbortSignal;
  /** What the connections of this run share: turns, and jump hosts. */
  readonly pool?: SshPool;
  /** Takes no turn: a host waits for this connection, which proves that it can be reached. */
  readonly urgent?: boolean;
}

/** Connects to an ssh target and logs in. */
export async function openSshTransport(
  target: SshTarget,
  deps: TargetDeps,
  sudo: SudoState = { wanted: target.sudoPassword !== undefined && becomeOf(target) === 'sudo' },
): Promise<Transport> {
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
    return new SshTransport(target, deps, connection, sudo);
  } catch (error) {
    throw asCitadelError(error);
  }
}

type Endpoint = Pick<
  SshTarget,
  'address' | 'port' | 'user' | 'hostKeys' | 'identityFile' | 'identityPassphrase'
>;

function endpointOf(endpoint: Endpoint, deps: TargetDeps): SshEndpoint {
  const { address, port, user, hostKeys, identityFile, identityPassphrase } = endpoint;
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
            passphrase:
              identityPassphrase === undefined ? deps.passphrase : () => secretText(deps, identityPassphrase),
          },
  };
}

async function secretText({ secret }: TargetDeps, name: string): Promise<string | undefined> {
  return (await secret?.(name))?.toString('utf8');
}

export function expandHome(path: string, home: string): string {
  return resolve(path === '~' || path.startsWith('~/') ? `${home}${path.slice(1)}` : path);
}

/** What the remote shell reads: the program, then what the program reads. */
function withProgram(
  text: Buffer,
  stdin: Buffer | AsyncIterable<Uint8Array>,
): Buffer | AsyncIterable<Uint8Array> {
  return Buffer.isBuffer(stdin) ? Buffer.concat([text, stdin]) : joined(text, stdin);
}

async function* joined(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}

/** Whether sudo wants a password on this host; the connections that follow each other share it. */
interface SudoState {
  wanted: boolean;
}

class SshTransport implements Transport {
  readonly kind = 'ssh';
  readonly description: string;
  readonly #target: SshTarget;
  readonly #deps: TargetDeps;
  readonly #connection: SshConnection;
  readonly #sudo: SudoState;

  constructor(target: SshTarget, deps: TargetDeps, connection: SshConnection, sudo: SudoState) {
    this.#sudo = sudo;
    this.#target = target;
    this.#deps = deps;
    this.#connection = connection;
    this.description = formatParty(connection.party);
  }

  get hostKeys(): SshConnection['hostKeys'] {
    return this.#connection.hostKeys;
  }

  get reached(): SshConnection['reached'] {
    return this.#connection.reached;
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

  reconnect(signal?: AbortSignal): Promise<Transport> {
    const { signal: _first, ...deps } = this.#deps;
    const more = { urgent: true, ...(signal !== undefined && { signal }) };
    return openSshTransport(this.#target, { ...deps, ...more }, this.#sudo);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #exec(
    program: RemoteProgram,
    stdin: Buffer | AsyncIterable<Uint8Array>,
    options: RunOptions,
  ): Promise<ProgramResult> {
    const frame = frameOf(program, nonce());
    const { onStdout } = options;
    const passed = onStdout === undefined ? undefined : new BetweenMarks(frame, onStdout);
    try {
      const password = this.#sudo.wanted ? await this.#password() : undefined;
      const become = becomeOf(this.#target);
      const asked = password === undefined ? undefined : withPassword(program, frame, password, nonce());
      const text = asked === undefined ? frame.text : Buffer.concat([asked.before, frame.text]);
      const result = await this.#connection.exec(asked?.command ?? remoteCommand(program, frame, become), {
        ...options,
        ...(passed !== undefined && { onStdout: (chunk: Buffer) => passed.push(chunk) }),
        stdin: withProgram(text, stdin),
        label: program.name,
      });
      const own = unframed(frame, result.stdout);
      if (own === undefined) {
        const refused = refusalOf(become, this.#target.user, result, this.#given(password));
        // What was read piece by piece cannot be sent again.
        if (
          refused?.wantsPassword !== true ||
          !Buffer.isBuffer(stdin) ||
          (await this.#password()) === undefined
        )
          throw this.#notStarted(program, result, refused);
        this.#sudo.wanted = true;
        return await this.#exec(program, stdin, options);
      }
      const { stdout, status } = own;
      if (status === undefined) throw this.#cutOff(program, result);
      return { exitCode: status, stdout, stderr: result.stderr };
    } catch (error) {
      throw asCitadelError(error);
    }
  }

  #given(password: string | undefined): Parameters<typeof refusalOf>[3] {
    if (password !== undefined) return 'given';
    const { secret, sudoPassword } = this.#deps;
    return secret === undefined && sudoPassword === undefined ? 'impossible' : 'none';
  }

  async #password(): Promise<string | undefined> {
    const { sudoPassword, user } = this.#target;
    if (sudoPassword === undefined) return this.#deps.sudoPassword?.(user);
    const value = await secretText(this.#deps, sudoPassword);
    if (value === undefined || !/[\0\r\n]/.test(value)) return value;
    throw new CitadelError({
      code: 'ssh.sudo',
      path: this.#deps.host,
      got: `the secret ${sudoPassword}, which sudoPassword names, holds more than one line`,
      fix: 'Keep the password alone in it',
      about: ['sudoPassword'],
    });
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
  #notStarted(program: RemoteProgram, result: ProgramResult, refused: Refusal | undefined): CitadelError {
    const { user } = this.#target;
    const hops = hopsOf(this.#target).map((hop) => endpointOf(hop, this.#deps));
    const options = this.#target.client === 'system' ? [] : UNCONFIGURED;
    const byHand = sshByHand(endpointOf(this.#target, this.#deps), hops, ...options);
    const reason =
      refused === undefined
        ? notStarted({ user, byHand, program: program.name }, result)
        : { code: 'ssh.sudo', got: refused.got, fix: refused.fix, about: refused.about };
    return new CitadelError({ ...reason, path: this.#deps.host, got: `${this.description}: ${reason.got}` });
  }
}

/** Letters and digits that nothing else sends. */
function nonce(): string {
  return randomBytes(8).toString('hex');
}
