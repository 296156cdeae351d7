import { canonicalJson, expandManifest } from '../../manifest/index.js';
import type { ExpandedManifest, HostManifest } from '../../manifest/index.js';
import { isReleased } from '../diff/packages.js';
import type { Change, HostPlan, UnitAction } from '../model.js';
import { expectation } from '../observe/expectation.js';
import { appliedIndex } from '../plan/applied-index.js';
import { addAccounts } from './account-records.js';
import { afterRecords } from './after-records.js';
import { RISKY_UNIT } from '../plan/risk.js';
import { changed, deleted, type AddText } from './changed.js';
import { checkRecords } from './check-records.js';
import { concernedChecks } from './concerned-checks.js';
import {
  adoptedPaths,
  belowAny,
  blockText,
  blocksBefore,
  filesForBlocks,
  parentsFromNow,
  pathOperations,
  pathRecord,
  type PathOperation,
} from './path-operations.js';
import { record } from './records.js';
import { validationRecords } from './validations.js';

/** How a transaction is to run. Seconds; 0 for `confirmSec` means that there is no connection to confirm over. */
export interface TransactionSettings {
  /** Hexadecimal digits and dashes: part of paths and of a unit's name on the host. */
  readonly id: string;
  readonly nonce: string;
  readonly who: string;
  /** Commit of the operator's repository, for the history. */
  readonly commit?: string;
  /** Version of the tool, for whoever meets this generation with another one. */
  readonly tool?: string;
  readonly deadlineSec: number;
  readonly confirmSec: number;
  /** Seconds during which touched units must go on running after the last check. */
  readonly settleSec: number;
  /** Seconds to wait for the lock. */
  readonly waitSec: number;
  /** How long generations stay; absent: the defaults of `remote/tx-record.sh`. */
  readonly retention?: Retention;
}

/** Which generations a host keeps. Pinned ones, the current one and the two before it stay whatever this says. */
export interface Retention {
  /** The newest so many. */
  readonly keep?: number;
  /** Those that are not older than so many days. */
  readonly maxAgeDays?: number;
}

/** File name within the transaction's folder → bytes, in a stable order; contents of files may hold secrets. */
export type Payload = ReadonlyMap<string, Buffer>;

/**
 * Everything that the host needs to carry out a plan, as files. Pure: the same plan and settings give the same bytes.
 *
 * @param scripts the transaction's program and the comparing one, as constant text
 */
export function buildPayload(
  plan: HostPlan,
  settings: TransactionSettings,
  scripts: {
    readonly transaction: string;
    readonly expect: string;
    /** The programs that read the host and receive a transaction: kept there, so that it can go back by itself. */
    readonly observe?: string;
    readonly apply?: string;
  },
): Payload {
  const desired = expandManifest(plan.manifest);
  const files = new Map<string, Buffer>();
  const text = (name: string, value: string): void => {
    files.set(name, Buffer.from(value));
  };
  text('bin/tx.sh', scripts.transaction);
  text('bin/expect.sh', scripts.expect);
  if (scripts.observe !== undefined) text('bin/observe.sh', scripts.observe);
  if (scripts.apply !== undefined) text('bin/apply.sh', scripts.apply);
  text('digest', plan.digest);
  const index = appliedIndex(plan);
  text('index.json', canonicalJson(index));
  text('manifest.json', canonicalJson(plan.manifest));
  text('who', `${settings.who}\n`);
  text('summary', `${summary(plan.changes)}\n`);
  if (settings.commit !== undefined) text('commit', `${settings.commit}\n`);
  if (settings.tool !== undefined) text('tool', `${settings.tool}\n`);

  const operations = pathOperations(plan, desired);
  for (const [name, content] of operationFiles(plan, settings, desired, operations)) files.set(name, content);
  addTree(files, plan, operations);
  text('ops/after', afterRecords(desired, index, operations));
  for (const [name, value] of plan.secrets ?? []) files.set(`secrets/${name}`, value);

  const expected = expectation(plan);
  files.set('expect.request', expected.request);
  files.set('expect.records', expected.records);
  // Last: its presence proves that the archive arrived whole.
  text('complete', '');
  return files;
}

/**
 * What a plan does, as lines for the host (`ops/`, but for what is compared at the end), and `meta`: without documents and
 * contents, which take most of the time where there are many files.
 *
 * @param operations those of `pathOperations`
 */
