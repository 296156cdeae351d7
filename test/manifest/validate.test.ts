import { describe, expect, it } from 'vitest';
import { checkManifest, CitadelError, formatProblem, validateManifest } from '../../lib/manifest/index.js';

const root = { owner: 'root', group: 'root' };
const file = (content = 'x\n') => ({ content, ...root, mode: '0644' });
const directory = { ...root, mode: '0755' };
const user = { home: '/home/agent0', shell: '/bin/bash', groups: [], system: false };
const unit = { enabled: true, state: 'running', restartOn: [], reloadOn: [], wave: 0 };
const mount = { source: '/dev/sda1', type: 'ext4', options: ['defaults', 'nofail'], state: 'mounted' };
const line = '/dev/sda1 /mnt/a ext4 defaults,nofail 0 2\n';

const host = (sections: object) => ({ version: 1, host: 'ai-node', ...sections });
const texts = (input: unknown) => checkManifest(input).problems.map(formatProblem);

describe('validateManifest accepts', () => {
  it.each([
    ['nothing', {}],
    [
      'a file below a declared directory',
      { directories: { '/opt/a': directory }, files: { '/opt/a/b': file() } },
    ],
    [
      'a directory that is to be absent, with what is in it, and a unit that is told of it',
      {
        absentPaths: { '/srv/old': { kind: 'directory' }, '/srv/old/x': { kind: 'file' } },
        units: { 'x.service': { ...unit, reloadOn: ['/srv/old/x'] } },
      },
    ],
    [
      'a mount point that is a directory',
      {
        directories: { '/mnt/a': directory },
        mounts: { '/mnt/a': mount },
        blocks: { '/etc/fstab': { '/mnt/a': line } },
      },
    ],
    [
      'files below a mount point',
      {
        mounts: { '/mnt/a': mount },
        blocks: { '/etc/fstab': { '/mnt/a': line } },
        files: { '/mnt/a/x': file() },
      },
    ],
    [
      'a mount point with a space',
      {
        mounts: { '/mnt/a b': mount },
        blocks: { '/etc/fstab': { '/mnt/a b': String.raw`/dev/sda1 /mnt/a\040b ext4 defaults,nofail 0 0` } },
      },
    ],
    [
      'owners that the manifest makes',
      { users: { agent0: user }, files: { '/x': { ...file(), owner: 'agent0', group: 'agent0' } } },
    ],
    [
      'owners that a package makes',
      {
        packages: { prometheus: {} },
        files: { '/x': { ...file(), owner: 'prometheus', group: 'prometheus' } },
      },
    ],
    [
      'owners that every host has',
      { files: { '/x': { ...file(), owner: 'www-data', group: 'systemd-journal' } } },
    ],
    [
      'owners that are assumed',
      {
        assumedAccounts: { users: ['grafana'], groups: ['grafana'] },
        files: { '/x': { ...file(), owner: 'grafana', group: 'grafana' } },
      },
    ],
    [
      'a check of a unit that is not in it',
      { checks: { ssh: { kind: 'unit', unit: 'ssh.service', timeoutSec: 5, wave: 0 } } },
    ],
    [
      'restarts by files, blocks and links',
      {
        files: { '/a': file() },
        blocks: { '/b': { x: 'y\n' } },
        symlinks: { '/c': { target: '/a' } },
        units: { 'x.service': { ...unit, restartOn: ['/a', '/b'], reloadOn: ['/c'] } },
      },
    ],
    ['a secret for one group', { files: { '/x': { secret: 'db', ...root, mode: '0640' } } }],
    [
      'authorized keys in a ~/.ssh of its own',
      {
        users: { agent0: { ...user, authorizedKeys: ['ssh-ed25519 AAAA'] } },
        directories: { '/home/agent0/.ssh': { owner: 'agent0', group: 'agent0', mode: '0700' } },
      },
    ],
    [
      'a template whose instances run',
      { units: { 'x@.service': { ...unit, state: 'any' }, 'x@a.service': unit } },
    ],
  ])('%s', (_name, sections) => {
    expect(texts(host(sections))).toEqual([]);
    expect(validateManifest(host(sections))).toEqual(host(sections));
  });
});

