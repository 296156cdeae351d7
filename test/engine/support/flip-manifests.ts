import type { HostManifest, ManifestDirectory, ManifestFile } from '../../../lib/manifest/index.js';
import type { OfflineRoot } from './offline-root.js';

const file = (content: string, mode = '0644', owner = 'root'): ManifestFile => ({
  content,
  owner,
  group: owner,
  mode,
});
const directory = (mode = '0755', owner = 'root'): ManifestDirectory => ({ owner, group: owner, mode });
const UNIT = '[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n';

/** Generation N-1: one of each kind of path that the next manifest changes into another kind. */
export const BEFORE: HostManifest = {
  version: 1,
  host: 'box',
  directories: {
    '/opt/app': directory(),
    '/opt/app/dir-to-file': directory('0711', 'svc'),
    '/opt/app/dir-to-link': directory(),
    '/opt/app/mode': directory('0700'),
    '/opt/leaving': directory(),
  },
  files: {
    '/opt/app/changed': file('old\n', '0640', 'svc'),
    '/opt/app/dir-to-file/inside': file('inside\n'),
    '/opt/app/dir-to-link/inside': file('kept away from the link\n'),
    '/opt/app/file-to-dir': file('was a file\n', '0600'),
    '/opt/app/file-to-link': file('was a file\n', '4755'),
    '/opt/app/only-mode': file('same\n', '0600'),
    '/opt/leaving/file': file('goes\n'),
    '/etc/systemd/system/leaving.service': file(UNIT),
  },
  symlinks: {
    '/opt/app/link-to-dir': { target: '../elsewhere' },
    '/opt/app/link-to-file': { target: '/nowhere at all' },
    '/opt/app/retargeted': { target: 'a' },
  },
  blocks: { '/etc/shared.conf': { mine: 'first\n' } },
  units: {
    'leaving.service': { enabled: true, state: 'any', restartOn: [], reloadOn: [], wave: 0 },
  },
};

/** Generation N. */
export const AFTER: HostManifest = {
  version: 1,
  host: 'box',
  groups: { newer: { system: false, gid: 901 } },
  directories: {
    '/opt/app': directory('0750'),
    '/opt/app/file-to-dir': directory('0700', 'svc'),
    '/opt/app/link-to-dir': directory(),
    '/opt/app/mode': directory('0755', 'svc'),
    '/opt/fresh': directory('1777'),
  },
  files: {
    '/opt/app/changed': file('new\n', '0600'),
    '/opt/app/dir-to-file': file('is a file\n'),
    '/opt/app/file-to-dir/inside': file('inside\n'),
    '/opt/app/link-to-dir/file': file('mine, not what the link led to\n'),
    '/opt/app/link-to-file': file('is a file\n'),
    '/opt/app/only-mode': file('same\n', '0644', 'svc'),
    '/opt/fresh/deep/er/file': file('below directories that nobody declared\n'),
    '/etc/systemd/system/fresh.service': file(UNIT),
  },
  symlinks: {
    '/opt/app/dir-to-link': { target: '../fresh' },
    '/opt/app/file-to-link': { target: 'changed' },
    '/opt/app/retargeted': { target: 'b' },
  },
  blocks: { '/etc/shared.conf': { mine: 'second\n', other: 'more\n' } },
  units: {
    'fresh.service': { enabled: true, state: 'any', restartOn: [], reloadOn: [], wave: 0 },
  },
};

/** Directories of both generations: there the time counts as well when trees are compared. */
export const TIMED = [
  ...Object.keys(BEFORE.directories ?? {}),
  '/opt/app/dir-to-file/foreign',
  '/opt/elsewhere',
];

/** What is on the host without us: a foreign file among ours, foreign lines around our block, attributes, old times. */
export function furnish(root: OfflineRoot): void {
  root.write('/etc/shared.conf', 'foreign line\n');
  root.write('/opt/elsewhere/file', 'behind the link\n');
}

/** Marks that only an exact undo keeps; applied to generation N-1. */
export function age(root: OfflineRoot): void {
  root.shell(`
    mkdir opt/app/dir-to-file/foreign && echo foreign >opt/app/dir-to-file/foreign/file
    chmod 0701 opt/app/dir-to-file/foreign
    ln -s ../gone opt/app/dir-to-file/foreign/dangling
    find opt etc -depth -exec touch -h -d '2020-02-03 04:05:06.789' {} +
  `);
}