export function operationFiles(
  plan: HostPlan,
  settings: TransactionSettings,
  desired: ExpandedManifest,
  operations: readonly PathOperation[],
): Payload {
  const files = new Map<string, Buffer>();
  const text = (name: string, value: string): void => {
    files.set(name, Buffer.from(value));
  };
  const mounting = changed(plan, 'mounts').filter(
    (c) => c.action !== 'delete' && desired.mounts?.[c.key]?.state === 'mounted',
  );
  const mountPoints = mounting.map((c) => c.key);
  const isLate = belowAny(mountPoints);
  const late = operations.filter(({ path }) => isLate(path));
  const blocks = operations.filter((operation) => operation.op === 'block');
  const line = (operation: PathOperation): string => pathRecord(operation, blocks);
  text(
    'ops/paths-a',
    operations
      .filter(({ path }) => !isLate(path))
      .map(line)
      .join(''),
  );
  text('ops/paths-b', [...ownedMountPoints(operations, mounting), ...late].map(line).join(''));
  blocks.forEach((operation, n) => text(`ops/block-${String(n)}`, blockText(operation)));
  const adopted = adoptedPaths(plan, desired).map((path) => ({ path, leaving: blocksBefore(plan, path) }));
  const withBlocks = adopted.filter(({ leaving }) => leaving.length > 0);
  withBlocks.forEach(({ leaving }, n) =>
    text(`ops/block-${String(blocks.length + n)}`, blockText({ wanted: new Map(), leaving })),
  );
  const adoptions = (list: typeof adopted): string =>
    list
      .map((it) => {
        const n = withBlocks.indexOf(it);
        return n < 0 ? record(it.path) : record(it.path, blocks.length + n);
      })
      .join('');
  text(
    'ops/block-files',
    filesForBlocks(plan, desired)
      .map((path) => record(path))
      .join(''),
  );
  text(
    'ops/parents',
    parentsFromNow(plan, desired)
      .map((path) => record(path))
      .join(''),
  );
  text('ops/adopt-a', adoptions(adopted.filter(({ path }) => !isLate(path))));
  text('ops/adopt-b', adoptions(adopted.filter(({ path }) => isLate(path))));
  text('ops/validate', validationRecords(desired, operations));

  text('ops/mounts', mounting.map((c) => record(c.key)).join(''));
  text(
    'ops/umounts',
    // What is mounted within another mount goes before it.
    deleted(plan, 'mounts')
      .map((c) => record(c.key))
      .reverse()
      .join(''),
  );
  addPackages(text, plan, desired);
  addAccounts(text, plan, desired);
  addUnits(text, plan, desired, settings.confirmSec > 0);
  text('ops/checks', checkRecords(plan.checks));
  const concerned = concernedChecks(plan, desired);
  text(
    'ops/checks-before',
    Object.keys(plan.checks)
      .filter((name) => !concerned.has(name))
      .map((name) => record(name))
      .join(''),
  );
  text('meta', metaLines(plan, settings, operations));
  return files;
}

/** `3 changes: files 2, units 1`, or `no change` for a generation that only records. */
export function summary(changes: readonly Change[]): string {
  if (changes.length === 0) return 'no change';
  const counts = new Map<string, number>();
  for (const change of changes) counts.set(change.section, (counts.get(change.section) ?? 0) + 1);
  const parts = [...counts].map(([section, count]) => `${section} ${String(count)}`);
  return `${String(changes.length)} ${changes.length === 1 ? 'change' : 'changes'}: ${parts.join(', ')}`;
}

/** A directory that is a mount point means the root of what is mounted there, once it is. */
function ownedMountPoints(
  operations: readonly PathOperation[],
  mounting: readonly Change[],
): PathOperation[] {
  return operations.flatMap((operation) =>
    operation.op === 'dir' && mounting.some((mount) => mount.key === operation.path)
      ? [{ ...operation, op: 'attr' as const }]
      : [],
  );
}

