import { loadInventory } from '../../inventory/index.js';
import { desiredHosts, type DesiredOptions } from '../desired.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import type { CommonOptions, Shell } from '../shell.js';
import { manifestText, sortedValue } from '../text/manifest.js';
import { byHost, jsonText } from '../text/plan-json.js';
import { styleFor } from '../text/style.js';

/**
 * `citadel-iac render [host…]`: what each host should be, without asking any. With `--json` and one host the manifest
 * itself, as `--manifest` takes it; with `--json` and several, `{ "hosts": { … } }`.
 */
export async function render(
  shell: Shell,
  names: readonly string[],
  options: CommonOptions & DesiredOptions,
): Promise<ExitCode> {
  const inventory = loadInventory(options.inventory, shell.env, shell.cwd);
  const manifests = await desiredHosts(shell, inventory, names, options);
  const [first] = manifests;
  if (options.json !== true) {
    const style = styleFor(shell.out, shell, options);
    shell.out.write(manifests.map((manifest) => manifestText(manifest, style)).join('\n'));
  } else if (names.length === 1 && first !== undefined) {
    shell.out.write(jsonText(sortedValue(first)));
  } else {
    shell.out.write(jsonText({ hosts: byHost(manifests, (manifest) => sortedValue(manifest) as object) }));
  }
  return EXIT.ok;
}
