import type { GenerationRecord, RunRecord } from '../../engine/model.js';
import { shellWord } from '../../text/shell-word.js';
import { plural, visible, type Style } from './style.js';
import { table } from './table.js';

/** The generations of a host, newest first; the current one has a star. */
export function historyText(host: string, records: readonly GenerationRecord[], style: Style): string {
  if (records.length === 0) return `${style.bold(host)}: no generation yet; nothing was ever applied.\n`;
  // Applied from outside of any repository, all of it, or by old tools: then the column would be empty.
  const commits = records.some(({ commit }) => commit !== undefined);
  const tools = records.some(({ tool }) => tool !== undefined);
  const rows = [...records]
    .sort((a, b) => b.generation - a.generation)
    .map((record) => [
      `${record.current ? '*' : ' '} ${record.generation}${record.pinned ? ' pinned' : ''}`,
      visible(record.time),
      visible(record.digest.slice(0, 12)),
      visible(record.who),
      ...(commits ? [visible(commitText(record.commit))] : []),
      ...(tools ? [visible(record.tool ?? '')] : []),
      visible(record.summary),
    ]);
  const heading = [
    ...['  generation', 'time', 'digest', 'who'],
    ...(commits ? ['commit'] : []),
    ...(tools ? ['version'] : []),
    'changes',
  ];
  return `${style.bold(host)}\n${table(heading, rows, style)}`;
}

/** So many of the commands are shown to a person. */
const LAST_RUNS = 20;

/** Commands that `citadel-iac run` ran, newest first; nothing where there are none. */
export function runsText(runs: readonly RunRecord[], style: Style): string {
  if (runs.length === 0) return '';
  const shown = runs.slice(-LAST_RUNS).reverse();
  const rows = shown.map(({ time, who, user, command, exitCode }) => [
    `  ${visible(time)}`,
    visible(who),
    visible(user),
    exitCode === null ? '?' : String(exitCode),
    visible(command.map(shellWord).join(' ')),
  ]);
  const more = runs.length - shown.length;
  const rest = more === 0 ? '' : `  and ${plural(more, 'earlier one')}: --json has all\n`;
  return `${table(['  command run', 'who', 'as', 'status', 'command'], rows, style)}${rest}`;
}

/** As git shortens it. */
function commitText(commit = ''): string {
  const dirty = commit.endsWith('-dirty') ? '-dirty' : '';
  return `${commit.slice(0, commit.length - dirty.length).slice(0, 12)}${dirty}`;
}

export function historyJson(
  host: string,
  records: readonly GenerationRecord[],
): { host: string; generations: object[] } {
  return {
    host,
    generations: records.map(({ generation, digest, time, who, commit, tool, current, pinned, summary }) => ({
      generation,
      digest,
      time,
      who,
      ...(commit !== undefined && { commit }),
      ...(tool !== undefined && { tool }),
      current,
      pinned,
      summary,
    })),
  };
}
