import { readFileSync } from 'node:fs';
import type { RemoteProgram } from '../transport.js';

/**
 * File name → text of every `remote/*.sh`, put in place of this name by esbuild's `define` when the engine is
 * bundled (see `inline.ts`). From source the name does not exist, and the files are read from beside this module.
 */
declare const CITADEL_REMOTE_SCRIPTS: Readonly<Record<string, string>> | undefined;

/**
 * The text of one script of this folder.
 *
 * @param name a file name without a folder, for example `observe.sh`
 * @throws Error when there is no such script: a mistake in the program, never of a user
 */
export function loadScript(name: string): string {
  if (!/^[a-z0-9][a-z0-9-]*\.sh$/.test(name)) throw new Error(`not a script name: ${JSON.stringify(name)}`);
  if (typeof CITADEL_REMOTE_SCRIPTS !== 'undefined') {
    const text = CITADEL_REMOTE_SCRIPTS[name];
    if (text === undefined) throw new Error(`${name} was not bundled; build the bundle again`);
    return text;
  }
  return readFileSync(new URL(`./${name}`, import.meta.url), 'utf8');
}

/**
 * A program for the host from constant script files, one after the other (functions first, the main part last).
 * The text is read when it is first needed, so that declaring a program costs nothing at start.
 *
 * @param name shown in messages and in the host's process list: lower-case letters, digits and `-`
 */
export function defineProgram<E extends RemoteProgram['effect']>(
  name: string,
  effect: E,
  ...scriptFiles: readonly string[]
): RemoteProgram & { readonly effect: E } {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw new Error(`not a program name: ${JSON.stringify(name)}`);
  let script: string | undefined;
  return {
    name,
    effect,
    get script(): string {
      script ??= scriptFiles.map((file) => withFinalNewline(loadScript(file))).join('');
      return script;
    },
  };
}

function withFinalNewline(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
