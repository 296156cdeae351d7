import type { HostInventory, InventoryDocument } from './schema/inventory.js';
import type { TargetsFile } from './schema/reach.js';

/**
 * Lays a targets file over the hosts: its `root` replaces a connection, everything else replaces single members of
 * `address` and `ssh`. Hosts that the inventory does not name are left out: a lab may have more of them.
 *
 * @param resolve makes a path of the targets file absolute
 */
export function mergeTargets(
  document: InventoryDocument,
  targets: TargetsFile,
  resolve: (path: string) => string,
): InventoryDocument {
  const hosts = Object.fromEntries(
    Object.entries(document.hosts).map(([name, host]) => {
      const target = Object.hasOwn(targets, name) ? targets[name] : undefined;
      return [name, target === undefined ? host : mergeTarget(host, target, resolve)];
    }),
  );
  return { ...document, hosts };
}

function mergeTarget(
  host: HostInventory,
  target: NonNullable<TargetsFile[string]>,
  resolve: (path: string) => string,
): HostInventory {
  const {
    address = host.address,
    user = host.ssh?.user,
    port,
    hostKeys,
    identityFile,
    settleSec,
    root,
  } = target;
  const { ssh, root: ownRoot, ...rest } = host;
  const moved = address === undefined ? rest : { ...rest, address };
  if (root !== undefined) return { ...moved, root: resolve(root) };
  if (user === undefined)
    return { ...moved, ...(ssh && { ssh }), ...(ownRoot !== undefined && { root: ownRoot }) };
  return {
    ...moved,
    ssh: {
      ...ssh,
      user,
      port: port ?? ssh?.port ?? 22,
      hostKeys: hostKeys ?? ssh?.hostKeys ?? [],
      ...(identityFile !== undefined && { identityFile: resolve(identityFile) }),
      ...(settleSec !== undefined && { timeouts: { ...ssh?.timeouts, settleSec } }),
    },
  };
}
