import type { HostPlan } from '../engine/model.js';
import type { HostManifest } from '../manifest/index.js';
import { desiredHosts, type DesiredOptions } from './desired.js';
import { Fleet, type Outcome } from './fleet.js';
import { startProgress } from './progress/start.js';
import { foreignSecretNotes } from './secrets/host-made.js';
import type { CommonOptions, Shell } from './shell.js';
import { errorText } from './text/problems.js';
import { readInventory } from './read-inventory.js';

/** What the chosen hosts should be, and the way to them. */
export interface Desired {
  readonly fleet: Fleet;
  /** By host, sorted. */
  readonly manifests: readonly HostManifest[];
}

export interface ReadPlans {
  readonly fleet: Fleet;
  /** By host, sorted. */
  readonly plans: readonly HostPlan[];
  /** Hosts that could not be read; why is on standard error already. */
  readonly failed: readonly string[];
}

/** Makes the manifests of the chosen hosts, and begins to connect meanwhile. The caller closes the fleet. */
export async function openFleet(
  shell: Shell,
  names: readonly string[],
  options: CommonOptions & DesiredOptions,
): Promise<Desired> {
  const inventory = await readInventory(shell, options);
  const fleet = await Fleet.of(shell, inventory, options);
  try {
    const manifests = await desiredHosts(shell, inventory, names, options, (hosts) => fleet.expect(hosts));
    fleet.remark(await foreignSecretNotes(shell, inventory, manifests, options));
    return { fleet, manifests };
  } catch (error) {
    await fleet.close();
    throw error;
  }
}

/**
 * {@link openFleet}, and compares each manifest with its host, all at the same time. The caller closes the fleet.
 *
 * @param ended told of each host as it has been read
 */
export async function readPlans(
  shell: Shell,
  names: readonly string[],
  options: CommonOptions & DesiredOptions,
  ended?: (outcome: Outcome<HostPlan>) => void,
): Promise<ReadPlans> {
  const { fleet, manifests } = await openFleet(shell, names, options);
  try {
    return { fleet, ...(await plansOf(shell, fleet, manifests, options, ended)) };
  } catch (error) {
    await fleet.close();
    throw error;
  }
}

/** Compares hosts with manifests; what cannot be read is said on standard error. */
export async function plansOf(
  shell: Shell,
  fleet: Fleet,
  manifests: readonly HostManifest[],
  options: CommonOptions,
  ended?: (outcome: Outcome<HostPlan>) => void,
): Promise<Pick<ReadPlans, 'plans' | 'failed'>> {
  const byHost = new Map(manifests.map((manifest) => [manifest.host, manifest]));
  const hosts = [...byHost.keys()];
  const progress = startProgress(shell, hosts, false, options, fleet.inventory);
  const read = async (host: string): Promise<HostPlan> => {
    progress.update(host, 'reading');
    const manifest = byHost.get(host) as HostManifest;
    try {
      const plan = await fleet.plan(manifest);
      progress.done(host, 'read', true);
      return plan;
    } catch (error) {
      progress.done(host, 'could not be read', false);
      throw error;
    }
  };
  const outcomes = await fleet.each(hosts, read, ended);
  await progress.stop();
  const plans: HostPlan[] = [];
  const failed: string[] = [];
  for (const outcome of outcomes) {
    if ('value' in outcome) plans.push(outcome.value);
    else {
      failed.push(outcome.host);
      shell.err.write(errorText(outcome.error, shell));
    }
  }
  return { plans, failed };
}
