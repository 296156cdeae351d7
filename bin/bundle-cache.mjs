// The part of the cache that every start needs: is there a bundle, is it current, run it. Nothing else is loaded.
//
// node_modules/.cache/citadel-iac/cli/
//   current.json         { root, file, inputs: { path: { size, mtimeMs, sha256 } } }
//   <digest>.cjs         the bundle, named by its content
//   <digest>.<command>.code  V8's compiled form of the functions that a command uses (what one version of Node has
//                            made is refused by another, and made anew)
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';

export const cacheFolder = (root) => join(root, 'node_modules/.cache/citadel-iac/cli');

/** The current bundle, or `undefined` when one has to be made. */
export function cachedBundle(root) {
  const folder = cacheFolder(root);
  let record;
  try {
    record = JSON.parse(readFileSync(join(folder, 'current.json'), 'utf8'));
  } catch {
    return undefined;
  }
  // The bundle names files of the folder that it was made in: a moved project, or a copy with the same packages, is another one.
  if (record.root !== root) return undefined;
  let touched = false;
  for (const [path, known] of Object.entries(record.inputs)) {
    const file = join(root, path);
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    if (stat.size === known.size && stat.mtimeMs === known.mtimeMs) continue;
    // A checkout touches files without changing them.
    if (stat.size !== known.size || sha256(readFileSync(file)) !== known.sha256) return undefined;
    known.mtimeMs = stat.mtimeMs;
    touched = true;
  }
  const file = join(folder, record.file);
  try {
    const source = readFileSync(file, 'latin1'); // esbuild writes ASCII
    if (touched) replaceFile(join(folder, 'current.json'), JSON.stringify(record));
    return { file, source };
  } catch {
    return undefined;
  }
}

/** Runs a bundle in this process, from V8's compiled form where there is one. */
export function runBundle({ file, source }, root) {
  const command = process.argv.slice(2).find((word) => /^[a-z]{1,20}$/.test(word)) ?? 'none';
  const codeFile = `${file.slice(0, -'.cjs'.length)}.${command}.code`;
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: file,
    cachedData: readIfThere(codeFile),
  });
  const module = { exports: {} };
  const require = createRequire(join(root, 'bin/citadel-iac.mjs'));
  if (script.cachedDataRejected !== false) {
    // At the end, so that the functions which were used are in it.
    process.once('exit', (status) => {
      // A mistyped command is none.
      if (status !== 0 && status !== 2) return;
      try {
        replaceFile(codeFile, script.createCachedData());
      } catch {
        // It only saves time.
      }
    });
  }
  script.runInThisContext().call(module.exports, module.exports, require, module, file, dirname(file));
}

export function sha256(data) {
  return createHash('sha256').update(data).digest('hex');
}

/** Another process reads the old file or the new one, never half of it. */
export function replaceFile(path, data) {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, data);
  renameSync(draft, path);
}

function readIfThere(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
