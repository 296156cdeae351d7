import type { AlertRuleProps } from './alert-props.js';
import { parseAnnotation } from './annotation.js';
import type { RunbookCommand } from './runbook.js';

/**
 * Words in capitals of runbooks, and the label of the alert that each stands for: those that the inventory gives. Others come from an exporter,
 * and a command that a person copies holds nothing that a host could write.
 */
const LABELS: Readonly<Record<string, string>> = {
  HOST: 'host',
  MODEL: 'model',
};
/** Those that only the page explains. */
const ONLY_ON_THE_PAGE = /\b(?:HOST|MODEL|DEVICE|MOUNTPOINT|GPU|UNIT|ADDRESS|NAME|PORT|DEV-OPS)\b/;

/**
 * What to do first, for the message itself: the first command of the runbook that can be typed as it stands there, with the alert's own
 * labels in it. `On {{ $labels.host }}: citadel health (shows which models answer)`.
 *
 * @returns `undefined` where every command needs the page
 */
export function firstStep({ summary, description, runbook }: AlertRuleProps): string | undefined {
  // What the texts show is known to be a label of the alert.
  const shown = new Set(
    [summary, description].flatMap((text) =>
      parseAnnotation(text).parts.flatMap((part) => (part.kind === 'label' ? [part.name] : [])),
    ),
  );
  const typed = runbook.fix.filter((step): step is RunbookCommand => typeof step !== 'string');
  for (const { on, type, why } of [...runbook.look, ...typed]) {
    if (type.includes('\n') || type.includes('{{')) continue;
    const command = type.replaceAll(/\b[A-Z]+\b/g, (word) => {
      const label = LABELS[word];
      return label !== undefined && shown.has(label) ? `{{ $labels.${label} }}` : word;
    });
    if (ONLY_ON_THE_PAGE.test(command)) continue;
    return `${place(on, shown)}: ${command} (${why})`;
  }
  return undefined;
}

function place(on: string, shown: ReadonlySet<string>): string {
  if (on === '$host') return shown.has('host') ? 'On {{ $labels.host }}' : 'On the host of the alert';
  if (on === 'dev-ops') return 'On the monitoring server';
  if (on.startsWith('a ')) return `In ${on}`;
  return on.startsWith('where ') ? `W${on.slice(1)}` : `On ${on}`;
}
