import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { HostPlan } from '../../engine/model.js';
import { displayPath, inventoryFile, readInventoryTexts } from '../../inventory/index.js';
import { CitadelError, type HostManifest } from '../../manifest/index.js';
import { allTemplates, loadTemplate, withTemplates } from '../../render/index.js';
import { byHand, handEdits } from '../adopt/edits.js';
import { changedFiles, shownName, writeFiles, type ProjectFile } from '../adopt/files.js';
import type { Described, HandEdit, Made, Make } from '../adopt/model.js';
import { reportJson, reportText, type Report } from '../adopt/report.js';
import { findPlaces } from '../adopt/search.js';
import { KnownSecrets } from '../adopt/secrets.js';
import { desiredHosts } from '../desired.js';
import { EXIT, worstOf, type ExitCode } from '../exit-code.js';
import { Fleet, inventoryHosts } from '../fleet.js';
import { plansOf } from '../read-plans.js';
import type { CommonOptions, Shell } from '../shell.js';
import { colourFor } from '../text/colour.js';
import { errorText } from '../text/problems.js';
import { plural } from '../text/style.js';
import { order } from '../../text/order.js';
import { inventoryPath, readWritten } from '../read-inventory.js';

export interface AdoptOptions extends CommonOptions {
  readonly write?: boolean;
  readonly yes?: boolean;
}

/**
 * `citadel-iac adopt [host…]`: what was changed by hand, as a patch to the project's templates and inventory where the
 * place is certain, else described. Writes nothing on any host, and on this side only with `--write`.
 */
export async function adopt(
  shell: Shell,
  names: readonly string[],
  options: AdoptOptions,
): Promise<ExitCode> {
  const start = await makeNow(shell, options);
  const named = inventoryHosts(shell, start.loaded.inventory, names, options);
  const fleet = await Fleet.of(shell, start.loaded.inventory, options);
  try {
    const chosen = start.manifests.filter(({ host }) => named.includes(host));
    const { plans, failed } = await plansOf(shell, fleet, chosen, options);
    const report = { ...(await search(shell, fleet, plans, start, options)), failed };
    const code = await conclude(shell, report, options);
    return worstOf([code, failed.length > 0 ? EXIT.error : EXIT.ok]);
  } finally {
    await fleet.close();
  }
}

/** What the project makes as its files are. The inventory is read once: the text that is searched is the one that is used. */
async function makeNow(shell: Shell, options: AdoptOptions): Promise<Made> {
  const file = inventoryFile(await inventoryPath(shell, options), shell.env, shell.cwd);
  const { folder, texts } = readInventoryTexts(file, shell.cwd);
  const inventory = new Map(texts.map(({ name, text }) => [join(folder, name), text]));
  return makeFrom(shell, options)({ inventory, templates: new Map() });
}

function makeFrom(shell: Shell, options: AdoptOptions): Make {
  return async (sources) => {
    const loaded = await readWritten(shell, options, sources.inventory);
    const manifests = await withTemplates(sources.templates, () =>
      desiredHosts(shell, loaded.inventory, [], {}),
    );
    return { sources, loaded, manifests };
  };
}

async function search(
  shell: Shell,
  fleet: Fleet,
  plans: readonly HostPlan[],
  start: Made,
  options: AdoptOptions,
): Promise<Omit<Report, 'failed'>> {
  const found = await whatIsByHand(shell, fleet, plans);
  if (found.edits.length > 0)
    shell.err.write(`Looking for the places of ${plural(found.edits.length, 'edited file')} …\n`);
  const folder = join(resolve(shell.cwd, fleet.inventory.source.projectDir), 'templates');
  const templates = { names: templateNames(folder), read: readOnce() };
  const { sources, adopted, described } = await findPlaces(
    found.edits,
    start,
    makeFrom(shell, options),
    templates,
  );
  return {
    hosts: plans.map(({ host }) => host),
    adopted,
    described: [...found.described, ...described].sort(byItem),
    files: changedFiles(start.sources, sources, folder, templates.read),
    nameOf: (file) => displayPath(file, shell.cwd),
  };
}

