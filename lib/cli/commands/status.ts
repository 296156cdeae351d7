import { NodeExporter } from '../../constructs/monitoring/node-exporter.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { Fleet, inventoryHosts } from '../fleet.js';
import { readInventory } from '../read-inventory.js';
import { reasonOf, resultLines } from '../result-lines.js';
import type { CommonOptions, Shell } from '../shell.js';
import { byHost, jsonText } from '../text/plan-json.js';
import { errorText } from '../text/problems.js';
import { statusText } from '../text/status.js';
import { styleFor } from '../text/style.js';

/** `citadel-iac status [host…]`: where each host stands, from one read of it; nothing is compared. */
export async function status(
  shell: Shell,
  names: readonly string[],
  options: CommonOptions,
): Promise<ExitCode> {
  const inventory = await readInventory(shell, options);
  const hosts = inventoryHosts(shell, inventory, names, options);
  const fleet = await Fleet.of(shell, inventory, options);
  try {
    const lines = resultLines(shell, options);
    const outcomes = await fleet.each(
      hosts,
      async (host) =>
        fleet.engine.status(await fleet.transport(host), NodeExporter.TEXTFILES, fleet.readOptions(host)),
      (outcome) => {
        if ('value' in outcome) lines.result(outcome.host, outcome.value);
        else lines.failed(outcome.host, outcome.error);
      },
    );
    const found = outcomes.flatMap((outcome) => ('value' in outcome ? [outcome] : []));
    const failed = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome] : []));
    if (options.json === true && options.jsonLines !== true) {
      const unreachable = Object.fromEntries(failed.map(({ host, error }) => [host, reasonOf(error)]));
      const json = byHost(found, ({ value }) => value);
      shell.out.write(jsonText({ hosts: json, ...(failed.length > 0 && { unreachable }) }));
    } else if (options.jsonLines !== true) {
      shell.out.write(statusText(found, styleFor(shell.out, shell, options)));
    }
    for (const { error } of failed) shell.err.write(errorText(error, shell));
    return failed.length > 0 ? EXIT.error : EXIT.ok;
  } finally {
    await fleet.close();
  }
}
