import { diskProblems } from '../../engine/recovery/disks.js';
import type { HostInventory } from '../../inventory/index.js';
import type { Loss } from '../../site/recovery.js';
import { CitadelError, type HostManifest, type Problem } from '../../manifest/index.js';
import { desiredHosts, type DesiredOptions } from '../desired.js';
import { judgeExamination } from '../doctor/judge.js';
import type { EnginePort } from '../engine-port.js';
import { codeOf, EXIT, type ExitCode } from '../exit-code.js';
import { Fleet, inventoryHosts } from '../fleet.js';
import { startProgress } from '../progress/start.js';
import { hasModels } from '../rebuild/at-rest.js';
import { ApplyFailed, carryRebuild } from '../rebuild/carry.js';
import type { CarryOptions, Found } from '../rebuild/work.js';
import { examine, findDoors, type DoorOptions, type Doors } from '../rebuild/doors.js';
import { lossesOf, lostData, lostModels } from '../rebuild/losses.js';
import type { RecoveryPort } from '../rebuild/recovery-port.js';
import { makeReport, Recorder, type RebuildReport } from '../rebuild/report.js';
import { planSteps, type Look } from '../rebuild/steps.js';
import { foreignSecretNotes } from '../secrets/host-made.js';
import type { Shell } from '../shell.js';
import { whileSilent } from '../silence/planned-work.js';
import { colourFor } from '../text/colour.js';
import { jsonText } from '../text/plan-json.js';
import { errorText } from '../text/problems.js';
import { rebuildPlanText, rebuildReportText } from '../text/rebuild.js';
import { resultText } from '../text/result.js';
import { styleFor, visible } from '../text/style.js';
import { readInventory } from '../read-inventory.js';

/** Weights of some terabytes take hours. */
const LONGEST_REBUILD_SEC = 12 * 3600;

type LookWithLosses = Look & { readonly losses: readonly Loss[] };

export type RebuildOptions = CarryOptions & DoorOptions & DesiredOptions;

/**
 * `citadel-iac rebuild HOST`: from a bare machine with sshd to the host that its document says, with its models back
 * from backup. Looks first and shows what it will do; run again, it goes on where it was.
 */
export async function rebuild(shell: Shell, host: string, options: RebuildOptions): Promise<ExitCode> {
  const inventory = await readInventory(shell, options);
  inventoryHosts(shell, inventory, [host], {});
  const [manifest] = await desiredHosts(shell, inventory, [host], options);
  if (manifest === undefined) return EXIT.error;
  const remarks = await foreignSecretNotes(shell, inventory, [manifest], options);
  for (const remark of remarks.get(host) ?? []) shell.err.write(`! ${host}: ${visible(remark)}\n`);
  const engine = await shell.engine();
  const recovery = await engine.recovery();
  const began = shell.now();
  const doors = await findDoors(shell, inventory, host, options);
  try {
    const look = await lookAt(shell, engine, recovery, doors, manifest, options);
    const reachSec = (shell.now() - began) / 1000;
    const steps = planSteps(look, options);
    const { roles = [] } = await shell.app();
    const losses = lossesOf(manifest, roles);
    const sink = options.json === true ? shell.err : shell.out;
    sink.write(`${rebuildPlanText(host, steps, losses, styleFor(sink, shell, options))}\n`);
    if (options.yes !== true && !(await mayGoOn(shell, host, options))) {
      shell.err.write('Nothing was changed.\n');
      return EXIT.error;
    }
    const recorder = new Recorder(steps, () => shell.now());
    return await carry(shell, recovery, doors, { ...look, losses }, recorder, reachSec, options);
  } finally {
    await doors.close();
  }
}

/** Everything that can be known before anything is touched. @throws CitadelError with all that a person must fix first */
async function lookAt(
  shell: Shell,
  engine: EnginePort,
  recovery: RecoveryPort,
  { target, bootstrap, transport, examination, inventory }: Doors,
  manifest: HostManifest,
  options: RebuildOptions,
): Promise<Look> {
  const { host } = manifest;
  const entry = inventory.hosts[host] as HostInventory;
  const reading = { signal: shell.signal, deadlineSec: target.readTimeoutSec };
  const disks = await recovery.disks(transport, manifest.mounts, reading);
  const machine = judgeExamination(examination, shell.now() / 1000, false).flatMap(
    ({ status, name, found, fix }): Problem[] =>
      status === 'failed'
        ? [{ code: 'rebuild.machine', path: host, property: name, got: found, fix: fix ?? '' }]
        : [],
  );
  const secrets = await problemsOf(engine.requireSecrets(manifest, inventory.secrets, inventory.source));
  const problems = [...machine, ...diskProblems(host, disks), ...secrets];
  if (problems.length > 0) throw new CitadelError(problems);
  const weights =
    bootstrap === undefined && hasModels(manifest)
      ? // Before its configuration is whole, a host may be unable to say.
        await recovery.planWeights(transport, options.from, reading).catch((error: unknown) => {
          if (error instanceof CitadelError) return null;
          throw error;
        })
      : null;
  return {
    host,
    manifest,
    inventory: entry,
    door: `${target.user}@${target.address}`,
    ...(bootstrap !== undefined && { bootstrap: `${bootstrap.user}@${bootstrap.address}` }),
    ...(options.hostKey !== undefined && { givenKey: options.hostKey }),
    weights,
  };
}