async function whatIsByHand(
  shell: Shell,
  fleet: Fleet,
  plans: readonly HostPlan[],
): Promise<{ edits: HandEdit[]; described: Described[] }> {
  const touched = plans.filter(({ changes }) => changes.some(byHand));
  const edits: HandEdit[] = [];
  const described: Described[] = [];
  if (touched.length === 0) return { edits, described };
  const known = await fleet.engine.secrets(fleet.inventory.secrets, fleet.inventory.source);
  for (const name of known.unknown)
    shell.err.write(`The secret ${name} cannot be read here: an edit that holds it is not recognised.\n`);
  const secrets = new KnownSecrets([
    ...known.values,
    ...plans.flatMap((plan) => [...(plan.secrets?.values() ?? [])]),
  ]);
  for (const plan of touched) {
    const found = handEdits(plan, await lastManifest(fleet, plan), secrets);
    edits.push(...found.edits);
    described.push(...found.described);
  }
  return { edits, described };
}

/** Needed only where the project has moved since the last apply, and cannot be had of a host that never saw one. */
async function lastManifest(fleet: Fleet, plan: HostPlan): Promise<HostManifest | undefined> {
  const { generation, digest } = plan.observed;
  if (generation === null || !plan.changes.some(({ cause }) => cause === 'both')) return undefined;
  const reading = { ...fleet.readOptions(plan.host), digest: digest ?? '' };
  return fleet.engine.manifestOf(await fleet.transport(plan.host), generation, reading);
}

/** Each template once: what is compared when it is written is what the search has seen. */
function readOnce(): (name: string) => string {
  const texts = new Map<string, string>();
  return (name) => {
    const text = texts.get(name) ?? loadTemplate(name).text;
    texts.set(name, text);
    return text;
  };
}

/** Templates that the project itself has: those of an installed package are not for editing. */
function templateNames(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => allTemplates(name, folder).map((path) => `${name}/${path}`))
    .sort();
}

async function conclude(shell: Shell, report: Report, options: AdoptOptions): Promise<ExitCode> {
  const json = options.json === true;
  const count = report.adopted.length + report.described.length;
  const writes = options.write === true && report.files.length > 0;
  if (!json) shell.out.write(reportText(report, shell.out.isTerminal));
  else if (!writes) shell.out.write(reportJson(report, options.write === true ? [] : undefined));
  if (count === 0) return EXIT.ok;
  if (!writes) return EXIT.differs;

  if (options.yes !== true && !(await mayWrite(shell, report.files, options))) {
    shell.err.write('Nothing was written.\n');
    return EXIT.error;
  }
  try {
    writeFiles(report.files);
  } catch (error) {
    if (!(error instanceof CitadelError)) throw error;
    shell.err.write(errorText(error, shell));
    return EXIT.error;
  }
  const written = report.files.map(shownName);
  if (json) shell.out.write(reportJson(report, written));
  else shell.err.write(`Written: ${written.join(', ')}. Look at it with "git diff".\n`);
  return report.described.length === 0 ? EXIT.ok : EXIT.differs;
}

async function mayWrite(
  shell: Shell,
  files: readonly ProjectFile[],
  options: AdoptOptions,
): Promise<boolean> {
  const names = files.map(shownName).join(' and ');
  if (!shell.interactive) {
    throw new CitadelError({
      code: 'cli.confirm',
      path: names,
      got: 'would be written, and there is no one to ask: this is not a terminal; nothing was written',
      fix: 'Look at the patch, and run the command again with --yes.',
    });
  }
  if (options.json === true) for (const name of files.map(shownName)) shell.err.write(`${name}\n`);
  return shell.confirm(`Write ${names}?`, colourFor(shell.err, shell, options));
}

function byItem(a: Described, b: Described): number {
  const key = ({ host, change }: Described): string => `${host}\0${change.section}\0${change.key}`;
  return order(key(a), key(b));
}
