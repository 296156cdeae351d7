import { execFileSync } from 'node:child_process';
import { CitadelError, type HostManifest } from '../../manifest/index.js';
import { hostOf } from './host-files.js';

/** Where a rendering stood in the past. */
export interface PastRendering {
  /** The commit, for messages: twelve hexadecimal digits. */
  readonly commit: string;
  readonly hosts: ReadonlyMap<string, HostManifest>;
}

/** Files of at most this size together are read: a rendering is text that people review. */
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * The documents that a folder of a commit holds, as `citadel-iac render` wrote them there. Nothing of the commit is run.
 *
 * @param folder relative to `cwd`
 * @throws CitadelError when git, the reference or the folder is not there, or the rendering is damaged
 */
export function renderingAt(reference: string, folder: string, cwd: string): PastRendering {
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
    if (error instanceof CitadelError) throw error;
    throw new CitadelError({
      code: 'cli.against.reference',
      path: reference,
      got: 'is no commit, branch or tag of this repository',
      fix: 'Give one that "git rev-parse" knows; a shallow clone may have to fetch it first',
    });
  }
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

/** @throws the process's error when git ends with another status than 0; a CitadelError when there is no git */
function git(words: readonly string[], cwd: string, input?: string): Buffer {
  try {
    return execFileSync('git', words, {
      cwd,
      maxBuffer: MAX_BYTES,
      stdio: ['pipe', 'pipe', 'ignore'],
      ...(input !== undefined && { input }),
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CitadelError({
      code: 'cli.against.git',
      path: 'git',
      got: 'is not on PATH',
      fix: 'Install it: past renderings are read from the repository',
    });
  }
}
