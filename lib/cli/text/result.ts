import type { ApplyOutcome, ApplyResult } from '../../engine/model.js';
import { visible, type Style } from './style.js';

const WORDS: Readonly<Record<ApplyOutcome, string>> = {
  committed: 'done',
  unchanged: 'unchanged',
  refused: 'refused',
  locked: 'locked',
  'rolled-back': 'rolled back',
  'undo-failed': 'UNDO FAILED',
};

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
