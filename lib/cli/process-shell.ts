import { setMaxListeners } from 'node:events';
import { readFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { CitadelError } from '../manifest/index.js';
import { errorMessage } from '../text/error-message.js';
import type { EnginePort } from './engine-port.js';
import { EXIT } from './exit-code.js';
import { CONFIG, type SiteModule } from './site-module.js';
import { Interrupted, type App, type AskOptions, type Shell, type Sink } from './shell.js';
import { makeStyle, type Style } from './text/style.js';

/** The real outside world: this process, its terminal and its files. */
export function processShell(site: SiteModule, version: string): Shell {
  let app: Promise<App> | undefined;
  let engine: Promise<EnginePort> | undefined;
  return {
    out: sinkOf(process.stdout),
    err: sinkOf(process.stderr),
    env: process.env,
    cwd: process.cwd(),
    site: site.folder,
    interactive: isTerminal(process.stdin) && isTerminal(process.stderr),
    who: whoIsThis(),
    version,
    signal: interruptSignal(),
    now: () => Date.now(),
    confirm: confirmed,
    ask,
    readFile: readTextFile,
    app: () => (app ??= loadApp(site)),
    engine: () => (engine ??= import('./engine.js').then(({ realEngine }) => realEngine(process.env))),
  };
}

/** Waits until what was written has left this process; a reader that went away is no error. */
export async function flush(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength === 0 || stream.destroyed) return;
  await new Promise<void>((done) => {
    stream.once('error', () => done());
    stream.write('', () => done());
  });
}

/** The stream's own property is absent, whatever its type says, when it is a pipe or a file. */
function isTerminal({ isTTY }: { readonly isTTY?: boolean }): boolean {
  return isTTY === true;
}

function sinkOf(stream: NodeJS.WriteStream): Sink {
  // `citadel-iac history | head` closes the pipe early: that is the reader's right.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return {
    isTerminal: isTerminal(stream),
    write: (text) => {
      if (!stream.destroyed && stream.writable) stream.write(text);
    },
  };
}

/** Aborted by the first Ctrl-C (or TERM); the second ends the process at once. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  // Each host of a command listens; Node takes more than ten for a mistake.
  setMaxListeners(0, controller.signal);
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return controller.signal;
}

function whoIsThis(): string {
  const sudoUser = process.env['SUDO_USER'];
  if (sudoUser !== undefined && sudoUser !== '') return `${sudoUser}@${hostname()}`;
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // An account number without a name, as in some containers.
    return `uid-${process.getuid?.() ?? 'unknown'}@${hostname()}`;
  }
}

async function confirmed(question: string, colour: boolean): Promise<boolean> {
  const { default: confirm } = await import('@inquirer/confirm');
  return answered(
    confirm(
      { message: question, default: false, theme: questionTheme(makeStyle(colour)) },
      { output: process.stderr },
    ),
  );
}

async function ask(question: string, { initial, check, colour }: AskOptions): Promise<string> {
  const { default: input } = await import('@inquirer/input');
  const theme = questionTheme(makeStyle(colour));
  return answered(
    input(
      { message: question, ...(initial !== '' && { default: initial }), validate: check, theme },
      { output: process.stderr },
    ),
  );
}

async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitPromptError')
      throw new Interrupted('left the question');
    throw error;
  }
}

/** The whole look of a question: what is not given here, the prompt colours by what standard output is. */
function questionTheme({ bold, cyan, dim, green, red }: Style) {
  return {
    prefix: { idle: cyan('?'), done: green('✓') },
    style: {
      message: bold,
      answer: cyan,
      defaultAnswer: (text: string) => dim(`(${text})`),
      error: (text: string) => red(`> ${text}`),
    },
  };
}

async function readTextFile(path: string): Promise<string> {
  try {
    if (path !== '-') return await readFile(resolve(path), 'utf8');
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString('utf8');
  } catch (error) {
    const words = reason(error);
    throw new CitadelError(
      {
        code: 'cli.file',
        path,
        got: `cannot be read: ${words}`,
        fix: 'Name a file that you can read, or - for standard input.',
      },
      { cause: error },
    );
  }
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a directory';
  return errorMessage(error);
}

async function loadApp({ folder, load }: SiteModule): Promise<App> {
  const module: unknown = await load();
  const site = Object(module) as { readonly default?: unknown };
  const app = Object(site.default) as Partial<App>;
  if (typeof app.buildHosts !== 'function') {
    throw new CitadelError({
      code: 'cli.site',
      path: join(folder, CONFIG),
      got: 'exports no site by default',
      fix: 'Write: export default defineSite({ roles: [...] });',
    });
  }
  return {
    ...(app as App),
    ...(app.inventory === undefined ? {} : { inventory: shown(resolve(folder, app.inventory)) }),
  };
}

/** Relative to the working directory where it lies below it, as a person would write it. */
function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') ? path : near;
}
