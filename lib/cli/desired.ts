import type { Inventory } from '../inventory/index.js';
import { CitadelError, validateManifest, type HostManifest } from '../manifest/index.js';
import { by } from '../text/order.js';
import { errorMessage } from '../text/error-message.js';
import { chooseHosts } from './choose.js';
import type { ChoiceOptions, Shell } from './shell.js';

/** Where the desired state comes from: the project's own code, or files given with `--manifest`. */
export interface DesiredOptions extends ChoiceOptions {
  readonly manifest?: readonly string[];
}

/**
 * What the chosen hosts should be, sorted by host. Without names: every host that there is a manifest for.
 *
 * @param expect called with the hosts that will be asked about, as soon as that can be known and before the work is done
 * @throws CitadelError for a host that no one describes, and with everything that synthesis finds wrong
 */
export async function desiredHosts(
  shell: Shell,
  inventory: Inventory,
  names: readonly string[],
  options: DesiredOptions,
  expect: (hosts: readonly string[]) => void = () => undefined,
): Promise<HostManifest[]> {
  const files = options.manifest ?? [];
  const where = files.length > 0 ? files.join(', ') : inventory.source.file;
  const chosenOf = (hosts: readonly string[]): readonly string[] =>
    chooseHosts(shell, inventory, hosts, names, options, where);
  if (files.length === 0) expect(chosenOf(Object.keys(inventory.hosts)));
  const all =
    files.length > 0
      ? await readManifests(shell, files, (hosts) => expect(chosenOf(hosts)))
      : [...(await synthesise(shell, inventory))];
  const chosen = new Set(chosenOf(all.map(({ host }) => host)));
  return all.filter(({ host }) => chosen.has(host)).sort(by(({ host }) => host));
}

async function synthesise(shell: Shell, inventory: Inventory): Promise<readonly HostManifest[]> {
  const app = await shell.app();
  return app.buildHosts(inventory);
}

/** Manifests as `render --json` prints them: one, or `{ "hosts": { name: manifest } }`. */
async function readManifests(
  shell: Shell,
  files: readonly string[],
  expect: (hosts: readonly string[]) => void,
): Promise<HostManifest[]> {
  const documents = new Map<string, readonly unknown[]>();
  for (const file of files) documents.set(file, documentsOf(file, await shell.readFile(file)));
  expect([...documents.values()].flat().flatMap(hostOf));
  const manifests = new Map<string, HostManifest>();
  for (const [file, candidates] of documents) {
    if (candidates.length === 0) throw noManifest(file, 'names no host');
    for (const candidate of candidates) {
      if (typeof candidate !== 'object' || candidate === null || Array.isArray(candidate)) {
        throw noManifest(file, `holds ${JSON.stringify(candidate).slice(0, 40)} in the place of a manifest`);
      }
      const manifest = validateManifest(candidate);
      if (manifests.has(manifest.host)) {
        throw new CitadelError({
          code: 'cli.manifest.twice',
          path: file,
          got: `is a second manifest for the host "${manifest.host}"`,
          fix: 'Give one manifest per host.',
        });
      }
      manifests.set(manifest.host, manifest);
    }
  }
  return [...manifests.values()];
}

/** Never taken for an empty manifest, which would empty the host. */
function noManifest(file: string, got: string): CitadelError {
  return new CitadelError({ code: 'cli.manifest.none', path: file, got, fix: AS_PRINTED });
}

const AS_PRINTED = 'Give a manifest as "citadel-iac render --json HOST" prints it.';

/** The host that a document says it is for, before anything else of it was checked. */
function hostOf(candidate: unknown): string[] {
  const { host } = Object(candidate) as { readonly host?: unknown };
  return typeof host === 'string' ? [host] : [];
}

function documentsOf(file: string, text: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CitadelError(
      {
        code: 'cli.manifest.json',
        path: file,
        got: `is not JSON: ${errorMessage(error)}`,
        fix: AS_PRINTED,
      },
      { cause: error },
    );
  }
  if (typeof value === 'object' && value !== null && 'hosts' in value && !('version' in value)) {
    return Object.values(Object(value.hosts) as object);
  }
  return [value];
}
