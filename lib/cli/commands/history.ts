import { loadInventory } from '../../inventory/index.js';
import { EXIT, worstOf, type ExitCode } from '../exit-code.js';
import { Fleet, inventoryHosts } from '../fleet.js';
import type { CommonOptions, Shell } from '../shell.js';
import { historyJson, historyText } from '../text/history.js';
import { byHost, jsonText } from '../text/plan-json.js';
import { errorText } from '../text/problems.js';
import { styleFor } from '../text/style.js';

/** `citadel-iac history [host…]`: the generations that each host keeps. */
export async function history(
  shell: Shell,
  names: readonly string[],
  options: CommonOptions,
): Promise<ExitCode> {
  const inventory = loadInventory(options.inventory, shell.env, shell.cwd);
  const hosts = inventoryHosts(inventory, names);
  const fleet = await Fleet.of(shell, inventory);
  try {
    const outcomes = await fleet.each(hosts, async (host) =>
      fleet.engine.history(await fleet.transport(host), fleet.readOptions(host)),
    );
    const style = styleFor(shell.out, shell, options);
    const found = [];
    const codes: ExitCode[] = [];
    for (const outcome of outcomes) {
      if ('error' in outcome) {
        shell.err.write(errorText(outcome.error, shell.env));
        codes.push(EXIT.error);
      } else {
        found.push(outcome);
      }
    }
    if (options.json === true) {
      const records = found.map(({ host, value }) => historyJson(host, value));
      shell.out.write(jsonText({ hosts: byHost(records, ({ generations }) => generations) }));
    } else {
      shell.out.write(found.map(({ host, value }) => historyText(host, value, style)).join('\n'));
    }
    return worstOf(codes);
  } finally {
    await fleet.close();
  }
}
