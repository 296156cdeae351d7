import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { shellWord } from '../../text/shell-word.js';
import { type LoginWay, masterArguments, throughArguments } from './arguments.js';
import { type ConfiguredWay, programWithPlace, silentProxyCommand } from './configured-way.js';
import { writeFiles } from './folder.js';
import { readLog, type Seen } from './log.js';
import type { Machine } from './machines.js';
import { pinFiles, pinsFor, readPins } from './pins.js';

/** The master that the way to a machine leads through. */
export interface Via {
  /** Its control socket. */
  readonly socket: string;
  readonly address: string;
  /** What its log says now. */
  seen(): Seen;
}

export interface LoginPlan {
  readonly machine: Machine;
  readonly via?: Via | undefined;
  /** How OpenSSH's configuration reaches the machine, where nothing else leads there. */
  readonly way: ConfiguredWay;
  readonly folder: string;
  readonly mayAsk: boolean;
  readonly keepaliveSec: number;
  readonly connectSec: number;
  /** The agent's socket; absent: what the environment and OpenSSH's configuration say. */
  readonly agent?: string;
}

/** One OpenSSH that logs in and then stays, in the background, as the master of the connection. */
export class Login {
  /** Resolves to whether it logged in; rejects when OpenSSH cannot be started. */
  readonly ended: Promise<boolean>;
  readonly #child: ChildProcess;

  constructor(private readonly plan: LoginPlan) {
    const { folder, machine, via, agent, mayAsk } = plan;
    if (via !== undefined) {
      const words = ['ssh', ...throughArguments(via.socket)].map(shellWord).join(' ');
      // "$1" and "$2": where to, as OpenSSH says it (%h, %p).
      const go = `${words} -W "[$1]:$2" -- ${shellWord(via.address)}`;
      // The client of a master heeds Ctrl-C whatever it was told: away from the terminal, where there is a way (not on macOS).
      writeFiles(folder, { [THROUGH]: `command -v setsid >/dev/null && exec setsid ${go}\nexec ${go}\n` });
    }
    const way = this.#way();
    // Files, and no pipes: what OpenSSH has started (ProxyCommand) writes there for as long as it runs.
    const err = openSync(join(folder, 'err'), 'w', 0o600);
    try {
      const words = masterArguments(machine.endpoint, way, this.socket.replaceAll('%', '%%'));
      this.#child = spawn('/bin/sh', ['-c', HEEDLESS, 'ssh', ...words], {
        stdio: ['ignore', err, err],
        env: {
          ...process.env,
          // Also what it starts (ProxyCommand) asks no one, on no terminal and in no window.
          ...(!mayAsk && { SSH_ASKPASS: 'false', SSH_ASKPASS_REQUIRE: 'force' }),
          ...(agent !== undefined && { SSH_AUTH_SOCK: agent }),
        },
      });
    } finally {
      closeSync(err);
    }
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      // In the background it is another process; this one ends with 0 when that has logged in and listens.
      this.#child.once('exit', (code) => {
        if (code === NOT_FOUND) reject(new NoSsh());
        else resolve(code === 0);
      });
    });
    this.ended.catch(() => undefined);
  }

  /** The control socket of the master. */
  get socket(): string {
    return join(this.plan.folder, 's');
  }

  /** What its log says. */
  seen(): Seen {
    return readLog(read(join(this.plan.folder, LOG)));
  }

  /** What OpenSSH and the programs it started wrote to standard error. */
  other(): string {
    return read(join(this.plan.folder, 'err'));
  }

  stop(): void {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 1000);
    this.#child.once('exit', () => clearTimeout(timer));
  }

  #way(): LoginWay {
    const { folder, machine, via, way, mayAsk, keepaliveSec, connectSec } = this.plan;
    const pins = pinsFor(readPins(machine.endpoint.hostKeys), machine.next.principal);
    const { files, command } = pinFiles(folder, 'pins', pins, process.execPath);
    writeFiles(folder, { ...files, [LOG]: '' });
    const proxyCommand =
      via !== undefined
        ? programWithPlace(join(folder, THROUGH))
        : mayAsk
          ? undefined
          : silentProxyCommand(way, folder);
    return {
      pinsCommand: command,
      ...(proxyCommand !== undefined && { proxyCommand }),
      log: join(folder, LOG),
      mayAsk,
      keepaliveSec,
      connectSec,
      ...machine.next,
    };
  }
}

/** There is no program `ssh`. */
export class NoSsh extends Error {}

/**
 * Ctrl-C is for us: we end the log-in, and a host that is at work is still asked how things stand. It reaches all processes
 * of the terminal, and what OpenSSH has started (ProxyCommand, the way through a jump host) would end the connection.
 */
const HEEDLESS = 'trap "" INT; exec ssh "$@"';
/** Status of a shell that finds no such program. */
const NOT_FOUND = 127;
const LOG = 'log';
const THROUGH = 'through.sh';

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
