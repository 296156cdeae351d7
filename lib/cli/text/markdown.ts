import type { Change, HostPlan } from '../../engine/model.js';
import { attributeLine, changedAttributes } from './attributes.js';
import { plural, visible } from './style.js';

export interface MarkdownOptions {
  /** What the plans were made against, as a sentence. */
  readonly comparison: string;
  /** Remarks above the hosts: hosts that could not be read, hosts that are new or gone. */
  readonly remarks?: readonly string[];
  /** Most bytes of the whole, in UTF-8. GitHub takes comments of 65536 characters. @default 60000 */
  readonly maxBytes?: number;
}

/** How many lines of a diff are shown; the first of these with which everything fits is taken. */
const LINE_BUDGETS = [200, 60, 20, 0];
/** And how many changes of a host, where even their names are too many. */
const CHANGE_BUDGETS = [Infinity, 200, 50, 10, 0];

/**
 * Plans as a comment for a pull request: one table for all hosts, then each host's changes with their lines folded
 * away. Long diffs are cut first, then long lists, so that the table is always there.
 */
export function plansMarkdown(plans: readonly HostPlan[], options: MarkdownOptions): string {
  const { maxBytes = 60_000 } = options;
  let text = '';
  for (const changes of CHANGE_BUDGETS) {
    for (const lines of LINE_BUDGETS) {
      text = wholeText(plans, options, { lines, changes });
      if (Buffer.byteLength(text) <= maxBytes) return text;
    }
  }
  return text;
}

interface Budget {
  readonly lines: number;
  readonly changes: number;
}

function wholeText(plans: readonly HostPlan[], options: MarkdownOptions, budget: Budget): string {
  const parts = [
    '### What a deploy would change',
    options.comparison,
    ...(options.remarks ?? []).map((remark) => `> ${inline(remark)}`),
    table(plans),
    ...plans
      .filter((plan) => plan.changes.length > 0 || plan.notes.length > 0)
      .map((plan) => hostText(plan, budget)),
  ];
  return `${parts.join('\n\n')}\n`;
}

function table(plans: readonly HostPlan[]): string {
  const rows = plans.map((plan) => {
    const count = (action: Change['action']): string =>
      String(plan.changes.filter((change) => change.action === action).length);
    const byHand = plan.changes.filter((change) => change.cause !== 'config').length;
    return [
      code(plan.host),
      count('create'),
      count('update'),
      count('delete'),
      String(byHand),
      interruptions(plan).join('<br>') || 'nothing',
    ];
  });
  const heading = ['host', 'create', 'update', 'delete', 'changed by hand', 'stops or restarts'];
  return [heading, ['---', '--:', '--:', '--:', '--:', '---'], ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** What will not answer for a while, and for how long at most. */
function interruptions(plan: HostPlan): string[] {
  const words = { restart: 'restarts', stop: 'stops', start: 'starts' } as const;
  return plan.unitActions.flatMap(({ unit, verb }) => {
    if (verb !== 'restart' && verb !== 'stop' && verb !== 'start') return [];
    const limit = verb === 'stop' ? undefined : startTimeout(plan, unit);
    return [`${words[verb]} ${code(unit)}${limit === undefined ? '' : ` (ready within ${inline(limit)})`}`];
  });
}

/** What the unit's own file says that a start may take; systemd's default is not repeated. */
function startTimeout(plan: HostPlan, unit: string): string | undefined {
  const content = plan.manifest.files?.[`/etc/systemd/system/${unit}`]?.content ?? '';
  return /^TimeoutStartSec=(.+)$/m.exec(content)?.[1];
}

function hostText(plan: HostPlan, budget: Budget): string {
  const shown = plan.changes.slice(0, budget.changes);
  const hidden = plan.changes.length - shown.length;
  return [
    `#### ${code(plan.host)}`,
    ...(plan.risky
      ? [
          '> This can cut the operator off: the host undoes it by itself unless a new connection can be made afterwards.',
        ]
      : []),
    ...plan.notes.map((note) => `> ${inline(note)}`),
    ...shown.map((change) => changeText(change, budget.lines)),
    ...(hidden > 0 ? [`… and ${plural(hidden, 'more change')}; "citadel-iac diff" has them all.`] : []),
  ].join('\n\n');
}

const SYMBOL = { create: '+', update: '~', delete: '-' } as const;

function changeText(change: Change, lines: number): string {
  const details = detailsOf(change);
  const heading = `<b>${SYMBOL[change.action]}</b> ${html(change.section)} <code>${html(change.key)}</code>${
    change.cause === 'config' ? '' : ` <b>(${change.cause})</b>`
  }${sizeOf(change)}`;
  const body = [
    ...(details.length > 0 ? [details.map((detail) => `- ${detail}`).join('\n')] : []),
    ...(change.diff !== undefined && change.diff !== '' ? [diffText(change.diff, lines)] : []),
  ];
  if (body.length === 0) return `<details><summary>${heading}</summary></details>`;
  return `<details><summary>${heading}</summary>\n\n${body.join('\n\n')}\n\n</details>`;
}

function detailsOf(change: Change): string[] {
  const { size: _b, ...before } = change.before ?? {};
  const { size: _a, ...after } = change.after ?? {};
  const attributes =
    change.action === 'update'
      ? changedAttributes(before, after)
      : [attributeLine(change.action === 'create' ? after : before)];
  return [
    ...attributes.filter((text) => text !== '').map(code),
    ...(change.restarts ?? []).map((unit) => `restarts ${code(unit)}`),
    ...(change.reloads ?? []).map((unit) => `reloads ${code(unit)}`),
    ...(change.note === undefined ? [] : [inline(change.note)]),
    ...(change.origin === undefined ? [] : [`declared by ${code(change.origin)}`]),
  ];
}

function bodyLines(diff: string): string[] {
  const lines = diff.replace(/\n$/, '').split('\n');
  return lines.slice(
    Math.max(
      lines.findIndex((line) => line.startsWith('@@')),
      0,
    ),
  );
}

function sizeOf(change: Change): string {
  if (change.diff === undefined) return '';
  const lines = bodyLines(change.diff);
  const count = (sign: string): number => lines.filter((line) => line.startsWith(sign)).length;
  return ` +${count('+')} −${count('-')}`;
}

function diffText(diff: string, limit: number): string {
  const lines = bodyLines(diff);
  const shown = lines.slice(0, limit).map(visible);
  const rest = lines.length - shown.length;
  const more = rest > 0 ? [`${plural(rest, shown.length === 0 ? 'line' : 'more line')} not shown.`] : [];
  if (shown.length === 0) return more.join('');
  // A fence is longer than any run of backticks inside.
  const longest = Math.max(
    2,
    ...shown.flatMap((line) => [...line.matchAll(/`+/g)].map(([run]) => run.length)),
  );
  const fence = '`'.repeat(longest + 1);
  return [`${fence}diff`, ...shown, fence, ...more].join('\n');
}

/** Text inside a line of Markdown or of a table, taken as text. */
function inline(text: string): string {
  return visible(text).replace(/[\\`*_{}[\]()#+!|<>&~@-]/g, (character) =>
    character === '<' ? '&lt;' : character === '&' ? '&amp;' : `\\${character}`,
  );
}

/** A code span: also of text that has backticks, and inside a table. */
function code(text: string): string {
  return `<code>${html(text).replaceAll('|', '&#124;')}</code>`;
}

function html(text: string): string {
  return visible(text).replace(/[&<>"'`*_~[\]\\@#:]/g, (character) => `&#${character.charCodeAt(0)};`);
}
