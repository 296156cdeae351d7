import { CitadelError } from '../../manifest/index.js';
import { isChoice } from '../choose.js';
import { EXIT, worstOf, type ExitCode } from '../exit-code.js';
import { Fleet, inventoryHosts } from '../fleet.js';
import type { CommonOptions, Shell } from '../shell.js';
import { historyJson, historyText, runsText } from '../text/history.js';
import { byHost, jsonText } from '../text/plan-json.js';
import { errorText } from '../text/problems.js';
import { styleFor } from '../text/style.js';
import { readInventory } from '../read-inventory.js';

export interface HistoryOptions extends CommonOptions {
  /** Generation that is never to be dropped. */
  readonly pin?: number;
  /** Generation that may be dropped again. */
  readonly unpin?: number;
}

/** `citadel-iac history [host…]`: the generations that each host keeps, and the commands that were run on it; with `--pin N` or `--unpin N`, after marking one. */
export async function history(
  shell: Shell,
  names: readonly string[],
  options: HistoryOptions,
): Promise<ExitCode> {
  const inventory = await readInventory(shell, options);
  const hosts = inventoryHosts(shell, inventory, names, options);
  const marks = [
    ...(options.pin === undefined ? [] : [[options.pin, true] as const]),
    ...(options.unpin === undefined ? [] : [[options.unpin, false] as const]),
  ];
  if (marks.length > 0 && (hosts.length !== 1 || !isChoice(names, options))) throw oneHostOnly(hosts);
  const fleet = await Fleet.of(shell, inventory, options);
  try {
    for (const [generation, pinned] of marks) {
      for (const host of hosts)
        await fleet.engine.pin(await fleet.transport(host), generation, pinned, fleet.readOptions(host));
    }
    const outcomes = await fleet.each(hosts, async (host) => {
      const transport = await fleet.transport(host);
      const asked = fleet.readOptions(host);
      const [generations, runs] = await Promise.all([
        fleet.engine.history(transport, asked),
        fleet.engine.runs(transport, asked),
      ]);
      return { generations, runs };
    });
    const style = styleFor(shell.out, shell, options);
    const found = [];
    const codes: ExitCode[] = [];
    for (const outcome of outcomes) {
      if ('error' in outcome) {
        shell.err.write(errorText(outcome.error, shell));
        codes.push(EXIT.error);
      } else {
        found.push(outcome);
      }
    }
    if (options.json === true) {
      const records = found.map(({ host, value }) => historyJson(host, value.generations));
      const runs = found.filter(({ value }) => value.runs.length > 0);
      shell.out.write(
        jsonText({
          hosts: byHost(records, ({ generations }) => generations),
          ...(runs.length > 0 && { runs: byHost(runs, ({ value }) => value.runs) }),
        }),
      );
    } else {
      const texts = found.map(
        ({ host, value }) => historyText(host, value.generations, style) + runsText(value.runs, style),
      );
      shell.out.write(texts.join('\n'));
    }
    return worstOf(codes);
  } finally {
    await fleet.close();
  }
}

/** Numbers mean something else on each host. */
function oneHostOnly(hosts: readonly string[]): CitadelError {
  return new CitadelError({
    code: 'cli.history.pin',
    path: hosts.join(', '),
    got: 'a generation is pinned on one host',
    fix: `Name it: "citadel-iac history ${hosts[0] ?? 'HOST'} --pin N".`,
  });
}
