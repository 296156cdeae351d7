import { NodeExporter } from '../../constructs/monitoring/node-exporter.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { Fleet, inventoryHosts, type Outcome } from '../fleet.js';
import { readInventory } from '../read-inventory.js';
import type { CommonOptions, Shell } from '../shell.js';
import { CitadelError } from '../../manifest/index.js';
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
    const outcomes = await fleet.each(hosts, async (host) =>
      fleet.engine.status(await fleet.transport(host), NodeExporter.TEXTFILES, fleet.readOptions(host)),
    );
    const found = outcomes.flatMap((outcome) => ('value' in outcome ? [outcome] : []));
    const failed = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome] : []));
    if (options.json === true) {
      const unreachable = Object.fromEntries(failed.map((outcome) => [outcome.host, reasonOf(outcome)]));
      const json = byHost(found, ({ value }) => value);
      shell.out.write(jsonText({ hosts: json, ...(failed.length > 0 && { unreachable }) }));
    } else {
      shell.out.write(statusText(found, styleFor(shell.out, shell, options)));
    }
    for (const { error } of failed) shell.err.write(errorText(error, shell.env));
    return failed.length > 0 ? EXIT.error : EXIT.ok;
  } finally {
    await fleet.close();
  }
}

function reasonOf(outcome: Outcome<unknown>): string {
  if (!('error' in outcome)) return '';
  const { error } = outcome;
  return error instanceof CitadelError ? error.problems.map(({ got }) => got).join('; ') : 'internal error';
}
