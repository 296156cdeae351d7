import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isOfSystem } from '../../../lib/engine/recovery/disks.js';
import { loadScript } from '../../../lib/engine/remote/programs.js';
import { withFault } from '../support/faults.js';
import { runText } from '../support/run-text.js';

const US = '\u001f';
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'citadel-devices-'));
  for (const folder of ['ops', 'undo', 'etc']) mkdirSync(join(dir, folder));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

interface Machine {
  /** Type and status that blkid answers; more words are PTTYPE's. */
  readonly blkid?: readonly [type: string, status: number, table?: string];
  readonly readable?: boolean;
  readonly mountinfo?: string;
  readonly swaps?: string;
  /** Columns of the line in fstab. */
  readonly fstab?: Readonly<Record<string, string>>;
}

/** DOUBLE of a machine with one disk, /dev/sda1 (8:1), which LABEL=models names as well. */
function machine({ blkid = ['ext4', 0], readable = true, mountinfo = '', swaps = '', fstab = {} }: Machine) {
  writeFileSync(join(dir, 'mountinfo'), mountinfo);
  writeFileSync(join(dir, 'swaps'), swaps);
  const columns = Object.entries(fstab).map(([name, value]) => `${name}) echo '${value}' ;;`);
  return `
findfs() { [ "$1" = LABEL=models ] && echo /dev/sda1; }
is_device() { [ "$1" = /dev/sda1 ]; }
device_number() { echo 8:1; }
readlink() { shift 2; echo "$1"; }
blkid() { case $* in *PTTYPE*) echo '${blkid[2] ?? ''}' ;; *) echo '${blkid[0]}'; return ${String(blkid[1])} ;; esac; }
dd() { ${readable ? 'head -c 131072 /dev/zero' : 'echo "dd: Input/output error" >&2; return 1'}; }
mount_lines() { cat '${dir}/mountinfo'; }
swap_lines() { cat '${dir}/swaps'; }
findmnt() { case $6 in ${columns.join(' ')} esac; }
`;
}

const sh = (script: string, root = '', input = '') => {
  const done = runText(script, [root], input);
  return { status: done.status, out: done.stdout.toString('utf8'), err: done.stderr.toString('utf8') };
};

/** What disks.sh says of a source that is wanted at /mnt/models, less the mount point. */
function disk(source: string, double: string): string[] {
  const script = [loadScript('common.sh'), loadScript('devices.sh'), double, loadScript('disks.sh')];
  const { out, err } = sh(script.join('\n'), dir, `/mnt/models${US}${source}\n`);
  expect(err).toBe('');
  const [head, record = '', end] = out.trimEnd().split('\n');
  expect([head, end]).toEqual(['citadel-disks/2', 'end']);
  const fields = record.split(US);
  expect(fields).toHaveLength(6);
  return fields.slice(1);
}

const at = (point: string, { root = '/', type = 'ext4', source = '/dev/sda1', number = '8:1' } = {}) =>
  `30 1 ${number} ${root} ${point} rw,relatime shared:1 - ${type} ${source} rw\n`;

it.each([
  ...['/', 'swap', '/boot', '/boot/efi', '/usr', '/var', '/etc'],
  ...['/srv', '/home', '/mnt/models', '/bootstrap', '/var/lib', '/usr/local', ''],
])('an apply and a rebuild agree whether the system needs what is at "%s"', (place) => {
  const { status } = sh(`${loadScript('devices.sh')}\nis_of_system '${place}'`);
  expect(status).toBe(isOfSystem(place) ? 0 : 1);
});

describe('disks.sh', () => {
  it.each<[string, Machine, string[]]>([
    ['a file system', {}, ['filesystem', 'ext4', '/dev/sda1', '', '']],
    ['nothing', { blkid: ['', 2] }, ['empty', '', '/dev/sda1', '', '']],
    [
      'what cannot be read',
      { blkid: ['', 2], readable: false },
      ['unknown', 'unreadable', '/dev/sda1', '', ''],
    ],
    ['two things at once', { blkid: ['', 8] }, ['unknown', '8', '/dev/sda1', '', '']],
    [
      'a whole disk with partitions',
      { blkid: ['', 0, 'gpt'] },
      ['filesystem', 'a partition table (gpt)', '/dev/sda1', '', ''],
    ],
  ])('says of a device: %s', (_name, double, fields) => {
    expect(disk('/dev/sda1', machine(double))).toEqual(fields);
    expect(disk('LABEL=models', machine(double))).toEqual(fields);
  });

  it('finds no device by a label that no disk has, and passes over what is none', () => {
    expect(disk('LABEL=other', machine({}))).toEqual(['absent', '', '', '', '']);
    expect(disk('/dev/sdz', machine({}))).toEqual(['absent', '', '/dev/sdz', '', '']);
    expect(disk('tmpfs', machine({}))).toEqual(['other', '', '', '', '']);
  });

  it.each<[string, Machine, string]>([
    ['by its number', { mountinfo: at('/', { source: '/dev/root' }) }, '/'],
    ['at several places', { mountinfo: at('/srv') + at('/boot') + at('/srv') }, '/boot\t/srv'],
    ['with blanks in the path', { mountinfo: at(String.raw`/a\040b\134c`) }, String.raw`/a b\c`],
    ['not another device', { mountinfo: at('/', { number: '8:2' }) }, ''],
    ['not a directory of it elsewhere', { mountinfo: at('/var', { root: '/srv/var' }) }, ''],
    ['but the root of the system', { mountinfo: at('/', { root: '/deploy/1' }) }, '/'],
    ['btrfs by its name', { mountinfo: at('/', { type: 'btrfs', root: '/@', number: '0:25' }) }, '/'],
    ['swap', { swaps: '/dev/sda1 partition 1 0 -2\n' }, 'swap'],
    ['not the swap on another', { swaps: '/dev/sdb2 partition 1 0 -2\n' }, ''],
  ])('says where a device is in use: %s', (_name, double, places) => {
    expect(disk('LABEL=models', machine(double))[3]).toBe(places);
  });

  it('says which of the places are of our own fstab lines', () => {
    writeFileSync(join(dir, 'etc/fstab'), '# BEGIN citadel-iac /a b\n# END citadel-iac /a b\n');
    const mountinfo = at(String.raw`/a\040b`) + at('/a');
    expect(disk('/dev/sda1', machine({ mountinfo })).slice(3)).toEqual(['/a\t/a b', '/a b']);
  });
});

