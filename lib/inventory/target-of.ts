import { CitadelError, type Target } from '../manifest/index.js';
import type { Inventory } from './inventory.js';
import { unknownHost } from './rules.js';

/** What is used where the inventory says nothing, as in `lib/manifest/target.ts`. */
const DEFAULT_SEC = { connect: 10, read: 60, apply: 1800, confirm: 60 } as const;

/**
 * How `host` is reached. `hostKeys` may be empty, so that documents can be made before a host was ever seen;
 * connecting then refuses and shows the key on offer.
 *
 * @throws CitadelError when the inventory does not name the host, or no way to it
 */
export function targetOf(inventory: Inventory, host: string): Target {
  const { file, targetsFile } = inventory.source;
  const entry = Object.hasOwn(inventory.hosts, host) ? inventory.hosts[host] : undefined;
  if (entry === undefined) throw new CitadelError(unknownHost(host, Object.keys(inventory.hosts), file));
  if (entry.root !== undefined) return { root: entry.root };
  const { address, ssh, generations } = entry;
  if (address === undefined || ssh === undefined) {
    const absent = targetsFile !== undefined && !targetsFile.found;
    throw new CitadelError({
      code: 'inventory.host.no-way',
      path: file,
      property: `hosts.${host}`,
      got: absent
        ? `says no way to log in, and the targets file ${targetsFile.path} does not exist`
        : 'says no way to reach it',
      fix: absent
        ? 'Start what writes that file (for the lab: "npm run lab -- up"), or add "ssh" to the host.'
        : 'Add "address" and "ssh" with a user, or "root" with a directory.',
    });
  }
  const { timeouts } = ssh;
  return {
    address,
    port: ssh.port,
    user: ssh.user,
    hostKeys: ssh.hostKeys,
    ...(ssh.identityFile !== undefined && { identityFile: ssh.identityFile }),
    ...(ssh.identityPassphrase !== undefined && { identityPassphrase: ssh.identityPassphrase }),
    ...(ssh.become !== undefined && { become: ssh.become }),
    ...(ssh.sudoPassword !== undefined && { sudoPassword: ssh.sudoPassword }),
    ...(ssh.jump !== undefined && { jump: ssh.jump }),
    ...(ssh.client !== undefined && { client: ssh.client }),
    connectTimeoutSec: timeouts?.connectSec ?? DEFAULT_SEC.connect,
    readTimeoutSec: timeouts?.readSec ?? DEFAULT_SEC.read,
    applyTimeoutSec: timeouts?.applySec ?? DEFAULT_SEC.apply,
    confirmTimeoutSec: timeouts?.confirmSec ?? DEFAULT_SEC.confirm,
    ...(timeouts?.settleSec !== undefined && { settleSec: timeouts.settleSec }),
    ...(generations !== undefined && {
      keepGenerations: generations.keep,
      keepGenerationsDays: generations.maxAgeDays,
    }),
  };
}
