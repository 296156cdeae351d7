import type { GenerationRecord } from '../../engine/model.js';
import { rollbackLimits } from '../../engine/plan/limits.js';
import { loadInventory } from '../../inventory/index.js';
import { CitadelError } from '../../manifest/index.js';
import { carryOut, type CarryOutOptions } from '../carry-out.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { Fleet, inventoryHosts } from '../fleet.js';
import { plansOf } from '../read-plans.js';
import { recoverFirst } from '../recover-first.js';
import type { Shell } from '../shell.js';

export interface RollbackOptions extends CarryOutOptions {
  /** The generation to go back to; absent: the one before the current. */
  readonly to?: number;
}

/**
 * `citadel-iac rollback HOST [--to N]`: applies the manifest of a past generation, by the same code and with the same
 * safety as any apply. It becomes a new generation, so that history only ever grows.
 */
export async function rollback(shell: Shell, name: string, options: RollbackOptions): Promise<ExitCode> {
  const inventory = loadInventory(options.inventory, shell.env, shell.cwd);
  inventoryHosts(inventory, [name]);
  const fleet = await Fleet.of(shell, inventory);
  try {
    const transport = await fleet.transport(name);
    const records = await fleet.engine.history(transport, fleet.readOptions(name));
    const generation = chooseGeneration(name, records, options.to);
    const manifest = await fleet.engine.manifestOf(transport, generation, fleet.readOptions(name));
    if (manifest.host !== name) throw otherName(name, generation, manifest.host);
    shell.err.write(`${name}: back to generation ${generation}, as a new generation\n`);
    const { plans, failed } = await plansOf(shell, fleet, [manifest], options);
    if (failed.length > 0) return EXIT.error;
    const whole = await recoverFirst(shell, fleet, plans, options);
    if (whole === undefined) {
      shell.err.write('Nothing was changed.\n');
      return EXIT.error;
    }
    if (whole.failed.length > 0) return EXIT.error;
    const told = whole.plans.map((plan) => ({
      ...plan,
      notes: [...plan.notes, ...rollbackLimits(plan).map((limit) => `cannot be undone: ${limit}`)],
    }));
    return await carryOut(shell, fleet, told, options, 'Roll back');
  } finally {
    await fleet.close();
  }
}

/**
 * The generation that is meant.
 *
 * @throws CitadelError when the host has none, no earlier one, or not the one asked for
 */
export function chooseGeneration(host: string, records: readonly GenerationRecord[], to?: number): number {
  const current = records.find((record) => record.current)?.generation;
  const numbers = records.map(({ generation }) => generation).sort((a, b) => a - b);
  if (to !== undefined) {
    if (numbers.includes(to)) return to;
    throw noGeneration(
      host,
      `has no generation ${to}`,
      numbers.length === 0 ? 'Nothing was ever applied to it.' : `It keeps: ${numbers.join(', ')}.`,
    );
  }
  if (current === undefined)
    throw noGeneration(host, 'has no generation to go back from', 'Apply something first.');
  const previous = numbers.filter((number) => number < current).at(-1);
  if (previous !== undefined) return previous;
  throw noGeneration(
    host,
    `keeps no generation before the current one, ${current}`,
    'Name one with --to, or change the configuration and apply it.',
  );
}

/** A plan goes to the host that its document names. */
function otherName(host: string, generation: number, name: string): CitadelError {
  return new CitadelError({
    code: 'cli.rollback.name',
    path: host,
    got: `its generation ${generation} is the document of a host called "${name}"`,
    fix: `Choose a generation from after it was renamed, or call it "${name}" in the inventory again.`,
  });
}

function noGeneration(host: string, got: string, fix: string): CitadelError {
  return new CitadelError({ code: 'cli.rollback.generation', path: host, got, fix });
}
