import { spawn } from 'node:child_process';
import { CitadelError } from '../../manifest/index.js';
import { Interrupted, type Shell } from '../shell.js';

/** How long an editor that was asked to end may take, in milliseconds. */
const END_MS = 2_000;

/**
 * The person's editor as an argument vector. `VISUAL` and `EDITOR` may hold arguments (`code --wait`) and quotes, as git
 * takes them; no shell reads them, so there are no variables and no commands in them.
 */
export function editorCommand(env: Shell['env']): { readonly from: string; readonly words: string[] } {
  for (const from of ['VISUAL', 'EDITOR']) {
    const value = env[from];
    if (value === undefined || value.trim() === '') continue;
    const words = splitWords(value);
    if (words !== undefined) return { from, words };
    throw new CitadelError({
      code: 'cli.editor',
      path: from,
      got: 'has a quote that does not end',
      fix: `Write it as you would on a command line, for example ${from}='code --wait'`,
    });
  }
  return { from: 'EDITOR', words: ['vi'] };
}

/** Words as a POSIX shell splits them, without expanding anything; `undefined` when a quote is left open. */
export function splitWords(text: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  for (let rest = text; rest !== '';) {
    const [match = ''] = /^(\s+|'[^']*'|"(\\[^]|[^"\\])*"|\\[^]|[^\s'"\\]+)/.exec(rest) ?? [];
    if (match === '') return undefined;
    rest = rest.slice(match.length);
    if (/^\s/.test(match)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = `${word ?? ''}${unquoted(match)}`;
    }
  }
  return word === undefined ? words : [...words, word];
}

function unquoted(part: string): string {
  if (part.startsWith("'")) return part.slice(1, -1);
  if (part.startsWith('"')) return part.slice(1, -1).replaceAll(/\\(["\\$`])/g, '$1');
  return part.startsWith('\\') ? part.slice(1) : part;
}

/**
 * Runs the editor on a file until it ends. As git does, this process leaves Ctrl-C to the editor meanwhile: it may mean
 * something there. TERM ends both.
 *
 * @throws Interrupted when the editor was ended by a signal
 * @throws CitadelError when it cannot be started or says that it failed
 */
export async function runEditor(path: string, shell: Pick<Shell, 'env' | 'signal' | 'cwd'>): Promise<void> {
  const { from, words } = editorCommand(shell.env);
  const [program = '', ...args] = words;
  const held = process.listeners('SIGINT');
  const ignore = (): void => undefined;
  process.removeAllListeners('SIGINT');
  process.on('SIGINT', ignore);
  let code: number | null;
  try {
    code = await new Promise<number | null>((done, failed) => {
      const child = spawn(program, [...args, path], {
        stdio: 'inherit',
        cwd: shell.cwd,
        env: shell.env,
      });
      const end = (): void => {
        child.kill('SIGTERM');
        setTimeout(() => child.kill('SIGKILL'), END_MS).unref();
      };
      // No one is left to read what an editor without us would save.
      const exit = (): void => void child.kill('SIGTERM');
      shell.signal.addEventListener('abort', end);
      process.on('exit', exit);
      child.on('error', failed);
      child.on('close', (status) => {
        shell.signal.removeEventListener('abort', end);
        process.off('exit', exit);
        done(status);
      });
      if (shell.signal.aborted) end();
    });
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
    const got = `the editor "${program}" cannot be started: ${reason}`;
    const fix = 'Name one that is installed in VISUAL or EDITOR';
    throw new CitadelError({ code: 'cli.editor', path: from, got, fix }, { cause: error });
  } finally {
    process.off('SIGINT', ignore);
    for (const listener of held) process.on('SIGINT', listener);
  }
  if (code === null || shell.signal.aborted) throw new Interrupted('the editor was ended');
  if (code === 0) return;
  throw new CitadelError({
    code: 'cli.editor',
    path: from,
    got: `the editor "${program}" ended with status ${code}: nothing was changed`,
    fix: 'Run the command again',
  });
}
