import type { Transport } from '../../engine/transport.js';
import { targetOf, type Inventory } from '../../inventory/index.js';
import { CitadelError, type Problem, type SshTarget } from '../../manifest/index.js';
import { isPinned } from '../../ssh/index.js';
import { EXAMINE, parseExamination, type Examination } from '../doctor/examination.js';
import { Fleet } from '../fleet.js';
import type { Shell } from '../shell.js';

export interface DoorOptions {
  /** Account that a bare machine lets in. @default root */
  readonly bootstrapUser?: string;
  /** Private key for it. @default that of the inventory */
  readonly bootstrapIdentity?: string;
  /** Fingerprint that is accepted in this run, in place of those that are pinned. */
  readonly hostKey?: string;
}

/** The ways into a host, as they are before anything is done. */
export interface Doors {
  /** The normal door's target, with the host key of this run. */
  readonly target: SshTarget;
  readonly inventory: Inventory;
  /** Host keys that the inventory itself pins. */
  readonly pinned: readonly string[];
  /** The log-in that works now. */
  readonly transport: Transport;
  /** Absent when the normal door is open. */
  readonly bootstrap?: SshTarget;
  readonly examination: Examination;
  close(): Promise<void>;
}

const EXAMINE_SEC = 30;
/** What the normal door says when its account is not there, or not as it must be. */
const CLOSED: readonly string[] = ['ssh.auth', 'ssh.sudo', 'ssh.shell'];

/**
 * Finds out which door is open. Nothing is sent to a machine whose key no one vouched for, and nothing is written.
 *
 * @throws CitadelError `rebuild.host-key` with the key on offer and what to do; `rebuild.no-door` when no one lets us in
 */
export async function findDoors(
  shell: Shell,
  inventory: Inventory,
  host: string,
  options: DoorOptions,
): Promise<Doors> {
  const target = targetFor(inventory, host, options);
  const pinned = inventory.hosts[host]?.ssh?.hostKeys ?? [];
  const forRun = withPins(inventory, host, target.hostKeys);
  const fleet = await Fleet.of(shell, forRun);
  await requireHostKey(fleet, host, target, options);
  const normal = await attempt(async () => {
    const transport = await fleet.transport(host);
    return { transport, examination: await examine(transport, fleet, host) };
  });
  if ('value' in normal)
    return { target, inventory: forRun, pinned, ...normal.value, close: () => fleet.close() };
  await fleet.close();
  if (!normal.error.problems.some(({ code }) => CLOSED.includes(code))) throw normal.error;

  const bootstrap = bootstrapTarget(target, options);
  const other = await Fleet.of(shell, forRun);
  const opened = await attempt(async () => {
    const transport = await other.engine.open(host, bootstrap, shell.signal, forRun.secrets, {
      projectDir: forRun.source.projectDir,
    });
    try {
      return { transport, examination: await examine(transport, other, host) };
    } catch (error) {
      await transport.close();
      throw error;
    }
  });
  if (!('value' in opened)) throw noDoor(host, target, normal.error, opened.error);
  const { transport, examination } = opened.value;
  return {
    target,
    inventory: forRun,
    pinned,
    transport,
    bootstrap,
    examination,
    close: () => transport.close(),
  };
}

/** Says what a host is and has, which also proves that programs run there as root. */
export async function examine(transport: Transport, fleet: Fleet, host: string): Promise<Examination> {
  const options = { deadlineSec: EXAMINE_SEC, ...fleet.readOptions(host) };
  const result = await transport.read(EXAMINE, Buffer.alloc(0), options);
  const found = parseExamination(result.stdout.toString('utf8'), host);
  if (found.uid === 0) return found;
  throw new CitadelError({
    code: 'ssh.sudo',
    path: host,
    got: `${transport.description}: programs run as user ${found.uid}, not as root`,
    fix: 'Let sudo run commands as root for this account.',
  });
}

