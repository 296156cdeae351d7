import { formatPath, type LoadedInventory, type Origin } from '../../inventory/index.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { inventoryHosts } from '../fleet.js';
import { originsFrom } from '../origins.js';
import { readWritten } from '../read-inventory.js';
import type { CommonOptions, Shell } from '../shell.js';
import { byHost, jsonText } from '../text/plan-json.js';
import { styleFor, visible, type Style } from '../text/style.js';
import { table } from '../text/table.js';

/** What one host has. */
interface Told {
  readonly host: string;
  /** Groups that it is in, directly or through others, sorted. */
  readonly groups: readonly string[];
  readonly values: readonly Origin[];
}

/** `citadel-iac inventory [host…]`: what hosts have, and the file and line that each value comes from. */
export async function inventory(
  shell: Shell,
  names: readonly string[],
  options: CommonOptions,
): Promise<ExitCode> {
  const loaded = await readWritten(shell, options);
  const hosts = inventoryHosts(shell, loaded.inventory, names, options);
  const told = hosts.map((host): Told => {
    return { host, groups: groupsOf(loaded, host), values: originsFrom(shell.cwd, loaded, host) };
  });
  if (options.json === true) {
    const json = ({ groups, values }: Told): object => ({ groups, values: values.map(valueJson) });
    shell.out.write(jsonText({ hosts: byHost(told, json) }));
  } else {
    const style = styleFor(shell.out, shell, options);
    shell.out.write(told.map((each) => hostText(each, style)).join('\n'));
  }
  return EXIT.ok;
}

function groupsOf({ inventory: { groups } }: LoadedInventory, host: string): string[] {
  return Object.entries(groups)
    .flatMap(([name, hosts]) => (hosts.includes(host) ? [name] : []))
    .sort();
}

function valueJson({ path, value, of, at }: Origin): object {
  return {
    path,
    value,
    ...(at !== undefined && { at }),
    of: of.kind,
    ...('name' in of && { name: of.name }),
  };
}

function hostText({ host, groups, values }: Told, style: Style): string {
  const heading = groups.length === 0 ? host : `${host} (in ${groups.join(', ')})`;
  const rows = values.map(({ path, value, of, at }) => [
    visible(formatPath(path)),
    visible(short(JSON.stringify(value))),
    sayer(of),
    visible(at ?? '-'),
  ]);
  return `${style.bold(visible(heading))}\n${table(['key', 'value', 'said by', 'at'], rows, style)}`;
}

function sayer(of: Origin['of']): string {
  if (of.kind === 'group') return `group ${of.name}`;
  return {
    host: 'host',
    site: 'site',
    defaults: 'defaults',
    targets: 'targets file',
    'built-in': 'built in',
  }[of.kind];
}

/** A list of many things is in its file, and whole in `--json`. */
function short(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
