import { execFileSync } from 'node:child_process';
import { CitadelError, type HostManifest } from '../../manifest/index.js';
import { gitEnvironment } from '../../text/git-environment.js';
import { visible } from '../text/style.js';
import { hostOf } from './host-files.js';

/** Where a rendering stood in the past. */
export interface PastRendering {
  /** The commit, for messages: twelve hexadecimal digits. */
  readonly commit: string;
  readonly hosts: ReadonlyMap<string, HostManifest>;
}

/** Files of at most this size together are read: a rendering is text that people review. */
const MAX_BYTES = 256 * 1024 * 1024;

/** Git ended with another status than 0. */
class GitFailure extends Error {
  constructor(
    readonly said: string,
    options: ErrorOptions,
  ) {
    super(`git: ${said}`, options);
  }
}

/**
 * The documents that a folder of a commit holds, as `citadel-iac render` wrote them there. Nothing of the commit is run.
 *
 * @param folder relative to `cwd`
 * @throws CitadelError when git, the reference or the folder is not there, or the rendering is damaged
 */
export function renderingAt(reference: string, folder: string, cwd: string): PastRendering {
  try {
    return readRendering(reference, folder, cwd);
  } catch (error) {
    throw error instanceof GitFailure ? refusal(error, reference, cwd) : error;
  }
}

function readRendering(reference: string, folder: string, cwd: string): PastRendering {
  const commit = commitOf(reference, cwd);
  const listed = git(['ls-tree', '-r', '-z', commit, '--', `${folder}/`], cwd).toString('utf8');
  const blobs = new Map<string, string>();
  for (const entry of listed.split('\0').filter(Boolean)) {
    const [, mode, type, id, path] = /^(\d{6}) (\w+) ([0-9a-f]+)\t(.*)$/s.exec(entry) ?? [];
    if (type !== 'blob' || mode === '120000' || id === undefined || path === undefined) continue;
    blobs.set(path.slice(folder.length + 1), id);
  }
  if (blobs.size === 0) {
    throw new CitadelError({
      code: 'cli.against.no-rendering',
      path: reference,
      got: `commit ${commit.slice(0, 12)} has no ${folder}/`,
      fix: 'Run "citadel-iac render" there and commit what it writes, or compare with live hosts',
    });
  }
  const texts = readBlobs([...new Set(blobs.values())], cwd);
  const read = (path: string): string | undefined => texts.get(blobs.get(path) ?? '');
  const names = [...blobs.keys()].flatMap((path) => /^([^/]+)\.yaml$/.exec(path)?.[1] ?? []).sort();
  return { commit: commit.slice(0, 12), hosts: new Map(names.map((name) => [name, hostOf(name, read)])) };
}

function commitOf(reference: string, cwd: string): string {
  const words = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${reference}^{commit}`];
  try {
    return git(words, cwd).toString('utf8').trim();
  } catch (error) {
    if (!(error instanceof GitFailure) || !UNKNOWN.test(error.said)) throw error;
    throw new CitadelError(
      {
        code: 'cli.against.reference',
        path: reference,
        got: 'is no commit, branch or tag of this repository',
        fix: 'Give one that "git rev-parse" knows; a shallow clone may have to fetch it first',
      },
      { cause: error },
    );
  }
}

/** What git says of a reference that it does not know: with `--quiet` nothing, or by version one of these. */
const UNKNOWN = /^$|Needed a single revision|unknown revision|ambiguous argument/;

/** Git's own words where it refused for another reason, and what helps. */
function refusal(failure: GitFailure, reference: string, cwd: string): CitadelError {
  const { said } = failure;
  const fix = /dubious ownership/.test(said)
    ? 'Run it as the owner of the folder, or make git trust it as it says'
    : /not a git repository/.test(said)
      ? 'Run it in a clone of the project, which has its history'
      : `"git rev-parse ${visible(reference)}" in this folder says the same: fix it there`;
  return new CitadelError(
    { code: 'cli.against.git', path: cwd, got: `git says: ${said}`, fix },
    { cause: failure },
  );
}

/** Texts by object id, in one process. */
function readBlobs(ids: readonly string[], cwd: string): Map<string, string> {
  const output = git(['cat-file', '--batch'], cwd, `${ids.join('\n')}\n`);
  const texts = new Map<string, string>();
  let position = 0;
  for (const id of ids) {
    const end = output.indexOf(0x0a, position);
    const size = Number(output.subarray(position, end).toString('latin1').split(' ')[2]);
    texts.set(id, output.subarray(end + 1, end + 1 + size).toString('utf8'));
    position = end + 1 + size + 1;
  }
  return texts;
}

/** More of what git says is not shown. */
const SAID_LIMIT = 600;

/** Git's words in one line, as they may be shown. */
export function gitSaid(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.replace(/^(fatal|error): /, '').trim());
  return visible(lines.filter(Boolean).join(' ')).slice(0, SAID_LIMIT);
}

/** @throws GitFailure when git ends with another status than 0; a CitadelError when there is no git */
function git(words: readonly string[], cwd: string, input?: string): Buffer {
  try {
    return execFileSync('git', words, {
      cwd,
      maxBuffer: MAX_BYTES,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: gitEnvironment(process.env),
      ...(input !== undefined && { input }),
    });
  } catch (error) {
    const { code, status, stderr } = error as NodeJS.ErrnoException & { status?: number; stderr?: Buffer };
    if (typeof status === 'number')
      throw new GitFailure(gitSaid(stderr?.toString('utf8') ?? ''), { cause: error });
    if (code !== 'ENOENT') throw error;
    throw new CitadelError({
      code: 'cli.against.git',
      path: 'git',
      got: 'is not on PATH',
      fix: 'Install it: past renderings are read from the repository',
    });
  }
}
