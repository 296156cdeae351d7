import type { ExpandedManifest, HostManifest } from '../../manifest/index.js';
import { canonicalJson, expandManifest, LOCKED_SINCE, primaryGroup, sha256 } from '../../manifest/index.js';
import { afterRecords } from '../apply/after-records.js';
import { pathOperations } from '../apply/path-operations.js';
import { operationFiles, type Payload } from '../apply/payload.js';
import { record, UNIT_SEPARATOR } from '../apply/records.js';
import { validationRecords } from '../apply/validations.js';
import { dayOf } from '../diff/access.js';
import { normalBlock } from '../diff/block-text.js';
import type { AppliedIndex, Change, HostPlan } from '../model.js';
import { appliedIndex } from '../plan/applied-index.js';
import { planBetween } from '../plan/between.js';
import { limitsOf } from '../plan/limits.js';
import { isRisky } from '../plan/risk.js';
import { templateOf, unitPaths } from '../diff/unit-files.js';
import { onChangeOf } from '../plan/unit-actions.js';
import { fileSecrets, templateParts } from '../secrets/references.js';

/**
 * Which field of a record names its item, by file of `ops/`. A generation's whole list of operations is kept by item, and
 * the host takes those whose item differs.
 */
export const KEY_FIELD: Readonly<Record<string, number>> = {
  'paths-a': 1,
  'paths-b': 1,
  'adopt-a': 0,
  'adopt-b': 0,
  validate: 1,
  mounts: 0,
  umounts: 0,
  'packages-install': 0,
  'packages-remove': 0,
  'packages-hold': 0,
  groups: 0,
  users: 0,
  'users-access': 0,
  'members-remove': 0,
  'users-remove': 0,
  'groups-remove': 0,
  'units-known': 0,
  'units-rest': 1,
  'units-settle': 0,
  'checks-before': 0,
  'units-before': 1,
  units: 1,
  checks: 1,
};
/** Made on the host, of the files that it writes. */
const MADE_THERE: ReadonlySet<string> = new Set(['own', 'block-files', 'parents']);
const PATH_LISTS: ReadonlySet<string> = new Set(['paths-a', 'paths-b']);
const NO_LISTS: ReadonlySet<string> = new Set();
/** Of a whole document as it is, and of one block: neither is taken apart by item. */
const NOT_BY_ITEM = /^(after|block-\d+)$/;

/**
 * What a host needs to come to this generation, and to leave it for another, without being told how: all operations that
 * make the document of nothing (`put`), all that make nothing of it (`leave`), what of the host tells that an item is as
 * wanted (`want`), and the contents in pieces, secrets by name. `remote/back-*.sh` takes of two generations what differs.
 *
 * @returns files of the transaction's folder, all below `way/`; contents that the host has already are left out
 */
export async function preparedWay(plan: HostPlan): Promise<Payload> {
  const desired = expandManifest(plan.manifest);
  const nothing: HostManifest = { version: 1, host: plan.manifest.host };
  const bare = withoutContents(plan.manifest);
  const put = payloadOf(await planBetween(null, bare));
  const leaving = await planBetween(bare, nothing);
  const leave = payloadOf(leaving);
  const files = new Map<string, Buffer>();
  const text = (name: string, value: string): void => {
    files.set(`way/${name}`, Buffer.from(value));
  };
  text('version', '1\n');
  text(
    'ops-files',
    opsFiles(put)
      .map((name) => record(name))
      .join(''),
  );
  text('put', tagged(put) + unwantedRecords(desired));
  text('leave', leavingPaths(leaving) + tagged(leave, PATH_LISTS) + returning(desired));
  text('waves', `${/^waves=(.*)$/m.exec(put.get('meta')?.toString() ?? '')?.[1] ?? ''}\n`);
  const index = appliedIndex(plan);
  text('items', itemRecords(index));
  text('want', wantRecords(desired, index));
  text('after', afterRecords(desired, index, []));
  text('restarts', restartRecords(desired));
  text('risky', riskyRecords(desired));
  text('limits', limitRecords(plan.manifest, desired));
  addContents(files, plan, desired);
  return files;
}

/** Operations do not depend on what files hold, and a plan of all contents takes as long as there is text. */
function withoutContents(manifest: HostManifest): HostManifest {
  if (manifest.files === undefined) return manifest;
  const files = Object.entries(manifest.files).map(([path, { secret: _secret, bytes: _bytes, ...file }]) => [
    path,
    { ...file, content: '' },
  ]);
  return { ...manifest, files: Object.fromEntries(files) as NonNullable<HostManifest['files']> };
}

