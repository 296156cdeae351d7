import { changeJson, jsonText } from '../text/plan-json.js';
import { changeLines } from '../text/plan.js';
import { PLAIN, plural, visible } from '../text/style.js';
import type { ProjectFile } from './files.js';
import { patchesOf } from './files.js';
import type { Adopted, Described, Item, Place } from './model.js';

/** Everything that is told of one run. */
export interface Report {
  /** Hosts that were read, sorted. */
  readonly hosts: readonly string[];
  /** Hosts that could not be read, sorted. */
  readonly failed: readonly string[];
  readonly adopted: readonly Adopted[];
  readonly described: readonly Described[];
  readonly files: readonly ProjectFile[];
  /** A file as messages name it. */
  readonly nameOf: (file: string) => string;
}

/** Items that one line lists; a change that alters more says how many. */
const LISTED = 6;

/**
 * What was found, every line a comment, and then the patch: the whole is what "git apply" takes.
 *
 * @param safe true for a terminal, which must not take a control character of an edit as a command
 */
export function reportText(report: Report, safe: boolean): string {
  const lines = [
    ...report.hosts.flatMap((host) => hostLines(report, host)),
    ...report.failed.flatMap((host) => [`${visible(host)}: could not be read.`, '']),
  ];
  const head = [...lines, summary(report)].map((line) => `#${line === '' ? '' : ` ${line}`}\n`).join('');
  const patches = patchesOf(report.files);
  const body = patches
    .map(({ root, text }) => (patches.length > 1 ? `# in ${visible(root)}:\n` : '') + text)
    .join('');
  return head + (safe ? body.split('\n').map(visible).join('\n') : body);
}

function hostLines(report: Report, host: string): string[] {
  const adopted = report.adopted.filter(({ edit }) => edit.host === host);
  const described = report.described.filter((each) => each.host === host);
  if (adopted.length + described.length === 0) return [`${visible(host)}: nothing was changed by hand.`, ''];
  return [
    visible(host),
    ...adopted.flatMap((each) => ['', ...adoptedLines(each, report.nameOf)]),
    ...described.flatMap(({ change, why, next }) => [
      '',
      ...changeLines({ ...change, restarts: [], reloads: [] }, PLAIN),
      `      not taken over: ${visible(why)}`,
      `      → ${visible(next)}`,
    ]),
    '',
  ];
}

function adoptedLines({ edit, into, alsoChanges }: Adopted, nameOf: Report['nameOf']): string[] {
  const { section, key, cause } = edit.change;
  return [
    `  ~ ${section} ${visible(key)}  (${cause})`,
    ...into.map((place) => `      → ${visible(placeText(place, nameOf))}`),
    ...(alsoChanges.length === 0 ? [] : [`      which also changes ${itemsText(alsoChanges)}`]),
  ];
}

function placeText(place: Place, nameOf: Report['nameOf']): string {
  if (place.kind === 'template') return `templates/${place.name}`;
  return `${nameOf(place.file)}: ${place.path.join('.')}: ${JSON.stringify(place.from)} → ${JSON.stringify(place.to)}`;
}

function itemsText(items: readonly Item[]): string {
  const shown = items.slice(0, LISTED).map(({ host, section, key }) => visible(`${host} ${section} ${key}`));
  const more = items.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function summary({ hosts, adopted, described, files }: Report): string {
  const count = adopted.length + described.length;
  if (count === 0) return hosts.length === 0 ? 'No host could be read.' : 'Nothing to adopt.';
  const where = files.length === 0 ? 'no patch' : `a patch to ${plural(files.length, 'file')}`;
  return `${plural(count, 'hand-made change')}: ${adopted.length} taken over by ${where}, ${described.length} only described.`;
}

/** What `--json` prints. */
export function reportJson(report: Report, written: readonly string[] | undefined): string {
  const hosts = report.hosts.map((host) => [
    host,
    {
      adopted: report.adopted
        .filter(({ edit }) => edit.host === host)
        .map(({ edit, into, alsoChanges }) => ({
          ...changeJson(edit.change),
          into: into.map((place) =>
            place.kind === 'template'
              ? { template: `templates/${place.name}` }
              : { inventory: report.nameOf(place.file), path: place.path, from: place.from, to: place.to },
          ),
          alsoChanges,
        })),
      described: report.described
        .filter((each) => each.host === host)
        .map(({ change, why, next }) => ({
          ...changeJson(change),
          ...(change.origin !== undefined && { origin: change.origin }),
          why,
          next,
        })),
    },
  ]);
  const patches = patchesOf(report.files).map(({ root, text }) => ({ root, patch: text }));
  return jsonText({ hosts: Object.fromEntries(hosts) as object, patches, ...(written && { written }) });
}
