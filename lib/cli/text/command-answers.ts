import type { CommandAnswer } from '../../engine/model.js';
import { visibleLines } from '../../text/visible.js';
import { hostsText } from './hosts.js';
import { plural, type Style } from './style.js';

interface Answered {
  readonly host: string;
  readonly value: CommandAnswer;
}

/** What hosts answered to a command: equal answers once, with the hosts that gave them; those that failed last. */
export function answersText(answers: readonly Answered[], style: Style): string {
  const groups = new Map<string, Answered[]>();
  for (const answered of answers) {
    const key = JSON.stringify(answered.value);
    groups.set(key, [...(groups.get(key) ?? []), answered]);
  }
  const all = [...groups.values()];
  const failed = (group: readonly Answered[]): boolean => group.some(({ value }) => value.exitCode !== 0);
  return [...all.filter((group) => !failed(group)), ...all.filter(failed)]
    .map((group) => groupText(group, style))
    .join('');
}

function groupText(group: readonly Answered[], style: Style): string {
  const [{ value }] = group as [Answered];
  const { exitCode, timedOut, stdout, stderr, leftOut } = value;
  const hosts = style.bold(hostsText(group.map(({ host }) => host)));
  const verdict =
    exitCode === 0
      ? style.green('done')
      : style.red(timedOut ? 'ended, because its time was up' : `exit status ${String(exitCode)}`);
  return [
    `${hosts}: ${verdict}\n`,
    streamText(stdout, leftOut.stdout, '  '),
    streamText(stderr, leftOut.stderr, style.yellow('! ')),
  ].join('');
}

/** Lines as the host wrote them, but that none of them can steer the terminal. */
function streamText(text: string, leftOut: number, before: string): string {
  const lines = visibleLines(text.replaceAll('\r\n', '\n').replace(/\n+$/, '')).split('\n');
  const shown = lines.length === 1 && lines[0] === '' ? [] : lines;
  const more = leftOut === 0 ? [] : [`… and ${plural(leftOut, 'byte')} more`];
  return [...shown, ...more].map((line) => `${before}${line}`.trimEnd() + '\n').join('');
}
