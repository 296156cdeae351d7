import type { ApplyResult, Change, HostPlan } from '../../engine/model.js';
import { CitadelError, type HostManifest } from '../../manifest/index.js';
import { waitSeconds } from '../await-others.js';
import { applyOne } from '../apply-one.js';
import { codeOf, EXIT } from '../exit-code.js';
import { needsApply, needsWork } from '../text/plan.js';
import { sizeText } from '../../text/size.js';
import { plural } from '../text/style.js';
import { NodeExporter } from '../../constructs/monitoring/node-exporter.js';
import { rebootHost } from '../reboot/reboot-host.js';
import { careFor, REBOOT_SEC } from '../reboot/reboot-hosts.js';
import { fetchedWeights, keptElsewhere, withFetched } from './declared.js';
import { awaitFetched } from './fetch.js';
import { atRest, hasModels, missingModels, withoutMissing } from './at-rest.js';
import type { Recorder, StepEnd } from './report.js';
import type { Found, Work } from './work.js';

/** A transaction that did not end well: the host undid it, or says what state it is in. */
export class ApplyFailed extends Error {
  constructor(readonly result: ApplyResult) {
    super(result.next);
  }
}

/**
 * From an open door to a host that is what it should be. Each step looks whether it is done before it does anything, so
 * that going on after an interruption is running the command again.
 */
export async function carryRebuild(work: Work, recorder: Recorder, found: Found): Promise<void> {
  const { manifest } = work;
  const models = hasModels(manifest);
  const kept = keptElsewhere(manifest).length > 0;
  if (models || kept) await recorder.run('configuration', () => applyManifest(work, atRest(manifest), false));
  if (kept) await recorder.run('data', () => bringDataBack(work, found));
  if (models) await recorder.run('weights', () => bringBack(work, found));
  const wanted = withoutMissing(manifest, found.weights);
  await recorder.run('services', () => applyManifest(work, wanted, true));
  await recorder.run('reboot', () => rebootOwed(work, found));
  await recorder.run('fetch', () => awaitFetched(work, found));
  await recorder.run('verification', () => verify(work, wanted, found));
}

/** @param exact whether the host must also write down that this is its state; else only differences count */
async function applyManifest(work: Work, manifest: HostManifest, exact: boolean): Promise<StepEnd> {
  const { shell, fleet, options, say } = work;
  say('comparing');
  const plan = await planWhole(work, manifest);
  if (!(exact ? needsApply(plan) : needsItems(plan))) return { already: true, detail: 'nothing differs' };
  const result = await applyOne(shell, fleet, plan, waitSeconds(options), say);
  if (codeOf(result.outcome) !== EXIT.ok) throw new ApplyFailed(result);
  const at = result.generation === null ? '' : `, generation ${result.generation}`;
  return { detail: `${plural(plan.changes.length, 'change')}${at}` };
}

/** A plan for a host at a whole generation: a transaction that died with an earlier run is ended first. */
async function planWhole({ fleet, say }: Work, manifest: HostManifest): Promise<HostPlan> {
  const plan = await fleet.plan(manifest);
  if (plan.observed.open === null || plan.observed.open.running) return plan;
  say('bringing the host to a whole generation');
  const recovered = await fleet.engine.recover(await fleet.transport(manifest.host), plan.observed);
  return recovered ? fleet.plan(manifest) : plan;
}

/** A host that is further on has checks and enabled units that one at rest has not: nothing has to be done for them. */
function needsItems(plan: HostPlan): boolean {
  const isEnablement = ({ section, after }: Change): boolean =>
    section === 'units' && after !== undefined && after['state'] === undefined;
  const further = new Set(plan.changes.filter(isEnablement).map(({ key }) => key));
  return needsWork({
    ...plan,
    changes: plan.changes.filter((change) => change.section !== 'checks' && !isEnablement(change)),
    unitActions: plan.unitActions.filter(({ unit, verb }) => verb !== 'disable' || !further.has(unit)),
  });
}