function payloadOf(plan: HostPlan): Payload {
  const settings = { id: '-', nonce: '-', who: '-', deadlineSec: 0, confirmSec: 0, settleSec: 0, waitSec: 0 };
  const desired = expandManifest(plan.manifest);
  const files = operationFiles(plan, settings, desired, pathOperations(plan, desired));
  // Of the staged files, which are not made here.
  return new Map([...files, ['ops/own', Buffer.alloc(0)]]);
}

function opsFiles(payload: Payload): string[] {
  return [...payload.keys()]
    .flatMap((name) => (name.startsWith('ops/') ? [name.slice(4)] : []))
    .filter((name) => !NOT_BY_ITEM.test(name));
}

/** FILE, KEY, and the record as it stands in `ops/FILE`. */
function tagged(payload: Payload, except: ReadonlySet<string> = NO_LISTS): string {
  return opsFiles(payload)
    .filter((name) => !MADE_THERE.has(name) && !except.has(name))
    .flatMap((name) => {
      const field = KEY_FIELD[name];
      if (field === undefined) throw new Error(`ops/${name} has no key field in the prepared way`);
      const lines = payload.get(`ops/${name}`)?.toString().split('\n').slice(0, -1) ?? [];
      return lines.map((line) => [name, line.split(UNIT_SEPARATOR)[field] ?? '', `${line}\n`]);
    })
    .map((parts) => parts.join(UNIT_SEPARATOR))
    .join('');
}

/** Of a package or path that is not to be there, in `want`: no version and no kind of file is so. */
const ABSENT = '-';

/** Nothing needs to be done for them on a host that has nothing; on another they are removed. */
function unwantedRecords(desired: ExpandedManifest): string {
  return Object.entries(desired.packages ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { state }]) => (state === 'absent' ? record('packages-remove', name, name, 'absent') : ''))
    .concat(
      Object.keys(desired.absentUsers ?? {})
        .sort()
        .map((name) => record('users-access', name, name, LOCKED_SINCE, 'lock')),
    )
    .join('');
}

/** By their own names: the operations have the place to which links of ours lead. */
function leavingPaths({ changes }: HostPlan): string {
  return changes
    .filter(({ section }) => section === 'directories' || section === 'files' || section === 'symlinks')
    .map(({ key, section }) => record('paths-a', key, section === 'directories' ? 'rmdir' : 'del', key))
    .join('');
}

/** What reads a file of before us, should it be put back. */
function returning(desired: ExpandedManifest): string {
  return Object.keys({ ...desired.files, ...desired.symlinks, ...desired.absentPaths })
    .sort()
    .flatMap((path) => {
      const line = validationRecords({ version: 1, host: '-' }, [{ op: 'original', path, copy: '-' }]);
      return line === '' ? [] : [['validate', path, line].join(UNIT_SEPARATOR)];
    })
    .join('');
}

/** SECTION, KEY, MARK (1 stood there before us, 0 did not, - unknown), KEY as JSON, facts as JSON without their brace. */
function itemRecords(index: AppliedIndex): string {
  return Object.keys(index)
    .sort()
    .flatMap((section) =>
      Object.entries(index[section as keyof AppliedIndex] ?? {})
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, { adopted, ...facts }]) => {
          const isMark = typeof adopted === 'boolean';
          const rest = isMark || adopted === undefined ? facts : { adopted, ...facts };
          const paths = section === 'files' || section === 'symlinks';
          const mark = adopted === true ? '1' : adopted === false || !paths ? '0' : '-';
          return record(section, key, mark, JSON.stringify(key), canonicalJson(rest).trim().slice(1));
        }),
    )
    .join('');
}