function targetFor(inventory: Inventory, host: string, { hostKey }: DoorOptions): SshTarget {
  const target = targetOf(inventory, host);
  if ('root' in target) {
    throw new CitadelError({
      code: 'rebuild.root',
      path: host,
      got: `is a directory (${target.root}), and not a machine`,
      fix: `Write it with "citadel-iac apply ${host}".`,
    });
  }
  return hostKey === undefined ? target : { ...target, hostKeys: [hostKey] };
}

/** The inventory as it is for this run: with the host key that was given. */
function withPins(inventory: Inventory, host: string, hostKeys: readonly string[]): Inventory {
  const entry = inventory.hosts[host];
  if (entry?.ssh === undefined) return inventory;
  const changed = { ...entry, ssh: { ...entry.ssh, hostKeys: [...hostKeys] } };
  return { ...inventory, hosts: { ...inventory.hosts, [host]: changed } };
}

/** The way in as another account. How the usual one becomes root, and the passphrase of its key, say nothing of that one's. */
export function bootstrapTarget(target: SshTarget, options: DoorOptions): SshTarget {
  const { identityFile, identityPassphrase, become, sudoPassword, ...rest } = target;
  const { bootstrapIdentity, bootstrapUser: user = 'root' } = options;
  const key =
    bootstrapIdentity === undefined
      ? { identityFile, identityPassphrase }
      : { identityFile: bootstrapIdentity };
  const same = user === target.user ? { become, sudoPassword } : {};
  const more = Object.entries({ ...key, ...same }).filter(([, value]) => value !== undefined);
  return { ...rest, user, ...Object.fromEntries(more) };
}

/** Behind a jump host, and by the system's OpenSSH, the key is seen by logging in only, which refuses it as well. */
async function requireHostKey(
  fleet: Fleet,
  host: string,
  target: SshTarget,
  { hostKey }: DoorOptions,
): Promise<void> {
  if (target.jump !== undefined || target.client === 'system') return;
  const { address, port, connectTimeoutSec } = target;
  const offered = await fleet.engine.scanHostKeys(host, address, port, connectTimeoutSec, target.hostKeys);
  if (offered.some((key) => isPinned(key, target.hostKeys))) return;
  const [best] = offered;
  const offers =
    offered.map(({ type, fingerprint }) => `${type} ${fingerprint}`).join(', ') || 'none that we accept';
  const { file } = fleet.inventory.source;
  if (hostKey !== undefined) {
    throw new CitadelError({
      code: 'rebuild.host-key',
      path: host,
      got: `the machine at ${address} does not have the key that was given (${hostKey}); it offers ${offers}`,
      fix: 'Nothing was sent to it. Is this the machine that you looked at? Read its key once more on its own console.',
    });
  }
  const pinned =
    target.hostKeys.length === 0
      ? 'no host key is pinned'
      : `none of the pinned host keys (${target.hostKeys.join(', ')}) is among them`;
  throw new CitadelError({
    code: 'rebuild.host-key',
    path: host,
    got: `the machine at ${address} offers ${offers}; ${pinned}`,
    fix:
      'A machine that was reinstalled has a new host key. On its own console (not over this network) run ' +
      `"for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done" and compare; when they are equal: ` +
      `citadel-iac rebuild ${host} --host-key ${best?.fingerprint ?? 'SHA256:…'} (for this run), ` +
      `or put it into hosts.${host}.ssh.hostKeys of ${file} first.`,
  });
}

function noDoor(
  host: string,
  target: SshTarget,
  normal: CitadelError,
  bootstrap: CitadelError,
): CitadelError {
  const problems = bootstrap.problems.map((problem): Problem => ({
    ...problem,
    code: 'rebuild.no-door',
    path: host,
    got: `neither "${target.user}" (${normal.problems.map(({ got }) => got).join('; ')}) nor the account for the first log-in is let in: ${problem.got}`,
    fix: `${problem.fix}. Or name another log-in that is root or may sudo: --bootstrap-user NAME --bootstrap-identity KEY-FILE`,
  }));
  return new CitadelError(problems);
}

async function attempt<T>(
  action: () => Promise<T>,
): Promise<{ readonly value: T } | { readonly error: CitadelError }> {
  try {
    return { value: await action() };
  } catch (error) {
    if (error instanceof CitadelError) return { error };
    throw error;
  }
}
