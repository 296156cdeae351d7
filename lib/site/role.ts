import type { HostInventory, Inventory, InventoryRole } from '../inventory/index.js';
import type { ContributionKind, RoleContribution } from './contributions.js';
import type { Examiner } from './examiner.js';
import type { Finding } from './finding.js';
import type { Fleet, FleetInventory, Member } from './fleet.js';
import type { ModelLock } from './model-lock.js';
import type { RebootCare } from './reboot-care.js';
import type { RoleRecovery } from './recovery.js';
import type { Silencer } from './silencer.js';

/**
 * What hosts are for: a plug-in, ours or a stranger's. The tool knows nothing of a role but this.
 *
 * Everything is optional but name and version. A role acts on the hosts that have one of its keys, or on all of them.
 */
export interface Role extends InventoryRole {
  /** What it tells other roles, from the inventory alone; called once, before any role builds. */
  readonly contribute?: (fleet: Fleet) => readonly RoleContribution[];
  /** Kinds of contributions that it reads for these hosts; none where no host needs them. */
  readonly consumes?: (inventory: FleetInventory) => readonly ContributionKind[];
  /** Makes the constructs of one host; called for every host of the fleet. */
  readonly build?: (member: Member, fleet: Fleet) => void;
  /** What `citadel-iac doctor` says about the inventory. */
  readonly doctor?: (inventory: Inventory) => readonly Finding[];
  /** What it looks at on a host; nothing where the host is none of its. Hosts that run alone are asked. */
  readonly examine?: (host: HostInventory) => Examiner | undefined;
  /** Where alerts about these hosts are silenced while work takes them down. */
  readonly silencers?: (inventory: Inventory) => readonly Silencer[];
  /** What `citadel-iac models lock` writes. */
  readonly modelLock?: ModelLock;
  /** What a reboot of a host has to do with it; nothing where the host is none of its. */
  readonly reboot?: (host: HostInventory, texts: Inventory['texts']) => RebootCare | undefined;
  /** What a rebuild cannot bring back. */
  readonly recovery?: RoleRecovery;
}