/** Staged files by their final path, and lists of those that share an owner, a group and a mode. */
function addTree(files: Map<string, Buffer>, plan: HostPlan, operations: readonly PathOperation[]): void {
  const groups = new Map<string, string[]>();
  for (const operation of operations) {
    if (operation.op !== 'file') continue;
    const content = plan.contents.get(operation.path);
    if (content === undefined) throw new Error(`the plan writes ${operation.path} but has no content for it`);
    files.set(`tree${operation.path}`, content);
    const key = [operation.owner, operation.group, operation.mode].join('\x1f');
    const paths = groups.get(key);
    if (paths === undefined) groups.set(key, [`.${operation.path}`]);
    else paths.push(`.${operation.path}`);
  }
  let list = '';
  [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .forEach(([key, paths], n) => {
      list += record(n, ...key.split('\x1f'));
      files.set(`own/${String(n)}`, Buffer.from(paths.map((path) => `${path}\0`).join('')));
    });
  files.set('ops/own', Buffer.from(list));
}

function addPackages(text: AddText, plan: HostPlan, desired: HostManifest): void {
  const changes = changed(plan, 'packages');
  // What is only to be held, or let go, is as it is to be.
  const wanted = changes.filter(
    ({ action, before, after }) =>
      action === 'create' || (action === 'update' && before?.['version'] !== after?.['version']),
  );
  text('ops/packages-hold', changes.map((change) => holdRecord(plan, change)).join(''));
  text(
    'ops/packages-install',
    wanted
      .map(({ key }) => record(key, desired.packages?.[key]?.version, desired.packages?.[key]?.source))
      .join(''),
  );
  text(
    'ops/packages-remove',
    deleted(plan, 'packages')
      .map(({ key }) => removedPackage(key, desired))
      .join(''),
  );
}

/** Of each package of which a document says whether it is held; also of one that goes, which apt refuses while it is. */
function holdRecord({ observed }: HostPlan, { key, action, after }: Change): string {
  if (action !== 'delete')
    return typeof after?.['hold'] === 'boolean' ? record(key, after['hold'] ? 'hold' : 'unhold') : '';
  const isHeld = observed.stuckPackages?.get(key) === 'held';
  return isReleased(observed.applied?.packages?.[key], isHeld) ? record(key, 'unhold') : '';
}

/** One that left the configuration stays where others need it; one that is to be absent is refused there. */
function removedPackage(name: string, desired: HostManifest): string {
  return desired.packages?.[name]?.state === 'absent' ? record(name, 'absent') : record(name);
}

/**
 * Units that leave the configuration are stopped before the files change, all others after: before the waves, and before
 * the operator's new connection, those that the way in depends on.
 */
function addUnits(text: AddText, plan: HostPlan, desired: HostManifest, confirmed: boolean): void {
  const known = Object.keys(desired.units ?? {}).sort();
  text('ops/units-known', known.map((unit) => record(unit)).join(''));
  text(
    'ops/units-rest',
    known
      .flatMap((unit) => [
        ...(desired.units?.[unit]?.state === 'stopped' ? [record('stop', unit)] : []),
        ...(desired.units?.[unit]?.enabled === false ? [record('disable', unit)] : []),
      ])
      .join(''),
  );
  text(
    'ops/units-settle',
    known
      .flatMap((unit) => {
        const { settleSec } = desired.units?.[unit] ?? {};
        return settleSec === undefined ? [] : [record(unit, tenths(settleSec))];
      })
      .join(''),
  );
  // One that was enabled before us is enabled again when all paths are as they will be.
  // One that will be masked stops by its own file, which tells how.
  const leaving = ({ unit, verb }: UnitAction): boolean =>
    (desired.units?.[unit] === undefined && (verb === 'stop' || verb === 'disable')) ||
    (verb === 'stop' && desired.symlinks?.[`/etc/systemd/system/${unit}`]?.target === '/dev/null');
  text(
    'ops/units-before',
    plan.unitActions
      .filter(leaving)
      .map((a) => record(a.verb, a.unit))
      .join(''),
  );
  text(
    'ops/units',
    plan.unitActions
      .filter((a) => !leaving(a))
      .map((a) => record(a.verb, a.unit, confirmed && RISKY_UNIT.test(a.unit) ? 'first' : a.wave))
      .join(''),
  );
}

function tenths(sec: number): number {
  return Math.ceil(sec * 10);
}

/** Paths that systemd reads as configuration of units; the generator makes units of fstab. */
const MANAGER_PATHS =
  /^(\/etc\/systemd\/system|\/(usr\/|usr\/local\/)?lib\/systemd\/system)\/|^\/etc\/fstab$/;

function metaLines(
  plan: HostPlan,
  settings: TransactionSettings,
  operations: readonly PathOperation[],
): string {
  const links = plan.unitActions.some(
    ({ verb }) => verb === 'enable' || verb === 'disable' || verb === 'unmask',
  );
  const stale = [...(plan.observed.units?.values() ?? [])].some((unit) => unit.needDaemonReload);
  const reload = links || stale || operations.some(({ path }) => MANAGER_PATHS.test(path));
  const waves = new Set([
    ...plan.unitActions.map(({ wave }) => wave),
    ...Object.values(plan.checks).map(({ wave }) => wave),
  ]);
  const values: Readonly<Record<string, string | number>> = {
    id: settings.id,
    nonce: settings.nonce,
    who: settings.who,
    ...(settings.commit === undefined ? {} : { commit: settings.commit }),
    deadline: settings.deadlineSec + settings.waitSec + settings.confirmSec,
    confirm: settings.confirmSec,
    wait: settings.waitSec,
    settle: tenths(settings.settleSec),
    ...(settings.retention?.keep === undefined ? {} : { keep: settings.retention.keep }),
    ...(settings.retention?.maxAgeDays === undefined ? {} : { max_age_days: settings.retention.maxAgeDays }),
    daemon_reload: reload ? 1 : 0,
    waves: [...waves].sort((a, b) => a - b).join(' '),
  };
  return Object.entries(values)
    .map(([key, value]) => `${key}=${String(value)}\n`)
    .join('');
}
