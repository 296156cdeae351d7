import { mkdirSync, readdirSync, renameSync, rmSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { CitadelError } from '../../manifest/index.js';
import { errorMessage } from '../../text/error-message.js';
import { plural } from '../../text/plural.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { siteFiles } from '../init/site-files.js';
import { makeFolder } from '../make-folder.js';
import type { CommonOptions, Shell } from '../shell.js';
import { jsonText } from '../text/plan-json.js';
import { visible } from '../text/style.js';

/** `citadel-iac init FOLDER`: a new site. All of its files are there afterwards, or none. */
export function initSite(shell: Shell, folder: string, options: CommonOptions): ExitCode {
  const path = resolve(shell.cwd, folder);
  const there = statSync(path, { throwIfNoEntry: false });
  if (there !== undefined && (!there.isDirectory() || readdirSync(path).length > 0)) {
    throw new CitadelError({
      code: 'cli.init.exists',
      path: folder,
      got: there.isDirectory()
        ? 'has files in it; nothing was written'
        : 'is there already; nothing was written',
      fix: 'Name a folder that is empty, or not there yet.',
    });
  }
  const files = siteFiles(basename(path), shell.version);
  const draft = join(dirname(path), `.${basename(path)}.${String(process.pid)}`);
  try {
    makeFolder(dirname(path));
    for (const [name, text] of files) {
      mkdirSync(dirname(join(draft, name)), { recursive: true });
      writeFileSync(join(draft, name), text);
    }
    if (there !== undefined) rmdirSync(path);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw new CitadelError(
      {
        code: 'cli.init.write',
        path: folder,
        got: `cannot be written: ${errorMessage(error)}`,
        fix: 'Name another folder.',
      },
      { cause: error },
    );
  }
  if (options.json === true) shell.out.write(jsonText({ folder, files: [...files.keys()] }));
  else
    shell.out.write(
      `${visible(folder)}: ${plural(files.size, 'file')}. Next:\n\n  cd ${visible(folder)}\n  npm install\n  npx citadel-iac render\n`,
    );
  return EXIT.ok;
}
