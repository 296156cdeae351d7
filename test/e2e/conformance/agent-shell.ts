import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { LabHost } from '../../lab/api.js';

/** How one command ended. */
export interface Typed {
  /** Exit status; `null` when it was still running at its deadline. */
  readonly code: number | null;
  /** Standard output and error, as they came. */
  readonly printed: string;
}

/**
 * A login shell of `agent0` that stays open, as a person has it: what one command sets (`cd`, a variable) is there for the next.
 * Commands are typed as they are; they find no input to read.
 */
export class AgentShell {
  private printed = '';
  private awake: () => void = () => undefined;

  private constructor(private readonly shell: ChildProcessWithoutNullStreams) {
    const take = (data: Buffer): void => {
      this.printed += data.toString('utf8');
      this.awake();
    };
    shell.stdout.on('data', take);
    shell.stderr.on('data', take);
    shell.on('close', () => this.awake());
  }

  static open(host: LabHost): AgentShell {
    const [program = '', ...args] = host.argv(['bash', '-l'], 'agent0');
    const shell = new AgentShell(spawn(program, args, { stdio: 'pipe' }));
    shell.shell.stdin.write('exec 2>&1\nexport TERM=xterm LINES=50 COLUMNS=200\n');
    return shell;
  }

  /** Types a command and waits for its end. */
  async type(command: string, seconds: number): Promise<Typed> {
    const mark = `end-${randomUUID()}`;
    this.printed = '';
    this.shell.stdin.write(`{ ${command}\n} </dev/null\nprintf '\\n%s %d\\n' ${mark} $?\n`);
    const end = new RegExp(`\\n${mark} (\\d+)\\n`);
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const found = end.exec(this.printed);
      if (found !== null) return { code: Number(found[1]), printed: this.printed.slice(0, found.index) };
      const left = deadline - Date.now();
      if (left <= 0 || this.shell.exitCode !== null) return { code: null, printed: this.printed };
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 1000));
        this.awake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Types a command on a terminal of its own. */
  typeOnTerminal(command: string, seconds: number): Promise<Typed> {
    return this.type(onTerminal(command), seconds);
  }

  /** Types a command that never ends by itself on a terminal, and ends it with Ctrl-C's signal after a while. */
  typeEndless(command: string, seconds: number): Promise<Typed> {
    return this.type(`timeout --signal=INT --kill-after=5 ${seconds} ${onTerminal(command)}`, seconds + 20);
  }

  close(): void {
    this.shell.stdin.end('exit\n');
  }
}

function onTerminal(command: string): string {
  return `script -qec '${command.replaceAll("'", `'\\''`)}' /dev/null`;
}
