import type { Inventory } from '../inventory/index.js';
import type { Role } from '../site/role.js';
import type { HostManifest } from '../manifest/index.js';
import type { EnginePort } from './engine-port.js';

/** A stream of text for a person or a program. */
export interface Sink {
  write(text: string): void;
  readonly isTerminal: boolean;
}

/** What `citadel.config.ts` exports: a `Site`, of which the commands need no more than this. */
export interface App {
  /** @default [] */
  readonly roles?: readonly Role[];
  /** Absolute path of the inventory that is read where none is named. */
  readonly inventory?: string;
  readonly notes?: (inventory: Inventory) => readonly string[];
  buildHosts(inventory: Inventory): readonly HostManifest[] | Promise<readonly HostManifest[]>;
}

/** The outside world as the commands see it. `process-shell.ts` is the real one; tests pass their own. */
export interface Shell {
  /** Results. */
  readonly out: Sink;
  /** Progress, questions and problems. */
  readonly err: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The folder of the site whose code runs, absolute. */
  readonly site?: string;
  /** Whether someone sits there who could answer a question. */
  readonly interactive: boolean;
  /** `anna@laptop`: for the lock and the history on the host. */
  readonly who: string;
  /** Of this program. */
  readonly version: string;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  /** Milliseconds since 1970, by this machine's clock. */
  now(): number;
  /** A yes or no question; no is the default. */
  confirm(question: string, colour: boolean): Promise<boolean>;
  /** A question that is answered with a line of text. */
  ask(question: string, options: AskOptions): Promise<string>;
  /** @throws CitadelError when the file cannot be read; `-` is standard input */
  readFile(path: string): Promise<string>;
  app(): Promise<App>;
  engine(): Promise<EnginePort>;
}

export interface AskOptions {
  /** What return alone means. */
  readonly initial: string;
  /** True, or what is wrong with an answer; asked again until it is right. */
  readonly check: (answer: string) => true | string;
  readonly colour: boolean;
}

/** Which hosts a command is about, next to those named one by one. */
export interface ChoiceOptions {
  /** `--on`: names, globs, ranges, `@GROUP`, `@failed` and `@rest`. */
  readonly on?: readonly string[];
  /** `--except`: the same. */
  readonly except?: readonly string[];
}

/** Options that every command has. */
export interface CommonOptions extends ChoiceOptions {
  readonly inventory?: string;
  readonly json?: boolean;
  /** A line of JSON for each host as it comes; only of commands that have `--json-lines`. */
  readonly jsonLines?: boolean;
  /** `--parallel`: hosts at a time. */
  readonly parallel?: number;
  /** False after `--no-color`. */
  readonly color?: boolean;
}

/** Thrown by {@link Shell.confirm} and {@link Shell.ask} when the question was left with Ctrl-C. */
export class Interrupted extends Error {}
