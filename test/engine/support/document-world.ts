import type { HostManifest, ManifestFile, ManifestUser } from '../../../lib/manifest/index.js';
import type { OfflineRoot } from './offline-root.js';
import type { Draw } from './random-world.js';

/**
 * A host that lived before us, and documents over it: files of packages and of people, accounts, links, files of others
 * with lines of theirs. Each path may be of several kinds, so that documents disagree about it.
 */

const UNIT = (description: string): string =>
  `[Unit]\nDescription=${description}\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n`;

/** What was on the host before the first apply. */
export function plantHost(root: OfflineRoot): void {
  root.write('/etc/pkg/main.conf', 'of a package\n');
  root.write('/etc/pkg/pkg.d/one', 'of a package too\n');
  root.write('/lib/systemd/system/pkg.service', UNIT('of a package'));
  root.write(
    '/var/lib/dpkg/status',
    'Package: pkg\nStatus: install ok installed\nMaintainer: m\nArchitecture: all\nVersion: 1\nDescription: d\n',
  );
  root.write(
    '/var/lib/dpkg/info/pkg.list',
    '/.\n/etc\n/etc/pkg\n/etc/pkg/main.conf\n/etc/pkg/pkg.d\n/etc/pkg/pkg.d/one\n/lib/systemd/system/pkg.service\n',
  );
  root.write('/var/lib/dpkg/info/format', '1\n');
  root.write('/etc/hand.conf', 'by a person\n');
  root.write('/opt/hand/notes with spaces', 'by a person\n');
  root.write('/opt/hand/set', 'by a person\n');
  root.write('/srv/real/conf', 'behind a link\n');
  root.write('/home/ann/thesis', 'years\n');
  root.write('/etc/hosts', '127.0.0.1 localhost\n# the end\n');
  root.write('/etc/motd', '');
  root.write('/etc/fstab', '/dev/vda1 / ext4 defaults 0 1\n');
  root.write('/etc/shared/list', 'first\r\nsecond\r\n');
  root.write('/etc/systemd/system/hand.service', UNIT('by a person'));
  root.write(
    '/etc/passwd',
    'root:x:0:0:root:/root:/bin/bash\nsvc:x:777:778::/srv:/usr/sbin/nologin\nann:x:901:901:Ann,,,:/home/ann:/bin/bash\n',
  );
  root.write(
    '/etc/group',
    'root:x:0:\nsvc:x:778:\nann:x:901:\nadm:x:4:svc\nops:x:902:ann,svc\nrobot:x:961:\n',
  );
  root.write(
    '/etc/shadow',
    'root:*:20000:0:99999:7:::\nsvc:!:20000:0:99999:7:::\nann:$6$salt$hash.of/ann:20000:0:99999:7:::\n',
  );
  root.write('/etc/gshadow', 'root:*::\nsvc:!::\nann:!::\nadm:*::svc\nops:!::ann,svc\nrobot:!::\n');
  root.write('/etc/login.defs', 'USERGROUPS_ENAB yes\nUMASK 022\n');
  root.write('/etc/subuid', 'ann:100000:65536\n');
  root.write('/etc/subgid', 'ann:100000:65536\n');
  root.shell(`
    mkdir -p var/lib/dpkg/updates etc/skel etc/systemd/system/multi-user.target.wants srv/empty root
    touch var/lib/dpkg/available; echo skeleton >etc/skel/.profile
    chmod 640 etc/shadow etc/gshadow etc/hand.conf; chmod 600 etc/pkg/main.conf; chmod 4755 opt/hand/set
    chmod 2775 opt/hand; chmod 700 srv/empty home/ann; chmod 664 etc/hosts
    ln -s srv/real current; ln -s /nowhere etc/dangling; ln -s ../srv/real opt/linked; ln -s hand.conf etc/alias.conf
    ln -s /lib/systemd/system/pkg.service etc/systemd/system/multi-user.target.wants/pkg.service
    ln -s /dev/null etc/systemd/system/masked.service
  `);
  // Owners can be given by root alone.
  if (process.getuid?.() === 0)
    root.shell(
      'chown 0:778 etc/hand.conf; chown -R 777:778 opt/hand srv/real; chown -R 901:901 home/ann; chmod 4755 opt/hand/set; chmod 2775 opt/hand',
    );
}

