import type { GenerationRecord, HostPlan } from '../../engine/model.js';
import { rollbackLimits } from '../../engine/plan/limits.js';
import { CitadelError } from '../../manifest/index.js';
import type { CarryOutOptions } from '../carry-out-options.js';
import { carryOut } from '../carry-out.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { Fleet, inventoryHosts } from '../fleet.js';
import { plansOf } from '../read-plans.js';
import { recoverFirst } from '../recover-first.js';
import { refuseForeignSecrets } from '../secrets/host-made.js';
import type { Shell } from '../shell.js';
import { visible } from '../text/style.js';
import { readInventory } from '../read-inventory.js';

export interface RollbackOptions extends CarryOutOptions {
  /** The generation to go back to; absent: the newest earlier one whose document is another than the current one. */
  readonly to?: number;
  /** Secrets that the host may have although the project does not give them to it. */
  readonly allowSecret?: readonly string[];
}

/**
 * `citadel-iac rollback HOST [--to N]`: applies the manifest of a past generation, by the same code and with the same
 * safety as any apply. It becomes a new generation, so that history only ever grows.
 */
export async function rollback(shell: Shell, name: string, options: RollbackOptions): Promise<ExitCode> {
  const inventory = await readInventory(shell, options);
  inventoryHosts(shell, inventory, [name], {});
  const fleet = await Fleet.of(shell, inventory, options);
  try {
    const transport = await fleet.transport(name);
    const records = await fleet.engine.history(transport, fleet.readOptions(name));
    const { generation, said } = chooseGeneration(name, records, options.to);
    const digest = records.find((record) => record.generation === generation)?.digest ?? '';
    const reading = { ...fleet.readOptions(name), digest };
    const manifest = await fleet.engine.manifestOf(transport, generation, reading);
    if (manifest.host !== name) throw otherName(name, generation, manifest.host);
    const allowed = options.allowSecret ?? [];
    await refuseForeignSecrets(shell, inventory, { manifest, generation, allowed });
    shell.err.write(`${name}: back to generation ${said}\n`);
    const { plans, failed } = await plansOf(shell, fleet, [manifest], options);
    if (failed.length > 0) return EXIT.error;
    const whole = await recoverFirst(shell, fleet, plans, options);
    if (whole === undefined) {
      shell.err.write('Nothing was changed.\n');
      return EXIT.error;
    }
    if (whole.failed.length > 0) return EXIT.error;
    return (await carryOut(shell, fleet, whole.plans, options, 'Roll back', withLimits)).code;
  } finally {
    await fleet.close();
  }
}

function withLimits(plan: HostPlan): HostPlan {
  const limits = rollbackLimits(plan).map((limit) => `cannot be undone: ${limit}`);
  return { ...plan, notes: [...plan.notes, ...limits] };
}

/** Where a rollback goes. */
export interface Choice {
  readonly generation: number;
  /** `5 (2026-01-01T00:00:00Z, 0123456789ab), as a new generation`, and what was passed over. */
  readonly said: string;
}

/**
 * The generation that is meant. Without a number it is the newest earlier one with another document: an apply that only
 * undoes a change made by hand is a generation too, and going back to its document would do nothing.
 *
 * @throws CitadelError when the host has none, no earlier one with another document, or not the one asked for
 */
export function chooseGeneration(host: string, records: readonly GenerationRecord[], to?: number): Choice {
  const sorted = [...records].sort((a, b) => a.generation - b.generation);
  if (to !== undefined) {
    const named = sorted.find(({ generation }) => generation === to);
    if (named !== undefined) return chosen(named);
    throw noGeneration(
      host,
      `has no generation ${to}`,
      sorted.length === 0 ? 'Nothing was ever applied to it.' : `It keeps: ${listed(sorted)}.`,
    );
  }
  const current = sorted.find((record) => record.current);
  if (current === undefined)
    throw noGeneration(host, 'has no generation to go back from', 'Apply something first.');
  const { generation, digest } = current;
  const earlier = sorted.filter((record) => record.generation < generation);
  const target = earlier.findLast((record) => record.digest !== digest);
  if (target !== undefined) {
    const over = earlier.filter((record) => record.generation > target.generation);
    const same = `which ${over.length === 1 ? 'has' : 'have'} the document of the current one, ${generation}`;
    return chosen(target, over.length === 0 ? '' : `; passed over ${listed(over)}, ${same}`);
  }
  const advice = 'Name one with --to, or change the configuration and apply it';
  if (earlier.length === 0)
    throw noGeneration(host, `keeps no generation before the current one, ${generation}`, `${advice}.`);
  throw noGeneration(
    host,
    `keeps no earlier generation with another document than the current one, ${generation}: ${listed(earlier)} ${earlier.length === 1 ? 'has' : 'have'} the same`,
    `${advice}. What was changed by hand is undone by "citadel-iac rollback ${host} --to ${generation}".`,
  );
}

function chosen({ generation, time, digest }: GenerationRecord, why = ''): Choice {
  return {
    generation,
    said: `${generation} (${visible(`${time}, ${digest.slice(0, 12)}`)}), as a new generation${why}`,
  };
}

function listed(records: readonly GenerationRecord[]): string {
  return records.map(({ generation }) => generation).join(', ');
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
