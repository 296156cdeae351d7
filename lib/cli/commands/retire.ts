import type { HostPlan } from '../../engine/model.js';
import type { Inventory, LoadedInventory } from '../../inventory/index.js';
import { CitadelError, type HostManifest } from '../../manifest/index.js';
import type { CarryOutOptions } from '../carry-out-options.js';
import { carryOut } from '../carry-out.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { Fleet, inventoryHosts } from '../fleet.js';
import { originsFrom } from '../origins.js';
import { plansOf } from '../read-plans.js';
import { readWritten } from '../read-inventory.js';
import { recoverFirst } from '../recover-first.js';
import type { Shell } from '../shell.js';
import { hostsText } from '../text/hosts.js';
import { visible } from '../text/style.js';

const STAYS =
  'data stay: models, backups, samples, logs, earlier generations (citadel-iac rollback HOST brings it back)';

/**
 * `citadel-iac retire HOST`: takes everything off a host that was ever deployed to it, and says what to take out of the inventory and
 * which other hosts follow. The inventory is not touched.
 *
 * @throws CitadelError for a host that the inventory protects, before the host is asked anything
 */
export async function retire(shell: Shell, host: string, options: CarryOutOptions): Promise<ExitCode> {
  const loaded = await readWritten(shell, options);
  const { inventory } = loaded;
  inventoryHosts(shell, inventory, [host], {});
  refuseProtected(shell, loaded, host);
  const fleet = await Fleet.of(shell, inventory, options);
  const sink = options.json === true ? shell.err : shell.out;
  try {
    const nothing: HostManifest = { version: 1, host };
    const { plans, failed } = await plansOf(shell, fleet, [nothing], options);
    if (failed.length > 0) {
      shell.err.write('Nothing was changed. If the machine is gone for good:\n');
      sink.write(await leftToDo(shell, inventory, host));
      return EXIT.error;
    }
    const whole = await recoverFirst(shell, fleet, plans, options);
    if (whole === undefined) shell.err.write('Nothing was changed.\n');
    if (whole === undefined || whole.failed.length > 0) return EXIT.error;
    const { code } = await carryOut(shell, fleet, whole.plans, options, 'Carry out', withWhatStays);
    if (code === EXIT.ok) sink.write(await leftToDo(shell, inventory, host));
    return code;
  } finally {
    await fleet.close();
  }
}

function refuseProtected(shell: Shell, loaded: LoadedInventory, host: string): void {
  if (loaded.inventory.hosts[host]?.protect !== true) return;
  const { at } = originsFrom(shell.cwd, loaded, host).find(({ path }) => path.join('.') === 'protect') ?? {};
  throw new CitadelError({
    code: 'retire.protected',
    path: at ?? host,
    got: `${host} is protected (protect: true), so nothing was taken off it`,
    fix: `If it is to be retired all the same, set hosts.${host}.protect to false and run the command again`,
  });
}

function withWhatStays(plan: HostPlan): HostPlan {
  return { ...plan, notes: [...plan.notes, STAYS.replace('HOST', plan.host)] };
}

/** Lines to take out, and hosts whose documents are others without this one. */
async function leftToDo(shell: Shell, inventory: Inventory, host: string): Promise<string> {
  const { file, targetsFile } = inventory.source;
  const targets = targetsFile?.found === true ? `, and ${host} of ${targetsFile.path}` : '';
  return [
    `Left to do for ${host}:`,
    `  1. Take hosts.${host} out of ${file}${targets}: with it go its address, its pinned host keys and what is declared for it.`,
    `  2. ${await followers(shell, inventory, host)}`,
    '  3. Revoke what it held: keys and tokens of secrets that no other host has.',
    '',
  ].join('\n');
}

async function followers(shell: Shell, inventory: Inventory, host: string): Promise<string> {
  const { [host]: _retired, ...hosts } = inventory.hosts;
  if (Object.keys(hosts).length === 0) return 'It is the last host: no other follows.';
  const app = await shell.app();
  try {
    const before = new Map(
      (await app.buildHosts(inventory)).map((each) => [each.host, JSON.stringify(each)]),
    );
    const others = (await app.buildHosts({ ...inventory, hosts }))
      .filter((each) => before.get(each.host) !== JSON.stringify(each))
      .map((each) => each.host);
    return others.length === 0
      ? 'No other host knows of it.'
      : `Apply those that know of it: ${hostsText(others)}`;
  } catch (error) {
    if (!(error instanceof CitadelError)) throw error;
    const said = error.problems.map(({ path, got }) => `[${path}] ${got}`).join('; ');
    return `The inventory speaks of it elsewhere, and is refused without it: ${visible(said)}`;
  }
}