type Kind = 'file' | 'secret' | 'link' | 'directory' | 'block' | 'absent';

/** Of each path, what documents may make of it. */
const PATHS: readonly (readonly [string, readonly Kind[]])[] = [
  ['/etc/pkg/main.conf', ['file', 'secret', 'link', 'absent']],
  ['/etc/pkg/pkg.d/two', ['file', 'link']],
  ['/etc/hand.conf', ['file', 'secret', 'link', 'block', 'absent']],
  ['/etc/new.conf', ['file', 'secret', 'link', 'block', 'absent']],
  ['/etc/dangling', ['file', 'link', 'directory']],
  ['/etc/alias.conf', ['file', 'link', 'absent']],
  ['/opt/hand/notes with spaces', ['file', 'link', 'block']],
  ['/opt/hand/set', ['file', 'secret']],
  ['/opt/hand/deep/er/conf', ['file', 'secret', 'directory', 'block']],
  ['/opt/linked', ['link', 'directory', 'file']],
  ['/opt/made', ['directory', 'file', 'link']],
  ['/opt/only', ['directory', 'block']],
  ['/opt/made/in', ['file', 'directory']],
  ['/srv/real/conf', ['file', 'block', 'absent']],
  ['/srv/empty', ['directory', 'file']],
  ['/etc/pkg/pkg.d', ['directory']],
  ['/etc/hosts', ['block', 'file']],
  ['/etc/motd', ['block', 'file']],
  ['/etc/environment', ['block', 'file']],
  ['/etc/shared/list', ['block']],
  ['/current', ['link', 'directory']],
  ['/etc/systemd/system/ours.service', ['file', 'link']],
  ['/etc/systemd/system/hand.service', ['file']],
  ['/etc/systemd/system/pkg.service.d/ours.conf', ['file']],
  ['/etc/systemd/system/masked.service', ['link', 'file']],
];
const TARGETS = ['x', '../srv/real', 'nowhere', '../srv/empty'];
const OWNERS = ['root', 'svc'];
const MODES = { file: ['0644', '0600', '0755', '4750'], directory: ['0755', '2770', '0700', '1777'] };

/** A document that names some of the paths, accounts and units, each in one of the forms that it may have. */
export function documentOver(draw: Draw): HostManifest {
  const files: Record<string, ManifestFile> = {};
  const directories: NonNullable<HostManifest['directories']> = {};
  const symlinks: NonNullable<HostManifest['symlinks']> = {};
  const blocks: NonNullable<HostManifest['blocks']> = {};
  const absentPaths: NonNullable<HostManifest['absentPaths']> = {};
  const below: string[] = [];
  for (const [path, kinds] of PATHS) {
    const kind = draw.of(kinds);
    const own = { owner: draw.of(OWNERS), group: draw.of(OWNERS) };
    const number = draw.below(3);
    const mode = draw.of(kind === 'directory' ? MODES.directory : MODES.file);
    if (!draw.chance(45) || below.some((above) => path.startsWith(`${above}/`))) continue;
    if (kind !== 'directory') below.push(path);
    const text = path.includes('systemd')
      ? UNIT(String(number))
      : `${String(number)} of ours\n`.repeat(number);
    switch (kind) {
      case 'file':
        files[path] = { content: text, ...own, mode };
        break;
      case 'secret':
        files[path] = { content: `${String(number)}=@@secret:token@@\n`, ...own, mode: '0600' };
        break;
      case 'link':
        symlinks[path] = { target: path.endsWith('.service') ? '/dev/null' : draw.of(TARGETS) };
        break;
      case 'directory':
        directories[path] = { ...own, mode };
        break;
      case 'absent':
        absentPaths[path] = { kind: 'file' };
        break;
      case 'block':
        blocks[path] = {
          ours: `${String(number)}\n`,
          ...(number === 1 ? { 'ours/more': 'x\ny' } : {}),
        };
    }
  }
  const named = accounts(draw);
  const started = units(draw, symlinks, files);
  const mounted = mounts(draw, blocks);
  return {
    version: 1,
    host: 'box',
    assumedAccounts: { users: ['svc', 'ann'], groups: ['svc', 'ops', 'adm', 'ann'] },
    ...given('files', files),
    ...given('directories', directories),
    ...given('symlinks', symlinks),
    ...given('blocks', blocks),
    ...given('absentPaths', absentPaths),
    ...named,
    ...started,
    ...mounted,
  };
}

