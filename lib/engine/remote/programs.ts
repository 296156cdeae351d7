import { readFileSync } from 'node:fs';
import { asset } from '../../text/assets.js';
import type { RemoteProgram } from '../transport.js';

/**
 * The text of one script of this folder.
 *
 * @param name a file name without a folder, for example `observe.sh`
 * @throws Error when there is no such script: a mistake in the program, never of a user
 */
export function loadScript(name: string): string {
  if (!/^[a-z0-9][a-z0-9-]*\.sh$/.test(name)) throw new Error(`not a script name: ${JSON.stringify(name)}`);
  return readFileSync(asset(`lib/engine/remote/${name}`), 'utf8');
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
