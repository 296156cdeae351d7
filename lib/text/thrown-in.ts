import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PACKAGE_ROOT } from './assets.js';
import { errorMessage } from './error-message.js';

/** Where a person's own code fails, and what it says. */
export interface ThrownIn {
  /** `lib/web.ts:12:5`, relative to the folder; line and column may be missing. */
  readonly place: string;
  /** What was said, in one line. */
  readonly got: string;
  /** What is to be done about it. */
  readonly fix: string;
}

const OURS = ['dist', 'lib', 'bin'].map((name) => `${join(PACKAGE_ROOT, name)}/`);
/** A frame of a stack, or the line above a SyntaxError's. */
const FRAME = /^(?:\s+at (?:.* \()?|)(?:async )?((?:file:\/\/)?\/.*?):(\d+)(?::(\d+))?\)?$/;
/** esbuild's, of a file that is no TypeScript. */
const TRANSFORM = /^(\/.*?):(\d+):(\d+): ERROR: (.*)$/m;
const NOT_FOUND = /^Cannot find (package|module) '([^']*)' imported from (.*)$/;

/**
 * Whether an error comes from the code of a folder: thrown there, or called from there. Packages below it do not count, nor
 * does this program's own code. `undefined`: it does not.
 */
export function thrownIn(folder: string, error: unknown): ThrownIn | undefined {
  const words = errorMessage(error);
  const own = (path: string): string | undefined => {
    const file = path.startsWith('file://') ? fileURLToPath(path) : path;
    const isOwn =
      file.startsWith(`${folder}/`) &&
      !file.includes('/node_modules/') &&
      !OURS.some((ours) => file.startsWith(ours));
    return isOwn ? relative(folder, file) : undefined;
  };

  const transform = TRANSFORM.exec(words);
  const broken = transform === null ? undefined : own(transform[1] ?? '');
  if (transform !== null && broken !== undefined)
    return {
      place: `${broken}:${transform[2] ?? ''}:${transform[3] ?? ''}`,
      got: transform[4] ?? '',
      fix: 'Correct it there.',
    };

  const [, kind, name, importer] = NOT_FOUND.exec(words) ?? [];
  const importing = importer === undefined ? undefined : own(importer);
  if (importing !== undefined)
    return {
      place: importing,
      got: `imports ${JSON.stringify(kind === 'module' ? (own(name ?? '') ?? name) : name)}, which is not there`,
      fix:
        kind === 'module' ? 'Correct the import there.' : 'Run "npm install", or correct the import there.',
    };

  let isDirect = true;
  for (const line of (error instanceof Error ? (error.stack ?? '') : '').split('\n')) {
    const frame = FRAME.exec(line);
    const file = frame?.[1];
    if (frame === null || file === undefined) continue;
    const path = own(file);
    if (path === undefined) {
      isDirect = false;
      continue;
    }
    return {
      place: [path, frame[2], frame[3]].filter((part) => part !== undefined).join(':'),
      got: words,
      fix: isDirect
        ? 'It is the code of this site that fails: correct it there. CITADEL_DEBUG=1 shows the whole stack.'
        : 'What is called there fails: look whether the call is as documented. If it is, run it again with CITADEL_DEBUG=1 and report what it prints.',
    };
  }
  return undefined;
}
