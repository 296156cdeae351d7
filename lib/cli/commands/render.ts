import { resolve } from 'node:path';
import type { HostManifest } from '../../manifest/index.js';
import { isChoice } from '../choose.js';
import { desiredHosts, type DesiredOptions } from '../desired.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { staleFiles, writeFolder, type StaleFile } from '../rendered/folder.js';
import { renderedFiles, summaryPath, type RenderedFiles } from '../rendered/host-files.js';
import type { CommonOptions, Shell } from '../shell.js';
import { manifestText, sortedValue } from '../text/manifest.js';
import { byHost, jsonText } from '../text/plan-json.js';
import { plural, styleFor, visible } from '../text/style.js';
import { readInventory } from '../read-inventory.js';

export interface RenderOptions extends CommonOptions, DesiredOptions {
  /** Folder to write to. @default rendered */
  readonly out?: string;
  /** Write nothing; say what is stale. */
  readonly check?: boolean;
  /** Write nothing; print a list of what the hosts should have. */
  readonly list?: boolean;
}

/**
 * `citadel-iac render [host…]`: what each host should be, as files for review, without asking any host. With `--check`
 * nothing is written, and stale files are named; so is what no rendering wrote, next to which nothing is written either.
 * With `--json` and one host the manifest itself is printed, as `--manifest` takes it; with `--json` and several,
 * `{ "hosts": { … } }`.
 */
export async function render(
  shell: Shell,
  names: readonly string[],
  options: RenderOptions,
): Promise<ExitCode> {
  const inventory = await readInventory(shell, options);
  const manifests = await desiredHosts(shell, inventory, names, options);
  const [first] = manifests;
  if (options.list === true) {
    const style = styleFor(shell.out, shell, options);
    shell.out.write(manifests.map((manifest) => manifestText(manifest, style)).join('\n'));
    return EXIT.ok;
  }
  if (options.json === true && options.check !== true) {
    const one = manifests.length === 1 && isChoice(names, options) && first !== undefined;
    shell.out.write(jsonText(one ? sortedValue(first) : { hosts: byHost(manifests, asObject) }));
    return EXIT.ok;
  }
  return renderFolder(shell, manifests, names, options);
}

function renderFolder(
  shell: Shell,
  manifests: readonly HostManifest[],
  names: readonly string[],
  options: RenderOptions,
): ExitCode {
  const out = options.out ?? 'rendered';
  const folder = resolve(shell.cwd, out);
  const wanted: RenderedFiles = new Map(manifests.flatMap((manifest) => [...renderedFiles(manifest)]));
  // Without names this is the whole fleet: what belongs to a host that is gone goes as well.
  const scope = !isChoice(names, options)
    ? 'all'
    : manifests.flatMap(({ host }) => [host, summaryPath(host)]);
  const stale = staleFiles(folder, wanted, scope);
  if (options.check === true) return check(shell, out, wanted, stale, options);
  writeFolder(folder, wanted, stale);
  const changed = stale.length === 0 ? 'nothing changed' : plural(stale.length, 'file') + ' changed';
  shell.out.write(
    stale.map((file) => `${MARK[file.state]} ${visible(`${out}/${file.path}`)}\n`).join('') +
      `${plural(wanted.size, 'file')} in ${visible(out)}, ${changed}.\n`,
  );
  return EXIT.ok;
}

/** What is foreign is refused before this is said. */
const MARK = { missing: '+', different: '~', 'left over': '-', foreign: '!' } as const;

function check(
  shell: Shell,
  out: string,
  wanted: RenderedFiles,
  stale: readonly StaleFile[],
  options: RenderOptions,
): ExitCode {
  if (options.json === true) shell.out.write(jsonText({ files: wanted.size, stale }));
  else if (stale.length === 0)
    shell.out.write(`${plural(wanted.size, 'file')} in ${visible(out)}, all as rendered.\n`);
  else {
    shell.out.write(
      stale.map(({ path, state }) => `${state.padEnd(9)}  ${visible(`${out}/${path}`)}\n`).join(''),
    );
    shell.err.write(advice(out, stale));
  }
  return stale.length === 0 ? EXIT.ok : EXIT.error;
}

function advice(out: string, stale: readonly StaleFile[]): string {
  const foreign = stale.filter(({ state }) => state === 'foreign').length;
  const ours = stale.length - foreign;
  const folder = visible(out);
  return [
    ...(foreign === 0
      ? []
      : [
          `${plural(foreign, 'entry', 'entries')} in ${folder} not from "citadel-iac render", which refuses to write among them. Move them elsewhere.\n`,
        ]),
    ...(ours === 0
      ? []
      : [
          `${plural(ours, 'file')} in ${folder} not as rendered. Run "citadel-iac render" and commit the result.\n`,
        ]),
  ].join('');
}

function asObject(manifest: HostManifest): object {
  return sortedValue(manifest) as object;
}
