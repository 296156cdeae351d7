import type { ApplyOutcome, ApplyResult } from '../../engine/model.js';
import { hostsText } from './hosts.js';
import { visible, type Style } from './style.js';

const WORDS: Readonly<Record<ApplyOutcome, string>> = {
  committed: 'done',
  unchanged: 'unchanged',
  refused: 'refused',
  locked: 'locked',
  'rolled-back': 'rolled back',
  'undo-failed': 'UNDO FAILED',
};

/** Up to so many hosts each has its own lines. */
const FEW = 4;

/** How an apply ended; of many hosts, what is the same on several once. */
export function resultsText(results: readonly ApplyResult[], style: Style): string {
  if (results.length <= FEW) return results.map((result) => resultText(result, style)).join('');
  const groups = new Map<string, ApplyResult[]>();
  for (const result of results) {
    const text = resultText({ ...result, host: '' }, style);
    groups.set(text, [...(groups.get(text) ?? []), result]);
  }
  return [...groups.values()]
    .map((group) => {
      const [result] = group as [ApplyResult];
      return resultText({ ...result, host: hostsText(group.map(({ host }) => host)) }, style);
    })
    .join('');
}

/** How an apply ended on one host: the outcome, what failed in the tool's own words, and what the host does next. */
export function resultText(result: ApplyResult, style: Style): string {
  const { outcome, failure } = result;
  const paint = outcome === 'committed' || outcome === 'unchanged' ? style.green : style.red;
  const lines = [`${style.bold(result.host)}: ${paint(WORDS[outcome])}. ${visible(result.next)}`];
  if (failure !== undefined) {
    const item = failure.item === undefined ? '' : ` of ${failure.item}`;
    const origin = failure.origin === undefined ? '' : ` (${failure.origin})`;
    lines.push(`  failed step: ${visible(`${failure.step}${item}${origin}`)}`);
    const output = failure.output.trimEnd();
    if (output !== '')
      lines.push(...output.split('\n').map((line) => `  ${style.dim('|')} ${visible(line)}`));
  }
  lines.push(...result.notes.map((note) => `  ${style.yellow('!')} ${visible(note)}`));
  return `${lines.join('\n')}\n`;
}
