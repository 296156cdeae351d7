import { existsSync, lstatSync, readFileSync, type Stats } from 'node:fs';
import type { HostManifest, ManifestFile } from '../../../lib/manifest/index.js';
import { spawnSync } from 'node:child_process';
import type { OfflineRoot } from './offline-root.js';

/** A small world for random fault tests: a host with a history, documents over it, and a person who edits it meanwhile. */

/** Numbers from a seed, always the same: mulberry32. */
export class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 to `below` - 1. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
}

const DATA = [
  '/opt/app/state.db',
  '/home/ann/thesis',
  '/home/bob/thesis',
  '/srv/data/years',
  '/etc/kept.d/by-hand',
];
const FILES = [
  '/opt/app/conf',
  '/opt/app/deep/er/conf',
  '/etc/a.conf',
  '/etc/b.conf',
  '/etc/kept.d/ours',
  '/srv/app',
];
const UNIT = '/etc/systemd/system/x.service';
const SHARED = '/etc/shared.conf';

/** What was on the host before the first apply. */
export function plantHistory(root: OfflineRoot): void {
  for (const path of DATA) root.write(path, `data of ${path}\n`);
  root.write('/etc/a.conf', 'of a package\n');
  root.write(SHARED, 'first line of others\nlast line of others\n');
  root.write('/etc/shadow', 'root:*:20000:0:99999:7:::\nsvc:!:20000:0:99999:7:::\n');
  root.write('/etc/gshadow', 'root:*::\nsvc:!::\n');
  root.shell(
    'chmod 640 etc/shadow etc/gshadow; mkdir -p etc/systemd/system etc/skel; echo skeleton >etc/skel/.profile',
  );
}

/** @returns paths of planted data that are gone or changed */
export function lostData(root: OfflineRoot): string[] {
  return DATA.filter((path) => {
    const at = root.at(path);
    return !existsSync(at) || readFileSync(at, 'utf8') !== `data of ${path}\n`;
  });
}

function file(draw: Draw, text: string): ManifestFile {
  return {
    content: text,
    owner: 'root',
    group: draw.of(['root', 'svc']),
    mode: draw.of(['0644', '0600', '0755']),
  };
}

/** A document that names some of the world's things, each in one of several forms. */
export function randomDocument(draw: Draw): HostManifest {
  const files: Record<string, ManifestFile> = {};
  const directories: Record<string, { owner: string; group: string; mode: string }> = {};
  const symlinks: Record<string, { target: string }> = {};
  for (const path of FILES)
    if (draw.chance(60)) files[path] = file(draw, `${draw.of(['one', 'two', 'three'])} ${path}\n`);
  if (draw.chance(50))
    directories['/opt/app'] = { owner: 'root', group: 'svc', mode: draw.of(['0755', '2775', '0700']) };
  switch (draw.of(['', '', 'link', 'directory', 'file'])) {
    case 'link':
      symlinks['/opt/turns'] = { target: draw.of(['app', '/srv/data', 'nowhere']) };
      break;
    case 'directory':
      directories['/opt/turns'] = { owner: 'svc', group: 'svc', mode: '0750' };
      break;
    case 'file':
      files['/opt/turns'] = file(draw, 'a file\n');
  }
  const enabled = draw.chance(50);
  const withUnit = draw.chance(50);
  if (withUnit) {
    files[UNIT] = {
      content: `[Unit]\nDescription=${draw.of(['x', 'y'])}\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n`,
      owner: 'root',
      group: 'root',
      mode: '0644',
    };
  }
  const withGroup = draw.chance(50);
  const withUser = withGroup && draw.chance(60);
  return {
    version: 1,
    host: 'box',
    ...(Object.keys(files).length > 0 ? { files } : {}),
    ...(Object.keys(directories).length > 0 ? { directories } : {}),
    ...(Object.keys(symlinks).length > 0 ? { symlinks } : {}),
    ...(draw.chance(60) ? { blocks: { [SHARED]: { ours: draw.of(['block one\n', 'block two\n']) } } } : {}),
    ...(withUnit
      ? { units: { 'x.service': { enabled, state: 'any', restartOn: [], reloadOn: [], wave: 0 } } }
      : {}),
    ...(withGroup ? { groups: { dev: { gid: 901, system: false } } } : {}),
    ...(withUser
      ? {
          users: {
            ann: {
              uid: 901,
              group: 'dev',
              home: draw.of(['/home/ann', '/home/new']),
              shell: '/bin/sh',
              groups: [],
              system: false,
            },
          },
        }
      : {}),
  };
}

