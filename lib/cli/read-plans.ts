import type { HostPlan } from '../engine/model.js';
import type { HostManifest } from '../manifest/index.js';
import { desiredHosts, type DesiredOptions } from './desired.js';
import { Fleet } from './fleet.js';
import { startProgress } from './progress/start.js';
import { foreignSecretNotes } from './secrets/host-made.js';
import type { CommonOptions, Shell } from './shell.js';
import { errorText } from './text/problems.js';
import { readInventory } from './read-inventory.js';

export interface ReadPlans {
  readonly fleet: Fleet;
  /** By host, sorted. */
  readonly plans: readonly HostPlan[];
  /** Hosts that could not be read; why is on standard error already. */
  readonly failed: readonly string[];
}

/**
 * Makes the manifests of the chosen hosts and compares each with its host, all at the same time. The caller closes
 * the fleet.
 */
export async function readPlans(
  shell: Shell,
  names: readonly string[],
  options: CommonOptions & DesiredOptions,
): Promise<ReadPlans> {
  const inventory = await readInventory(shell, options);
  const fleet = await Fleet.of(shell, inventory, options);
  try {
    const manifests = await desiredHosts(shell, inventory, names, options, (hosts) => fleet.expect(hosts));
    fleet.remark(await foreignSecretNotes(shell, inventory, manifests, options));
    return { fleet, ...(await plansOf(shell, fleet, manifests, options)) };
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
): Promise<Pick<ReadPlans, 'plans' | 'failed'>> {
  const byHost = new Map(manifests.map((manifest) => [manifest.host, manifest]));
  const hosts = [...byHost.keys()];
  const progress = startProgress(shell, hosts, false, options, fleet.inventory);
  const outcomes = await fleet.each(hosts, async (host) => {
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
  });
  await progress.stop();
  const plans: HostPlan[] = [];
  const failed: string[] = [];
  for (const outcome of outcomes) {
    if ('value' in outcome) plans.push(outcome.value);
    else {
      failed.push(outcome.host);
      shell.err.write(errorText(outcome.error, shell.env));
    }
  }
  return { plans, failed };
}