describe('the transaction', () => {
  const mount = (double: string, commands: string) => sh(withFault(`DIR='${dir}'${double}\n${commands}\n`));
  const line = { SOURCE: '/dev/sda1', FSTYPE: 'ext4', OPTIONS: 'rw' };
  const TRY = `mountpoint() { return 1; }
mount() { echo "mount $*" >>"$DIR/done"; }
mount_all; status=$?; cat "$DIR/done" "$DIR/words" 2>/dev/null; exit $status`;
  const wanted = (path: string) => writeFileSync(join(dir, 'ops/mounts'), `${path}\n`);

  it.each<[string, Machine]>([
    ['/', { mountinfo: at('/') }],
    ['/boot/efi', { mountinfo: at('/boot/efi') }],
    ['swap', { swaps: '/dev/sda1 partition 1 0 -2\n' }],
  ])('mounts no device that the system uses as %s', (place, double) => {
    wanted(join(dir, 'm'));
    const { status, out } = mount(machine({ ...double, fstab: line }), TRY);
    expect(out).toBe(
      `/dev/sda1 is in use by the system itself (${place}) and was not mounted.\n` +
        'Find the disk that is meant, and name it by LABEL=… or UUID=… in the inventory: lsblk -o NAME,SIZE,FSTYPE,LABEL,UUID,MOUNTPOINT\n',
    );
    expect(status).toBe(1);
  });

  it.each<[string, Machine]>([
    ['a device that is free', { fstab: line }],
    ['one that is mounted a second time', { fstab: line, mountinfo: at('/srv/data') }],
    ['what is no device', { fstab: { ...line, SOURCE: 'tmpfs' }, mountinfo: at('/') }],
    [
      'a subvolume next to the root',
      {
        fstab: { ...line, FSTYPE: 'btrfs', OPTIONS: 'noatime,subvol=@data' },
        mountinfo: at('/', { type: 'btrfs', root: '/@' }),
      },
    ],
  ])('mounts %s', (_name, double) => {
    wanted(join(dir, 'm'));
    const { status, out } = mount(machine(double), TRY);
    expect([status, out]).toEqual([0, `mount -T /etc/fstab -- ${join(dir, 'm')}\n`]);
  });

  it.each<[string, Machine, string]>([
    [
      'empty',
      { blkid: ['', 2], fstab: line },
      '/dev/sda1 has no file system. If it holds nothing that is needed: sudo mkfs.ext4 /dev/sda1\n',
    ],
    [
      'unreadable',
      { blkid: ['', 2], readable: false, fstab: line },
      'No one can tell what is on /dev/sda1 (unreadable). It may be failing: sudo smartctl -a /dev/sda1; journalctl -k -n 50\n',
    ],
    [
      'empty, and mounted',
      { blkid: ['', 2], mountinfo: at('/srv'), fstab: line },
      '/dev/sda1 is in use: /srv\nIs it the right disk? lsblk -o NAME,SIZE,FSTYPE,LABEL,UUID,MOUNTPOINT\n',
    ],
    [
      'partitioned',
      { blkid: ['', 0, 'gpt'], fstab: line },
      '/dev/sda1: its file system is a partition table (gpt), the inventory says ext4. To look at it: sudo fsck -n /dev/sda1\n',
    ],
  ])('advises on a disk that is %s', (_name, double, advice) => {
    expect(mount(machine(double), 'mount_advice /mnt/models').out).toBe(advice);
  });
});

/** The real programs on a real device. */
const loop = (...args: string[]) => spawnSync('losetup', args).stdout?.toString('utf8').trim() ?? '';
const canLoop = process.getuid?.() === 0 && loop('--find') !== '';
const state = (device: string) =>
  sh(
    `${loadScript('common.sh')}\n${loadScript('devices.sh')}\ndevice_state '${device}'; echo "$DS_STATE $DS_DETAIL"`,
  ).out;

describe.skipIf(!canLoop)('a loop device (skipped without root)', () => {
  it('is not called empty when its file is gone below it', () => {
    const image = join(dir, 'image');
    writeFileSync(image, '');
    truncateSync(image, 8 * 1024 * 1024);
    const device = loop('--find', '--show', image);
    try {
      expect(state(device)).toBe('empty \n');
      spawnSync('mkfs.ext4', ['-q', device]);
      expect(state(device)).toBe('filesystem ext4\n');
      truncateSync(image, 0);
      spawnSync('blockdev', ['--flushbufs', device]);
      expect(state(device)).toBe('unknown unreadable\n');
      loop('--set-capacity', device);
      expect(state(device)).toBe('unknown unreadable\n');
    } finally {
      loop('--detach', device);
    }
  });
});