/** SECTION, KEY and what the host shows of an item that is as wanted; `remote/back-look.sh` makes the same of the host. */
function wantRecords(desired: ExpandedManifest, index: AppliedIndex): string {
  const lines: string[] = [];
  const each = <V>(
    items: Readonly<Record<string, V>> | undefined,
    line: (key: string, value: V) => string,
  ): void => {
    for (const key of Object.keys(items ?? {}).sort()) lines.push(line(key, items?.[key] as V));
  };
  each(desired.directories, (path, it) => record('directories', path, 'd', it.owner, it.group, it.mode));
  each(desired.files, (path, it) => {
    const digest = index.files?.[path]?.['sha256'];
    return record('files', path, 'f', it.owner, it.group, it.mode, typeof digest === 'string' ? digest : '');
  });
  each(desired.symlinks, (path, it) => record('symlinks', path, 'l', it.target));
  each(desired.absentPaths, (path) => record('files', path, ABSENT));
  each(desired.blocks, (path, it) => record('blocks', path, ...Object.keys(it).sort()));
  each(desired.packages, (name, { version, state, hold }) =>
    record(
      'packages',
      name,
      state === 'absent' ? ABSENT : (version ?? '*'),
      ...(hold === true ? ['hold'] : []),
    ),
  );
  each(desired.groups, (name, { gid }) => record('groups', name, gid ?? '*'));
  each(desired.users, (name, it) =>
    record(
      'users',
      name,
      it.uid ?? '*',
      primaryGroup(name, it),
      it.home,
      it.shell,
      [...new Set(it.groups)].sort().join(' '),
      it.expires === undefined ? '' : dayOf(it.expires),
    ),
  );
  each(desired.absentUsers, (name) => record('users', name, ABSENT, dayOf(LOCKED_SINCE)));
  each(desired.mounts, (path, it) =>
    record('mounts', path, it.state, it.source, it.type, it.options.join(',')),
  );
  each(desired.units, (name, it) =>
    record(
      'units',
      name,
      it.enabled === null ? 'any' : it.enabled ? 'enabled' : 'disabled',
      it.state,
      it.wave,
    ),
  );
  return lines.join('');
}

/** UNIT, VERB and the path at whose change it is done; of one that ends in a slash, of all that is in it. */
function restartRecords(desired: ExpandedManifest): string {
  return Object.entries(desired.units ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, unit]) => {
      const onChange = onChangeOf(name, unit);
      if (onChange === 'nothing') return [];
      const template = templateOf(name);
      const ofTemplate =
        template === undefined ? [] : unitPaths(template).flatMap((path) => [path, `${path}.d/`]);
      return [
        ...[...unit.restartOn, ...ofTemplate.filter((path) => !unit.reloadOn.includes(path))].map((path) =>
          record(name, onChange, path),
        ),
        ...unit.reloadOn.map((path) => record(name, 'reload', path)),
      ];
    })
    .join('');
}

const SECTIONS = [
  'packages',
  'groups',
  'users',
  'directories',
  'files',
  'blocks',
  'symlinks',
  'mounts',
  'units',
] as const;

function changesOf(desired: ExpandedManifest, action: Change['action']): Change[] {
  return SECTIONS.flatMap((section) =>
    Object.keys(desired[section] ?? {})
      .sort()
      .map((key): Change => ({ section, key, action, cause: 'config' })),
  );
}

/** SECTION, KEY of what an operator's way in depends on. */
function riskyRecords(desired: ExpandedManifest): string {
  return changesOf(desired, 'update')
    .filter((change) => isRisky([change], [], desired))
    .map(({ section, key }) => record(section, key))
    .join('');
}

/** ACTION, SECTION, KEY and the sentence that says what of it cannot be taken back. */
function limitRecords(manifest: HostManifest, desired: ExpandedManifest): string {
  return (['create', 'update', 'delete'] as const)
    .flatMap((action) => changesOf(desired, action))
    .flatMap((change) =>
      limitsOf({ manifest }, change).map((said) => record(change.action, change.section, change.key, said)),
    )
    .join('');
}

/**
 * `parts`: of each file PATH, `text` or `secret`, and a name: of `objects/` (the digest of the text) or of `secrets/`, in
 * order. `blocks`: PATH, block, object. A file that is there already and has no secrets in it is not sent again.
 */
function addContents(files: Map<string, Buffer>, plan: HostPlan, desired: ExpandedManifest): void {
  let parts = '';
  let blocks = '';
  const object = (bytes: Buffer, send: boolean): string => {
    const name = sha256(bytes);
    if (send) files.set(`way/objects/${name}`, bytes);
    return name;
  };
  for (const [path, file] of Object.entries(desired.files ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const send = plan.contents.has(path) || fileSecrets(file).length > 0;
    if (file.bytes !== undefined) {
      parts += record(path, 'text', object(Buffer.from(file.bytes, 'base64'), send));
      continue;
    }
    const pieces = file.secret === undefined ? templateParts(file.content ?? '') : [{ secret: file.secret }];
    for (const part of pieces)
      parts +=
        'secret' in part
          ? record(path, 'secret', part.secret)
          : record(path, 'text', object(Buffer.from(part.text), send));
  }
  for (const [path, texts] of Object.entries(desired.blocks ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const name of Object.keys(texts).sort())
      blocks += record(path, name, object(Buffer.from(normalBlock(texts[name] ?? '')), true));
  }
  files.set('way/parts', Buffer.from(parts));
  files.set('way/blocks', Buffer.from(blocks));
}
