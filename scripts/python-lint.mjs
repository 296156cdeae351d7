/**
 * ruff, as WebAssembly, over every Python program: files that end in .py and programs whose first line names python.
 *
 *     node scripts/python-lint.mjs [path…] | --write path…
 *
 * Prints `file:line:column: CODE message` and files that the formatter would change; `--write` formats them.
 * Exit status 1 when there is something. Settings are those of pyproject.toml, so an installed ruff says the same.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PositionEncoding, Workspace } from '@astral-sh/ruff-wasm-nodejs';

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Where Python lives: what is installed on hosts, and its tests. */
export const PYTHON_ROOTS = ['templates/ai-node', 'test/node'];

/** Python files below the paths (relative to the project), sorted. */
export function pythonFiles(roots = PYTHON_ROOTS) {
  const found = [];
  const walk = (path) => {
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) if (name !== '__pycache__') walk(join(path, name));
    } else if (path.endsWith('.py') || (!/\.\w+$/.test(path) && hasPythonShebang(path))) {
      found.push(relative(PROJECT, path));
    }
  };
  for (const root of roots) walk(join(PROJECT, root));
  return found;
}

function hasPythonShebang(path) {
  const handle = openSync(path, 'r');
  try {
    const start = Buffer.alloc(64);
    const length = readSync(handle, start, 0, start.length, 0);
    return /^#!\S*\bpython3?\b/.test(start.toString('latin1', 0, length));
  } finally {
    closeSync(handle);
  }
}

/** `[tool.ruff]` of pyproject.toml; Python reads TOML, Node does not. */
function ruffSettings() {
  const program =
    'import json,sys,tomllib; print(json.dumps(tomllib.load(sys.stdin.buffer)["tool"]["ruff"]))';
  const text = readFileSync(join(PROJECT, 'pyproject.toml'));
  return JSON.parse(execFileSync('/usr/bin/python3', ['-c', program], { input: text, encoding: 'utf8' }));
}

/** Lines about what is wrong; with `write`, files are formatted instead of being reported for their format. */
export function lint(files, write = false) {
  const workspace = new Workspace(ruffSettings(), PositionEncoding.Utf32);
  const problems = [];
  for (const file of files) {
    const path = join(PROJECT, file);
    const text = readFileSync(path, 'utf8');
    for (const { code, message, start_location: at } of workspace.check(text))
      problems.push(`${file}:${at.row}:${at.column}: ${code ?? 'syntax'} ${message}`);
    let formatted;
    try {
      formatted = workspace.format(text);
    } catch {
      continue; // Not Python: the check has said so.
    }
    if (formatted === text) continue;
    if (write) writeFileSync(path, formatted);
    else problems.push(`${file}: not formatted (node scripts/python-lint.mjs --write ${file})`);
  }
  return problems;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const words = process.argv.slice(2);
  const paths = words.filter((word) => word !== '--write');
  if (words.includes('--write') && paths.length === 0) {
    console.error('Say which files may be written: node scripts/python-lint.mjs --write test/node');
    process.exit(2);
  }
  const problems = lint(pythonFiles(paths.length > 0 ? paths : undefined), words.includes('--write'));
  for (const problem of problems) console.log(problem);
  process.exit(problems.length > 0 ? 1 : 0);
}