describe('validateManifest refuses', () => {
  it.each<[string, object, string[]]>([
    [
      'a relative path',
      { files: { 'etc/x': file() } },
      [
        '[manifest of ai-node] files["etc/x"]: "etc/x" is not absolute. Write the whole path from "/", without ".", "..", "//" and control characters.',
      ],
    ],
    [
      'control characters',
      { directories: { '/a\u0000b': directory } },
      [
        '[manifest of ai-node] directories["/a\\u0000b"]: "/a\\u0000b" has a control character. Write the whole path from "/", without ".", "..", "//" and control characters.',
      ],
    ],
    [
      'a mode that is not octal',
      { files: { '/x': { ...file(), mode: '0888' } } },
      [
        '[manifest of ai-node] files["/x"].mode: "0888" is not four octal digits in quotes, such as "0644". Write four octal digits in quotes, such as "0644".',
      ],
    ],
    [
      'a check without a timeout',
      { checks: { up: { kind: 'tcp', host: 'a', port: 1, wave: 0 } } },
      [
        '[manifest of ai-node] checks["up"].timeoutSec: is missing. Give the seconds after which the check has failed, more than 0 and at most 86400.',
      ],
    ],
    [
      'a timeout of nothing',
      { checks: { up: { kind: 'tcp', host: 'a', port: 1, wave: 0, timeoutSec: 0 } } },
      [
        '[manifest of ai-node] checks["up"].timeoutSec: 0 is not right (too small: expected number to be >0). Give the seconds after which the check has failed, more than 0 and at most 86400.',
      ],
    ],
    [
      'an unknown property',
      { files: { '/x': { ...file(), own: 'root' } } },
      [
        '[manifest of ai-node] files["/x"].own: is not a property of the manifest. Take it out, or correct its name.',
      ],
    ],
    [
      'an unknown section',
      { folders: {} },
      ['[manifest of ai-node] folders: is not a property of the manifest. Take it out, or correct its name.'],
    ],
    [
      'content and secret',
      { files: { '/x': { ...file(), secret: 'db', mode: '0600' } } },
      [
        '[manifest of ai-node] files["/x"]: needs exactly one of "content", "bytes" and "secret". Give a value as the schema describes it.',
      ],
    ],
    [
      'a unit name without a suffix',
      { units: { x: unit } },
      [
        '[manifest of ai-node] units["x"]: "x" is not a systemd unit name such as "prometheus.service". Use the unit\'s full name with its suffix, such as "prometheus.service".',
      ],
    ],
    [
      'two sections claiming one path',
      { directories: { '/x': directory }, files: { '/x': file() } },
      [
        '[manifest of ai-node] files["/x"]: /x stands in directories as well (manifest of ai-node). Let one of them own the path.',
      ],
    ],
    [
      'what is to be there and absent, or below what is absent',
      {
        absentPaths: { '/x': { kind: 'file' }, '/y': { kind: 'directory' }, z: { kind: 'file' } },
        files: { '/x': file(), '/y/z': file() },
      },
      [
        '[manifest of ai-node] absentPaths["/x"]: /x stands in files as well (manifest of ai-node). Let one of them own the path.',
        '[manifest of ai-node] absentPaths["z"]: "z" is not absolute. Write the whole path from "/", without ".", "..", "//" and control characters.',
        '[manifest of ai-node] files["/y/z"]: /y/z is below /y, which is what is to be absent (manifest of ai-node). Move one of the two, or make the upper one a directory.',
      ],
    ],
    [
      'a file below a file',
      { files: { '/x': file(), '/x/y/z': file() } },
      [
        '[manifest of ai-node] files["/x/y/z"]: /x/y/z is below /x, which is not a directory but in files (manifest of ai-node). Move one of the two, or make the upper one a directory.',
      ],
    ],
    [
      'a file below a link',
      { symlinks: { '/x': { target: '/y' } }, files: { '/x/y': file() } },
      [
        '[manifest of ai-node] files["/x/y"]: /x/y is below /x, which is not a directory but in symlinks (manifest of ai-node). Move one of the two, or make the upper one a directory.',
      ],
    ],
    [
      'a file that is someone’s authorized keys',
      {
        users: { agent0: { ...user, authorizedKeys: ['ssh-ed25519 AAAA'] } },
        files: { '/home/agent0/.ssh/authorized_keys': file() },
      },
      [
        '[manifest of ai-node] users["agent0"]: /home/agent0/.ssh/authorized_keys stands in files as well (manifest of ai-node). Let one of them own the path.',
      ],
    ],
    [
      'unknown owners',
      { files: { '/x': { ...file(), owner: 'bob', group: 'bobs' } } },
      [
        '[manifest of ai-node] files["/x"].group: group bobs is neither made by this manifest nor known to exist. Add it to groups, or to assumedAccounts.groups if a package or a person creates it.',
        '[manifest of ai-node] files["/x"].owner: user bob is neither made by this manifest nor known to exist. Add it to users, or to assumedAccounts.users if a package or a person creates it.',
      ],
    ],
    [
      'a package’s user without the package',
      { files: { '/x': { ...file(), owner: 'prometheus' } } },
      [
        '[manifest of ai-node] files["/x"].owner: user prometheus is neither made by this manifest nor known to exist. Add it to users, or to assumedAccounts.users if a package or a person creates it.',
      ],
    ],
    [
      'unknown groups of a user',
      { users: { agent0: { ...user, group: 'g', groups: ['adm', 'h'] } } },
      [
        '[manifest of ai-node] users["agent0"].group: group g is neither made by this manifest nor known to exist. Add it to groups, or to assumedAccounts.groups if a package or a person creates it.',
        '[manifest of ai-node] users["agent0"].groups[1]: group h is neither made by this manifest nor known to exist. Add it to groups, or to assumedAccounts.groups if a package or a person creates it.',
      ],
    ],
    [
      'one number for two users',
      { users: { a: { ...user, home: '/a', uid: 7 }, b: { ...user, home: '/b', uid: 7 } } },
      [
        '[manifest of ai-node] users["b"].uid: 7 is also the number of a (manifest of ai-node). Give one of them another number.',
      ],
    ],
    [
      'one number for two groups',
      { groups: { a: { gid: 7, system: false }, b: { gid: 7, system: false } } },
      [
        '[manifest of ai-node] groups["b"].gid: 7 is also the number of a (manifest of ai-node). Give one of them another number.',
      ],
    ],
    [
      'a running template',
      { units: { 'x@.service': unit } },
      [
        '[manifest of ai-node] units["x@.service"].state: x@.service is a template and cannot be running. Name an instance, such as x@main.service, or set the state to "any".',
      ],
    ],
    [
      'units of the engine itself, by name and by file',
      {
        units: { 'citadel-iac-recover.service': unit },
        files: { '/etc/systemd/system/citadel-iac-x.service.d/a.conf': file() },
      },
      [
        '[manifest of ai-node] files["/etc/systemd/system/citadel-iac-x.service.d/a.conf"]: /etc/systemd/system/citadel-iac-x.service.d/a.conf is a unit of citadel-iac itself. Choose a name that does not begin with "citadel-iac-".',
        '[manifest of ai-node] units["citadel-iac-recover.service"]: citadel-iac-recover.service is a unit of citadel-iac itself. Choose a name that does not begin with "citadel-iac-".',
      ],
    ],
    [
      'a mount named as a unit too',
      {
        units: { 'mnt-a\\x2db.mount': unit },
        mounts: { '/mnt/a-b': mount },
        blocks: { '/etc/fstab': { '/mnt/a-b': line.replace('/mnt/a', '/mnt/a-b') } },
      },
      [
        '[manifest of ai-node] units["mnt-a\\\\x2db.mount"]: mnt-a\\x2db.mount is the mount at /mnt/a-b, which mounts of manifest of ai-node names as well. Keep one of the two.',
      ],
    ],
    [
      'two names of one unit',
      {
        symlinks: { '/etc/systemd/system/b.service': { target: 'a.service' } },
        units: { 'a.service': unit, 'b.service': unit },
      },
      [
        '[manifest of ai-node] units["b.service"]: b.service is another name of a.service by the link /etc/systemd/system/b.service, and both stand in units. Keep a.service.',
      ],
    ],
    [
      'a masked unit that runs',
      {
        symlinks: { '/etc/systemd/system/b.service': { target: '/dev/null' } },
        units: { 'b.service': unit },
      },
      [
        '[manifest of ai-node] units["b.service"].state: b.service is masked by the link /etc/systemd/system/b.service of manifest of ai-node and cannot be running. Take the link away, or set the state to "stopped".',
      ],
    ],
    [
      'a restart by a path of someone else',
      { directories: { '/d': directory }, units: { 'x.service': { ...unit, restartOn: ['/d', '/e'] } } },
      [
        '[manifest of ai-node] units["x.service"].restartOn[0]: /d is not a file, block or symlink of this manifest. Declare it, or take it out of the list.',
        '[manifest of ai-node] units["x.service"].restartOn[1]: /e is not a file, block or symlink of this manifest. Declare it, or take it out of the list.',
      ],
    ],
    [
      'a restart and a reload by one path',
      { files: { '/x': file() }, units: { 'x.service': { ...unit, restartOn: ['/x'], reloadOn: ['/x'] } } },
      [
        '[manifest of ai-node] units["x.service"].reloadOn: /x stands in restartOn and in reloadOn. Keep it in one of them: a restart makes a reload needless.',
      ],
    ],
    [
      'a mount without its line',
      { mounts: { '/mnt/a': mount } },
      [
        '[manifest of ai-node] mounts["/mnt/a"]: /etc/fstab has no block "/mnt/a". Add blocks["/etc/fstab"]["/mnt/a"] with the mount\'s line.',
      ],
    ],
    [
      'a line that says otherwise',
      { mounts: { '/mnt/a': mount }, blocks: { '/etc/fstab': { '/mnt/a': line.replace('sda1', 'sda2') } } },
      [
        '[manifest of ai-node] mounts["/mnt/a"]: its block in /etc/fstab has the source "/dev/sda2" where the mount has "/dev/sda1". Make the line and the mount say the same.',
      ],
    ],
    [
      'two lines for one mount',
      { mounts: { '/mnt/a': mount }, blocks: { '/etc/fstab': { '/mnt/a': line + line } } },
      [
        '[manifest of ai-node] mounts["/mnt/a"]: its block in /etc/fstab has 2 entries instead of one. Make the line and the mount say the same.',
      ],
    ],
    [
      'a secret that everybody may read',
      { files: { '/x': file('a=@@secret:db@@\n') } },
      [
        '[manifest of ai-node] files["/x"].mode: "0644" lets everybody reach a file that holds a secret. Use "0600", or "0640" with the group that must read it.',
      ],
    ],
    [
      'a reference that is none',
      { files: { '/x': file('a=@@secret:DB@@\n') } },
      [
        '[manifest of ai-node] files["/x"].content: "@@secret:DB@@" is not a reference to a secret. Write @@secret:name@@ with a name of a-z, 0-9 and "_".',
      ],
    ],
    [
      'a secret in a block',
      { blocks: { '/etc/hosts': { x: '@@secret:db@@\n' } } },
      [
        '[manifest of ai-node] blocks["/etc/hosts"]["x"]: a block of a file that is shared with others refers to a secret. Put the secret into a file of its own and let the block name that file.',
      ],
    ],
  ])('%s', (_name, sections, expected) => {
    expect(texts(host(sections))).toEqual(expected);
  });

  it.each([null, undefined, 7, 'x', [], new Map()])('what is no manifest at all: %s', (input) => {
    expect(checkManifest(input).problems.length).toBeGreaterThan(0);
    expect(() => validateManifest(input)).toThrow(CitadelError);
  });

  it('names the construct that declared the item', () => {
    const manifest = host({
      directories: { '/x': directory },
      files: { '/x': { ...file(), owner: 'bob' } },
      origins: { 'files//x': 'ai-node/models/phi3', 'directories//x': 'ai-node/models' },
    });
    expect(texts(manifest)).toEqual([
      '[ai-node/models/phi3] files["/x"].owner: user bob is neither made by this manifest nor known to exist. Make it with a UserAccount, or say UserAccount.fromPackage(host, "bob") if a package or a person creates it.',
      '[ai-node/models/phi3] files["/x"]: /x stands in directories as well (ai-node/models). Let one of them own the path.',
    ]);
  });

  it('reports all problems at once: an item with a wrong shape hides no other rule and causes no further problem', () => {
    const manifest = host({
      files: { '/a': { ...file(), mode: '9' }, '/b': { ...file(), owner: 'bob' } },
      mounts: { '/mnt/a': { ...mount, state: 'maybe' } },
      units: { 'x.service': { ...unit, restartOn: ['/a'] } },
      checks: { up: { kind: 'nope', timeoutSec: 1, wave: 0 } },
    });
    expect(texts(manifest).map((text) => text.replace(/^\[manifest of ai-node\] (\S+): .*/, '$1'))).toEqual([
      'checks["up"].kind',
      'files["/a"].mode',
      'files["/b"].owner',
      'mounts["/mnt/a"].state',
    ]);
  });
});
