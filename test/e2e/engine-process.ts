import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { ApplyResult, ProgressLine } from '../../lib/engine/index.js';
import type { HostManifest } from '../../lib/manifest/index.js';
import type { HostName, Lab } from '../lab/api.js';
import type { EngineJob, EngineSays } from './run-engine.js';

export type JobOptions = Omit<EngineJob, 'host' | 'target' | 'manifest'> & {
  /** Parts of the target that differ from the lab's, for example a proxy's address. */
  readonly target?: Readonly<Record<string, unknown>>;
};

/** `run-engine.ts` in the operator's namespace: the operator's machine, as far as a host can tell. */
export class EngineProcess {
  readonly #lab: Lab;
  readonly #child: ChildProcess;
  readonly #lines: EngineSays[] = [];
  #wake: () => void = () => undefined;
  #gone = false;
  #errors = '';

  constructor(lab: Lab) {
    this.#lab = lab;
    this.#child = lab.operator.spawn([process.execPath, '--import', 'tsx', 'test/e2e/run-engine.ts'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString('utf8');
    });
    if (this.#child.stdout === null) throw new Error('the engine has no output');
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#lines.push(JSON.parse(line) as EngineSays);
      this.#wake();
    });
    this.#child.on('close', () => {
      this.#gone = true;
      this.#wake();
    });
  }

  /** Hands it a job and does not wait. */
  async begin(host: HostName, manifest: HostManifest, options: JobOptions = {}): Promise<void> {
    this.#lines.length = 0;
    const entry = (await this.#lab.inventory())[host];
    const { target, ...rest } = options;
    const job: EngineJob = { host, target: { ...entry, ...target }, manifest, ...rest };
    this.#child.stdin?.write(`${JSON.stringify(job)}\n`);
  }

  async apply(host: HostName, manifest: HostManifest, options: JobOptions = {}): Promise<ApplyResult> {
    await this.begin(host, manifest, options);
    return this.result();
  }

  /** The result of the job at hand. */
  async result(): Promise<ApplyResult> {
    const said = await this.#until((words) => 'result' in words || 'error' in words, 'a result');
    if ('result' in said) return said.result;
    throw new Error('error' in said ? said.error : 'no result');
  }

  /** Waits for a note of the transaction: a fault's way to say that it has come to its point. */
  async note(text: string): Promise<void> {
    await this.progress((line) => line.kind === 'note' && line.text === text, `the note "${text}"`);
  }

  async progress(test: (line: ProgressLine) => boolean, what: string): Promise<void> {
    const found = await this.#until(
      (words) => ('progress' in words && test(words.progress)) || 'result' in words || 'error' in words,
      what,
    );
    if (!('progress' in found)) throw new Error(`ended before ${what}: ${JSON.stringify(this.#lines)}`);
  }

  /** Everything that was said about the job at hand. */
  get said(): readonly EngineSays[] {
    return this.#lines;
  }

  interrupt(): void {
    this.#child.kill('SIGINT');
  }

  /** As the operator's machine is, when its lid is closed. */
  suspend(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    while (!this.#gone) await this.#nextWord();
  }

  async end(): Promise<void> {
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    while (!this.#gone) await this.#nextWord();
    clearTimeout(timer);
  }

  async #until(test: (words: EngineSays) => boolean, what: string): Promise<EngineSays> {
    const timer = setTimeout(() => {
      this.#errors += `no ${what} within 150 s; `;
      this.#child.kill('SIGKILL');
    }, 150_000);
    try {
      for (;;) {
        const found = this.#lines.find(test);
        if (found !== undefined) return found;
        if (this.#gone) throw new Error(`the engine is gone: ${this.#errors} ${JSON.stringify(this.#lines)}`);
        await this.#nextWord();
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #nextWord(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
