import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { gitEnvironment } from '../text/git-environment.js';

const run = promisify(execFile);

/**
 * The commit of the repository that a folder is in, `0123…cdef` or, where tracked files were changed since, `0123…cdef-dirty`.
 * `undefined` outside of a repository, before its first commit, and where git is not to be had: nothing depends on it.
 */
export async function commitOf(folder: string): Promise<string | undefined> {
  try {
    const commit = (await git(['rev-parse', '--verify', '--quiet', 'HEAD'], folder)).trim();
    if (!/^[0-9a-f]{40,64}$/.test(commit)) return undefined;
    // What is not tracked is no part of it: a saved plan, for example.
    const changed = await git(['status', '--porcelain', '--untracked-files=no'], folder);
    return changed === '' ? commit : `${commit}-dirty`;
  } catch {
    return undefined;
  }
}

async function git(words: readonly string[], cwd: string): Promise<string> {
  // Only to look: no lock is taken for what git would write on the side.
  const env = { ...gitEnvironment(process.env), GIT_OPTIONAL_LOCKS: '0' };
  return (await run('git', [...words], { cwd, env, timeout: 20_000, maxBuffer: 64 * 1024 * 1024 })).stdout;
}
