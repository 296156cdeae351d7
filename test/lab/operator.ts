import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { repository, type HostName, type Layout } from './layout.js';
import { must, run, type Finished, type RunOptions } from './process.js';

/** The operator's side: programs that can reach the lab's hosts and nothing else. Their working folder is the repository. */
export class Operator {
  readonly #lab: Layout;

  constructor(lab: Layout) {
    this.#lab = lab;
  }

  /** Private key that root and agent0 of every host accept. */
  get identityFile(): string {
    return this.#lab.operatorKey;
  }

  /** OpenSSH known_hosts file with every host's keys, by address and by name. */
  get knownHosts(): string {
    return this.#lab.knownHosts;
  }

  /** For OpenSSH's `-F`: knows every host by name, its address, key and pins. */
  get sshConfig(): string {
    return this.#lab.sshConfig;
  }

  exec(command: readonly string[] | string, options: RunOptions = {}): Promise<Finished> {
    return run(this.argv(command), { cwd: repository, ...options });
  }

  mustExec(command: readonly string[] | string, options: RunOptions = {}): Promise<string> {
    return must(this.argv(command), { cwd: repository, ...options });
  }

  /** A program that the test feeds, watches or kills itself; the caller ends it. The pid is the program's own. */
  spawn(command: readonly string[] | string, options: SpawnOptions = {}): ChildProcess {
    const [program = '', ...args] = this.argv(command);
    return spawn(program, args, { cwd: repository, ...options });
  }

  argv(command: readonly string[] | string): string[] {
    const argv = typeof command === 'string' ? ['sh', '-c', command] : command;
    return ['ip', 'netns', 'exec', this.#lab.operatorNetns, ...argv];
  }

  /** OpenSSH to a host, with pinned host keys. */
  ssh(
    host: HostName,
    command: string,
    options: RunOptions & { readonly user?: string } = {},
  ): Promise<Finished> {
    const user = options.user === undefined ? [] : ['-l', options.user];
    return this.exec(['ssh', '-F', this.sshConfig, ...user, host, command], options);
  }
}