/** One thing that a person did while a transaction ran. */
export interface Edit {
  /** For sh, in the root. It does nothing where what it edits is not there. */
  readonly script: string;
  /** Paths of the document that are no longer as the document says. */
  readonly touched: readonly string[];
  /** True where a managed file is not written into but replaced. */
  readonly replaces?: true;
  /** What must be found afterwards, at its place or (only where a managed thing was edited) kept in the engine's folder. */
  readonly evidence: { readonly path: string; readonly text: string; readonly orKept: boolean };
}

export function randomEdit(draw: Draw, number: number): Edit {
  const text = `by-hand-${String(number)}`;
  const at = (path: string): string => `.${path}`;
  const own = (path: string, script: string): Edit => ({
    script,
    touched: [],
    evidence: { path, text, orKept: false },
  });
  const managed = draw.of([...FILES, UNIT]);
  switch (draw.below(8)) {
    case 0:
      return own(SHARED, `[ ! -f ${at(SHARED)} ] || echo ${text} >>${at(SHARED)}`);
    case 1: {
      // What /opt/turns was before may be another kind, in whose place the directory with this file stays.
      const path = `${draw.of(['/opt/app', '/etc/kept.d', '/home/ann', '/opt/app/deep/er', '/opt/turns'])}/other-${String(number)}`;
      const touched = path.startsWith('/opt/turns/') ? ['/opt/turns'] : [];
      return {
        ...own(path, `[ ! -d ${at(path.slice(0, path.lastIndexOf('/')))} ] || echo ${text} >${at(path)}`),
        touched,
      };
    }
    case 2:
      return own('/etc/passwd', `echo '${text}:x:${String(3000 + number)}:778::/:/bin/sh' >>etc/passwd`);
    case 3:
      return own('/etc/group', `echo '${text}:x:${String(3000 + number)}:' >>etc/group`);
    case 4: {
      const path = `/etc/systemd/system/multi-user.target.wants/${text}.service`;
      return own(path, `mkdir -p .${path.slice(0, path.lastIndexOf('/'))}; ln -s /${text} .${path}`);
    }
    case 5:
      return own(`/etc/systemd/system/${text}.service`, `ln -s /${text} etc/systemd/system/${text}.service`);
    case 6:
      return {
        script: `[ ! -f ${at(managed)} ] || { echo ${text} >${at(managed)}.new; mv ${at(managed)}.new ${at(managed)}; }`,
        touched: [managed],
        replaces: true,
        evidence: { path: managed, text, orKept: true },
      };
    default:
      return {
        script: `[ ! -f ${at(managed)} ] || echo ${text} >>${at(managed)}`,
        touched: [managed],
        evidence: { path: managed, text, orKept: true },
      };
  }
}

/** What is at the path; nothing is below a file. */
function statsOf(at: string): Stats | undefined {
  try {
    return lstatSync(at, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Whether the text stands in the file or the link at the path. */
export function holds(root: OfflineRoot, path: string, text: string): boolean {
  const at = root.at(path);
  const there = statsOf(at);
  if (there === undefined) return false;
  const found = there.isSymbolicLink()
    ? spawnSync('readlink', [at]).stdout.toString()
    : readFileSync(at, 'utf8');
  return found.includes(text);
}

/** Whether the engine's folder keeps a file with that text. */
export function isKept(root: OfflineRoot, text: string): boolean {
  return spawnSync('grep', ['-rqsF', text, root.at('/var/lib/citadel-iac')]).status === 0;
}