async function problemsOf(work: Promise<void>): Promise<readonly Problem[]> {
  try {
    await work;
    return [];
  } catch (error) {
    if (error instanceof CitadelError) return error.problems;
    throw error;
  }
}

async function mayGoOn(shell: Shell, host: string, options: RebuildOptions): Promise<boolean> {
  if (!shell.interactive) {
    throw new CitadelError({
      code: 'cli.confirm',
      path: host,
      got: 'there is a host to rebuild, and no one to ask: this is not a terminal; nothing was changed',
      fix: 'Look at the plan above, and run the command again with --yes.',
    });
  }
  return shell.confirm(`Rebuild ${host}?`, colourFor(shell.err, shell, options));
}

async function carry(
  shell: Shell,
  recovery: RecoveryPort,
  doors: Doors,
  look: LookWithLosses,
  recorder: Recorder,
  reachSec: number,
  options: RebuildOptions,
): Promise<ExitCode> {
  const { host, manifest } = look;
  const progress = startProgress(shell, [host], true, options, doors.inventory);
  const say = (text: string): void => progress.update(host, text);
  const found: Found = { weights: null, data: [], owes: [], health: null };
  // The bootstrap's own connection knows another account.
  const fleet = await Fleet.of(shell, doors.inventory);
  let failure: unknown;
  try {
    await recorder.run('reach', () => Promise.resolve({ detail: systemText(doors) }), reachSec);
    await recorder.run('bootstrap', async () => {
      if (doors.bootstrap === undefined) return { already: true, detail: 'the normal door is open' };
      say('making the account');
      const did = await recovery.bootstrap(
        doors.transport,
        await doorOf(recovery, doors, manifest),
        shell.signal,
      );
      await examine(await fleet.transport(host), fleet, host);
      return { detail: did.join(', ') };
    });
    await recorder.run('disks', () =>
      Promise.resolve({ already: true, detail: 'all have their file systems' }),
    );
    const work = { hosts: [host], without: host, what: 'rebuild', seconds: () => LONGEST_REBUILD_SEC };
    await whileSilent(shell, fleet, work, () =>
      carryRebuild({ shell, fleet, recovery, manifest, options, say }, recorder, found),
    );
  } catch (error) {
    failure = error;
  }
  progress.done(host, failure === undefined ? 'done' : 'failed', failure === undefined);
  await progress.stop();
  await fleet.close();
  const report = reportOf(shell, doors, look, recorder, found, failure !== undefined);
  show(shell, report, options);
  if (failure instanceof ApplyFailed) {
    shell.err.write(resultText(failure.result, styleFor(shell.err, shell, options)));
    return codeOf(failure.result.outcome);
  }
  if (failure !== undefined) {
    shell.err.write(errorText(failure, shell));
    return EXIT.error;
  }
  return report.outcome === 'rebuilt' || options.withoutWeights === true ? EXIT.ok : EXIT.error;
}

async function doorOf(recovery: RecoveryPort, { target }: Doors, manifest: HostManifest) {
  const user = manifest.users?.[target.user];
  const own = await recovery.authorizedKey(target, manifest.host);
  const keys = [...(user?.authorizedKeys ?? []), ...(own === undefined ? [] : [own])];
  return { user: target.user, keys, ...(user?.uid !== undefined && { uid: user.uid }) };
}

function systemText({ examination }: Doors): string {
  return examination.system === '' ? 'a machine that does not say what it is' : examination.system;
}

function reportOf(
  shell: Shell,
  doors: Doors,
  { host, givenKey, losses }: LookWithLosses,
  recorder: Recorder,
  { weights, data, owes, health }: Found,
  failed: boolean,
): RebuildReport {
  const steps = recorder.records();
  const { file, targetsFile } = doors.inventory.source;
  const where = targetsFile?.found === true ? `${file} (or of ${targetsFile.path})` : file;
  return makeReport({
    host,
    seconds: steps.reduce((sum, step) => sum + step.seconds, 0),
    steps,
    weights,
    nowSec: shell.now() / 1000,
    data,
    lostModels: lostModels(weights),
    lostData: lostData(data),
    losses,
    todo: [
      ...(failed ? ['Fix what is said below, and run the same command again: it goes on from there.'] : []),
      ...(givenKey === undefined || doors.pinned.includes(givenKey)
        ? []
        : [`Put ${givenKey} into hosts.${host}.ssh.hostKeys of ${where}, in place of the old host’s.`]),
      ...(owes.length === 0 ? [] : [`Reboot it again (citadel-iac reboot ${host}): ${owes.join('; ')}`]),
      ...(health === null || health.well ? [] : [healthText(health.words)]),
    ],
  });
}

/** What is not well, of the table that the host prints. */
function healthText(words: string): string {
  const ill = words
    .split('\n')
    .flatMap((line) => (/^\s*(FAIL|WARN)/i.test(line) ? [line.trim().replace(/ +/g, ' ')] : []));
  const more = ill.length > 5 ? `, and ${ill.length - 5} more` : '';
  const said = ill.length === 0 ? 'it is not well' : `${ill.slice(0, 5).join('; ')}${more}`;
  return `Look at its health ("citadel health" on the host says what to do): ${said}`;
}

function show(shell: Shell, report: RebuildReport, options: RebuildOptions): void {
  if (options.json === true) shell.out.write(jsonText(report));
  else shell.out.write(`\n${rebuildReportText(report, styleFor(shell.out, shell, options))}`);
}
