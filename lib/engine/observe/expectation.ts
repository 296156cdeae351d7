import type { HostPlan, ObservedPath } from '../model.js';
import { names, relative } from './request.js';

/** For compare-and-swap on the host: what `remote/expect.sh` is asked, and what it must answer, byte for byte. */
export interface Expectation {
  readonly request: Buffer;
  readonly records: Buffer;
}

const CURRENT = '/var/lib/citadel-iac/current';
const SEPARATOR = '\u001f';
const PATH_SECTIONS: ReadonlySet<string> = new Set(['directories', 'files', 'blocks', 'symlinks']);
const LETTERS: Readonly<Record<ObservedPath['kind'], string>> = {
  file: 'f',
  directory: 'd',
  symlink: 'l',
  other: 'o',
};

/**
 * The state that a plan saw of the paths that it changes, and of the host’s generation. A host where any of them has
 * moved since gives other bytes.
 */
export function expectation(plan: Pick<HostPlan, 'changes' | 'observed'>): Expectation {
  const changed = plan.changes.filter((change) => PATH_SECTIONS.has(change.section));
  // Also the copies that will be put back.
  const copies = changed.flatMap(({ key, action }) => {
    const copy = action === 'delete' ? undefined : plan.observed.before?.get(key)?.copy;
    return copy === undefined ? [] : [copy];
  });
  const paths = [...new Set([...changed.map((change) => change.key), ...copies])].sort();
  const records = paths.flatMap((path) => pathRecords(path, plan.observed.paths.get(path)));
  if (plan.observed.generation !== null) {
    records.push(
      Buffer.from([relative(CURRENT), 'l', `generations/${plan.observed.generation}`].join(SEPARATOR)),
    );
  }
  const sorted = records
    .map((record) => Buffer.concat([record, Buffer.from('\0')]))
    .sort((a, b) => Buffer.compare(a, b));
  return { request: names([...paths, CURRENT].map(relative)), records: Buffer.concat(sorted) };
}

function pathRecords(path: string, seen: ObservedPath | undefined): Buffer[] {
  if (seen === undefined) return [];
  const name = relative(path);
  if (seen.kind === 'symlink') {
    const target = Buffer.from(seen.targetBytes ?? seen.target ?? '', seen.targetBytes ? 'base64' : 'utf8');
    return [Buffer.concat([Buffer.from([name, 'l', ''].join(SEPARATOR)), target])];
  }
  const mode = seen.mode.replace(/^0+(?=.)/, '');
  const facts = [name, LETTERS[seen.kind], seen.uid, seen.gid, mode].join(SEPARATOR);
  const digest = seen.sha256 === undefined ? [] : [[name, 'sha256', seen.sha256].join(SEPARATOR)];
  const acl = seen.acl === true ? [[name, 'acl'].join(SEPARATOR)] : [];
  return [facts, ...digest, ...acl].map((record) => Buffer.from(record));
}
