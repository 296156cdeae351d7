import { describeSource } from '../../../engine/secrets/sources.js';
import { isChoice } from '../../choose.js';
import { desiredHosts, type DesiredOptions } from '../../desired.js';
import { EXIT, type ExitCode } from '../../exit-code.js';
import { secretUses } from '../../secrets/uses.js';
import type { CommonOptions, Shell } from '../../shell.js';
import { jsonText } from '../../text/plan-json.js';
import { styleFor, visible } from '../../text/style.js';
import { table } from '../../text/table.js';
import { readInventory } from '../../read-inventory.js';

/** `citadel-iac secrets list [host…]`: each secret, where its value is found and which hosts need it. Asks for no value. */
export async function list(
  shell: Shell,
  names: readonly string[],
  options: CommonOptions & DesiredOptions,
): Promise<ExitCode> {
  const inventory = await readInventory(shell, options);
  const manifests = await desiredHosts(shell, inventory, names, options);
  const { secrets } = inventory;
  const uses = secretUses(!isChoice(names, options) ? secrets : {}, manifests);
  const sourceOf = (name: string) => (Object.hasOwn(secrets, name) ? secrets[name] : undefined);
  if (options.json === true) {
    const all = uses.map(({ name, hosts }) => [name, { source: sourceOf(name) ?? null, hosts }]);
    shell.out.write(jsonText({ secrets: Object.fromEntries(all) as object }));
    return EXIT.ok;
  }
  const rows = uses.map(({ name, hosts }) => {
    const source = sourceOf(name);
    return [
      name,
      visible(source === undefined ? 'none' : describeSource(source)),
      hosts.join(', ') || 'no one',
    ];
  });
  const heading = ['secret', 'from', 'needed by'];
  shell.out.write(
    rows.length === 0 ? 'There are no secrets.\n' : table(heading, rows, styleFor(shell.out, shell, options)),
  );
  return EXIT.ok;
}
