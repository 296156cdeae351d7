import { NodeExporter } from '../../constructs/monitoring/node-exporter.js';
import { applyAsRead, isAppliedAsRead, type AppliedAsRead } from '../apply-as-read.js';
import type { CarryOutOptions } from '../carry-out-options.js';
import { carryOut } from '../carry-out.js';
import type { DesiredOptions } from '../desired.js';
import { CitadelError } from '../../manifest/index.js';
import { EXIT, worstOf, type ExitCode } from '../exit-code.js';
import { writeLastRun } from '../last-run.js';
import { chooseHosts, isChoice } from '../choose.js';
import { readInventory } from '../read-inventory.js';
import { openFleet, plansOf, readPlans, type ReadPlans } from '../read-plans.js';
import { recoverFirst } from '../recover-first.js';
import { rebootHosts, rebootText } from '../reboot/reboot-hosts.js';
import { readPlan } from '../saved-plan/file.js';
import { refuseOther, savedHosts } from '../saved-plan/refuse.js';
import { isForProgram } from '../result-lines.js';
import type { Shell } from '../shell.js';
import { visible } from '../text/style.js';
import type { Fleet } from '../fleet.js';

export interface ApplyCommandOptions extends CarryOutOptions, DesiredOptions {
  /** File that `diff --save` wrote. */
  readonly plan?: string;
  /** Reboots hosts that owe it, once they are as they should be. */
  readonly reboot?: boolean;
}

/**
 * `citadel-iac apply [host…]`: makes each host what it should be, in one transaction per host. A host that cannot be
 * read is left alone and makes the exit status 1; it does not keep the others from what they need. With `--plan FILE`, what
 * was reviewed is applied and nothing else.
 */
export async function apply(
  shell: Shell,
  names: readonly string[],
  options: ApplyCommandOptions,
): Promise<ExitCode> {
  const { fleet, plans, failed, ended, notBegun } = await read(shell, names, options);
  try {
    for (const host of failed) shell.err.write(`${host} could not be read and is left alone.\n`);
    const whole = await recoverFirst(shell, fleet, plans, options);
    if (whole === undefined) {
      shell.err.write('Nothing was changed.\n');
      return EXIT.error;
    }
    if (whole.plans.length + ended.length + notBegun.length === 0) return EXIT.error;
    const before = { outcomes: ended, notBegun };
    const { code, ...run } = await carryOut(shell, fleet, whole.plans, options, 'Apply', undefined, before);
    writeLastRun(shell, fleet.inventory, {
      done: run.done,
      failed: [...run.failed, ...failed, ...whole.failed],
      notBegun: run.notBegun,
    });
    const booted = options.reboot === true ? await rebootOwing(shell, fleet, run.done, options) : EXIT.ok;
    return worstOf([code, booted, failed.length + whole.failed.length === 0 ? EXIT.ok : EXIT.error]);
  } finally {
    await fleet.close();
  }
}

/** Plans, and what was done already where no host had to wait for another. */
async function read(
  shell: Shell,
  names: readonly string[],
  options: ApplyCommandOptions,
): Promise<ReadPlans & AppliedAsRead> {
  const nothing = { ended: [], notBegun: [] };
  if (options.plan !== undefined)
    return { ...(await reviewed(shell, names, options, options.plan)), ...nothing };
  const { fleet, manifests } = await openFleet(shell, names, options);
  try {
    const asRead = isAppliedAsRead(options) && manifests.length > 1;
    return asRead
      ? { fleet, ...(await applyAsRead(shell, fleet, manifests, options)) }
      : { fleet, ...nothing, ...(await plansOf(shell, fleet, manifests, options)) };
  } catch (error) {
    await fleet.close();
    throw error;
  }
}

/** Of the hosts that are through, those that owe a reboot. */
async function rebootOwing(
  shell: Shell,
  fleet: Fleet,
  hosts: readonly string[],
  options: ApplyCommandOptions,
): Promise<ExitCode> {
  const owing: string[] = [];
  for (const host of hosts) {
    const { reboot } = await fleet.engine.status(
      await fleet.transport(host),
      NodeExporter.TEXTFILES,
      fleet.readOptions(host),
    );
    if (reboot.length === 0) continue;
    shell.err.write(`${host} owes a reboot: ${visible(reboot.join('; '))}\n`);
    owing.push(host);
  }
  if (owing.length === 0) return EXIT.ok;
  const { code, results } = await rebootHosts(shell, fleet, owing);
  // With --json, standard output is one document: that of the apply.
  (isForProgram(options) ? shell.err : shell.out).write(rebootText(results));
  return code;
}

/**
 * The plans of a saved file. They are made again, with the secrets of now and the documents from where they came then, and
 * must say what the file says.
 */
async function reviewed(
  shell: Shell,
  names: readonly string[],
  options: ApplyCommandOptions,
  file: string,
): Promise<ReadPlans> {
  const saved = await readPlan(shell, file);
  const manifest = options.manifest ?? saved.manifest;
  if (options.manifest === undefined && manifest?.includes('-') === true) throw documentsGone(file);
  const hosts = isChoice([], options)
    ? chooseHosts(
        shell,
        await readInventory(shell, options),
        Object.keys(saved.hosts).sort(),
        names,
        options,
        file,
      )
    : savedHosts(file, saved, names);
  const { on: _on, except: _except, ...rest } = options;
  const read = await readPlans(shell, hosts, {
    ...rest,
    ...(manifest !== undefined && { manifest }),
  });
  try {
    refuseOther(file, saved, read.plans);
    return read;
  } catch (error) {
    await read.fleet.close();
    throw error;
  }
}

function documentsGone(file: string): CitadelError {
  return new CitadelError({
    code: 'cli.plan.manifest',
    path: file,
    got: 'the documents of this plan came from standard input',
    fix: 'Give them with --manifest as well: they are compared with what was reviewed',
  });
}