/** Before the services that go on from it, and before what would keep an empty host off-site. */
async function bringDataBack(
  { shell, fleet, recovery, manifest, options, say }: Work,
  found: Found,
): Promise<StepEnd> {
  if (options.withoutData === true) return { detail: 'left out on request' };
  say('bringing back what is kept off-site');
  const items = await recovery.restoreData(await fleet.transport(manifest.host), say, shell.signal);
  if (items === 'already') return { already: true, detail: 'this machine has data of its own' };
  found.data = items;
  const back = items.filter(({ how }) => how === 'restored' || how === 'damaged');
  const bytes = back.reduce((sum, item) => sum + item.bytes, 0);
  const unsound = items.filter(({ how }) => how === 'damaged' || how === 'lost').length;
  const words = `${plural(back.length, 'path')} brought back, ${sizeText(bytes)}`;
  return { detail: unsound === 0 ? words : `${words}; ${unsound} not whole` };
}

async function rebootOwed({ shell, fleet, manifest, say }: Work, found: Found): Promise<StepEnd> {
  const { host } = manifest;
  const { reboot } = await fleet.engine.status(
    await fleet.transport(host),
    NodeExporter.TEXTFILES,
    fleet.readOptions(host),
  );
  if (reboot.length === 0) return { already: true, detail: 'none is owed' };
  say(`it owes a reboot: ${reboot.join('; ')}`);
  const care = await careFor(shell, fleet, host);
  found.owes = await rebootHost(shell, fleet, host, { care, seconds: REBOOT_SEC, onProgress: say });
  return { detail: reboot.join('; ') };
}

async function bringBack(
  { shell, fleet, recovery, manifest, options, say }: Work,
  found: Found,
): Promise<StepEnd> {
  const { host } = manifest;
  const transport = await fleet.transport(host);
  say('looking at the weights of models');
  found.weights = await recovery.planWeights(transport, options.from, fleet.readOptions(host));
  if (found.weights === null) throw noProgram(host);
  const count = found.weights.models.length;
  const declared = fetchedWeights(manifest);
  found.weights = withFetched(found.weights, declared);
  const lost = missingModels(found.weights).length;
  if (lost === 0) return { already: true, detail: `all ${plural(count, 'model')} are there` };
  if (options.withoutWeights === true)
    return { detail: `${lost} of ${plural(count, 'model')} left out on request` };
  found.weights = withFetched(
    await recovery.restoreWeights(transport, options.from, say, shell.signal),
    declared,
  );
  const back = found.weights.models.filter(({ how }) => how === 'restored' || how === 'copied');
  const bytes = back.reduce((sum, model) => sum + model.bytes, 0);
  const still = missingModels(found.weights).filter(({ how }) => how !== 'fetch').length;
  const fetched = found.weights.models.filter(({ how }) => how === 'fetch').length;
  const words = `${back.length} of ${plural(count, 'model')} brought back, ${sizeText(bytes)}${fetched === 0 ? '' : `; ${fetched} will be fetched`}`;
  return { detail: still === 0 ? words : `${words}; ${still} could not be` };
}

function noProgram(host: string): CitadelError {
  return new CitadelError({
    code: 'rebuild.no-program',
    path: host,
    got: 'the host has no program that brings models back, though its configuration has one',
    fix: 'Run the command again; if this stays, look at /opt/citadel/scripts on the host.',
  });
}

async function verify({ fleet, recovery, say }: Work, wanted: HostManifest, found: Found): Promise<StepEnd> {
  const { host } = wanted;
  say('comparing once more');
  const plan = await fleet.plan(wanted);
  if (needsWork(plan)) {
    const keys = plan.changes.map(({ section, key }) => `${section} ${key}`);
    throw new CitadelError({
      code: 'rebuild.differs',
      path: host,
      got: `something still differs: ${keys.slice(0, 5).join(', ') || 'units to start'}`,
      fix: `Look: citadel-iac diff ${host}. Then run the command again.`,
    });
  }
  say('asking for its health');
  found.health = await recovery.health(await fleet.transport(host), fleet.readOptions(host));
  const health =
    found.health === null ? '' : found.health.well ? '; its health is good' : '; its health needs a look';
  return { detail: `nothing differs${health}` };
}
