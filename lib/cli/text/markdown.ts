import { planNotes } from '../../engine/plan/notes.js';
import type { Change, HostPlan } from '../../engine/model.js';
import {
  interruptionsOf,
  limitText,
  longestInterruption,
  spanText,
  type Interruption,
} from '../review/interruptions.js';
import { changeDetails } from './change-details.js';
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
/** And how many changes and units of a host, where even their names are too many. */
const ITEM_BUDGETS = [Infinity, 200, 50, 10, 0];
/** Units that the table names for each host; the rest is counted. */
const TABLE_UNITS = 4;
/** Units beyond which a list is folded. */
const OPEN_UNITS = 6;

/**
 * Plans as a comment for a pull request: one table for all hosts, then each host's units with the time that they may take,
 * and its changes with their lines folded away. Long diffs are cut first, then long lists, so that the table is always
 * there.
 */
export function plansMarkdown(plans: readonly HostPlan[], options: MarkdownOptions): string {
  const { maxBytes = 60_000 } = options;
  const reports = plans.map((plan): Report => ({ plan, units: interruptionsOf(plan) }));
  let text = '';
  for (const items of ITEM_BUDGETS) {
    for (const lines of LINE_BUDGETS) {
      text = wholeText(reports, options, { lines, items });
      if (Buffer.byteLength(text) <= maxBytes) return text;
    }
  }
  // Hundreds of hosts: whole lines of the table, as many as fit.
  const last = '\n… and more; "citadel-iac diff" has it all.\n';
  const room = Buffer.from(text)
    .subarray(0, maxBytes - Buffer.byteLength(last))
    .toString('utf8');
  return room.slice(0, room.lastIndexOf('\n') + 1) + last;
}

interface Report {
  readonly plan: HostPlan;
  readonly units: readonly Interruption[];
}

interface Budget {
  readonly lines: number;
  readonly items: number;
}

function wholeText(reports: readonly Report[], options: MarkdownOptions, budget: Budget): string {
  const parts = [
    '### What a deploy would change',
    options.comparison,
    ...(options.remarks ?? []).map((remark) => `> ${inline(remark)}`),
    table(reports),
    ...reports
      .filter(({ plan, units }) => plan.changes.length > 0 || plan.notes.length > 0 || units.length > 0)
      .map((report) => hostText(report, budget)),
  ];
  return `${parts.join('\n\n')}\n`;
}

function table(reports: readonly Report[]): string {
  const rows = reports.map(({ plan, units }) => {
    const count = (action: Change['action']): string =>
      String(plan.changes.filter((change) => change.action === action).length);
    const byHand = plan.changes.filter((change) => change.cause !== 'config').length;
    const limit = longestInterruption(units);
    return [
      code(plan.host),
      count('create'),
      count('update'),
      count('delete'),
      String(byHand),
      interrupted(units).join('<br>') || 'nothing',
      limit === undefined ? '' : limitText(limit),
    ];
  });
  const heading = [
    'host',
    'create',
    'update',
    'delete',
    'changed by hand',
    'stops or restarts',
    'for how long',
  ];
  return [heading, ['---', '--:', '--:', '--:', '--:', '---', '---'], ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

const WORD = { restart: 'restarts', stop: 'stops', start: 'starts', reload: 'reloads' } as const;

/** What runs and will not answer for a while. */
function interrupted(units: readonly Interruption[]): string[] {
  const down = units.filter(({ verb }) => verb === 'restart' || verb === 'stop');
  const shown = down.slice(0, TABLE_UNITS).map(({ verb, unit }) => `${WORD[verb]} ${code(unit)}`);
  return down.length > TABLE_UNITS
    ? [...shown, `and ${plural(down.length - TABLE_UNITS, 'more unit')}`]
    : shown;
}

function hostText({ plan, units }: Report, budget: Budget): string {
  const shown = plan.changes.slice(0, budget.items);
  const hidden = plan.changes.length - shown.length;
  return [
    `#### ${code(plan.host)}`,
    ...planNotes(plan)
      .slice(0, Math.max(plan.risky ? 1 : 0, budget.items))
      .map((note) => `> ${inline(note)}`),
    ...unitsText(units, budget),
    ...shown.map((change) => changeText(change, budget.lines)),
    ...(hidden > 0 ? [`… and ${plural(hidden, 'more change')}; "citadel-iac diff" has them all.`] : []),
  ].join('\n\n');
}

function unitsText(units: readonly Interruption[], budget: Budget): string[] {
  if (units.length === 0 || budget.items === 0) return [];
  const shown = units.slice(0, budget.items).map((unit) => `- ${unitText(unit)}`);
  const hidden = units.length - shown.length;
  const list = [...shown, ...(hidden > 0 ? [`- and ${plural(hidden, 'more unit')}`] : [])].join('\n');
  if (units.length <= OPEN_UNITS) return [list];
  return [
    `<details><summary>${plural(units.length, 'unit')} in this order</summary>\n\n${list}\n\n</details>`,
  ];
}

function unitText({ unit, verb, limit, along, checks }: Interruption): string {
  const time = limit === undefined ? '' : `, ${limitText(limit)}`;
  const most = along.slice(0, TABLE_UNITS).map(code);
  const more = along.length > most.length ? [plural(along.length - most.length, 'more unit')] : [];
  const company = along.length === 0 ? '' : `; with it, where they run: ${[...most, ...more].join(', ')}`;
  const gates = checks.map(({ name, seconds }) => `${code(name)} (${spanText(seconds)})`);
  const gate = gates.length === 0 ? '' : `; undone unless it then passes ${gates.join(', ')}`;
  return `${WORD[verb]} ${code(unit)}${time}${company}${gate}`;
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
  return changeDetails(change).map(({ words, code: name }) =>
    [...(words === '' ? [] : [inline(words)]), ...(name === undefined ? [] : [code(name)])].join(' '),
  );
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