function given(section: string, items: Readonly<Record<string, unknown>>): object {
  return Object.keys(items).length > 0 ? { [section]: items } : {};
}

/**
 * Mounts that only their lines in /etc/fstab are wanted of: an offline root has no others. All or none of them, because blocks of
 * one file stand in the order in which they came.
 */
function mounts(draw: Draw, blocks: Record<string, Readonly<Record<string, string>>>): object {
  const chosen: Record<string, unknown> = {};
  const lines: Record<string, string> = {};
  if (!draw.chance(50)) return {};
  for (const point of ['/mnt/disk', '/srv/real/disk']) {
    const options = draw.of([['defaults'], ['noauto', 'nofail']]);
    chosen[point] = { source: 'tmpfs', type: 'tmpfs', options, state: 'present' };
    lines[point] = `tmpfs ${point} tmpfs ${options.join(',')} 0 0\n`;
  }
  blocks['/etc/fstab'] = lines;
  return given('mounts', chosen);
}

function accounts(draw: Draw): object {
  const groups: NonNullable<HostManifest['groups']> = {};
  const users: Record<string, ManifestUser> = {};
  if (draw.chance(50)) groups['team'] = { gid: 950, system: false };
  if (draw.chance(30)) groups['ops'] = { gid: 902, system: false };
  if (draw.chance(30)) groups['robots'] = { gid: 951, system: true };
  const choices = ['ops', 'adm', ...Object.keys(groups).filter((name) => name !== 'ops')];
  const some = (): string[] => choices.filter(() => draw.chance(40));
  const shell = (): string => draw.of(['/bin/sh', '/bin/bash', '/usr/sbin/nologin']);
  if (draw.chance(50))
    users['ann'] = {
      ...(draw.chance(50) ? { uid: 901 } : {}),
      ...(draw.chance(30) ? { group: draw.of(choices) } : {}),
      home: draw.of(['/home/ann', '/home/ann', '/home/elsewhere']),
      shell: shell(),
      groups: some(),
      system: false,
    };
  if (draw.chance(50))
    users['bea'] = {
      uid: 960,
      home: draw.of(['/home/bea', '/home/other']),
      shell: shell(),
      groups: some(),
      system: false,
    };
  if (draw.chance(40))
    users['robot'] = { uid: 961, home: '/opt/robot', shell: shell(), groups: some(), system: true };
  if (draw.chance(30))
    users['svc'] = { uid: 777, group: 'svc', home: '/srv', shell: shell(), groups: some(), system: true };
  return { ...given('groups', groups), ...given('users', users) };
}

function units(
  draw: Draw,
  symlinks: Readonly<Record<string, unknown>>,
  files: Readonly<Record<string, unknown>>,
): object {
  const names = [
    'pkg.service',
    'hand.service',
    ...('/etc/systemd/system/ours.service' in files ? ['ours.service'] : []),
  ];
  const chosen: Record<string, unknown> = {};
  for (const name of names) {
    const enabled = draw.of([true, false, null]);
    if (draw.chance(50) && !(`/etc/systemd/system/${name}` in symlinks))
      chosen[name] = { enabled, state: 'any', restartOn: [], reloadOn: [], wave: 0 };
  }
  return given('units', chosen);
}
