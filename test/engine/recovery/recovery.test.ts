import { describe, expect, it } from 'vitest';
import { diskProblems, parseDisks, type DiskFound } from '../../../lib/engine/recovery/disks.js';
import { weightsOf } from '../../../lib/engine/recovery/weights.js';
import { CitadelError, formatProblem } from '../../../lib/manifest/index.js';

const US = '\u001f';
const refusal = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof CitadelError) return error.problems.map(formatProblem).join('\n');
    throw error;
  }
  return '';
};

describe('disks', () => {
  const wanted = [
    ['/a', { source: 'LABEL=a', type: 'ext4' }],
    ['/t', { source: 'tmpfs', type: 'tmpfs' }],
  ] as const;
  const output = `citadel-disks/2\n/a${US}filesystem${US}ext4${US}/dev/sda1${US}/a\t/b c${US}/a\n/t${US}other${US.repeat(4)}\nend\n`;

  it('are read by their place in the answer', () => {
    const found = parseDisks(output, wanted, 'host');
    expect(found[0]).toEqual({
      mountPoint: '/a',
      source: 'LABEL=a',
      wanted: 'ext4',
      state: 'filesystem',
      detail: 'ext4',
      device: '/dev/sda1',
      places: ['/a', '/b c'],
      ours: ['/a'],
      subvolume: false,
    });
    expect(diskProblems('alpha', found)).toEqual([]);
    expect(parseDisks('citadel-disks/2\nend\n', [], 'host')).toEqual([]);
  });

  it.each([
    ['', 'nothing'],
    [output.replace('end\n', ''), 'no end'],
    [output.replace('filesystem', 'fine'), 'an unknown state'],
    [`Welcome\n${output}`, 'words before'],
  ])('are not read from %j (%s)', (text) => {
    expect(refusal(() => parseDisks(text, wanted, 'host'))).toContain(
      '[host] the host answered something else than asked',
    );
  });

  it.each<[Partial<DiskFound>, string]>([
    [
      { state: 'absent', device: '' },
      '[alpha] mounts./mnt/models: there is no LABEL=models. Plug the disk in, or correct the source in the inventory; to find it: lsblk -o NAME,SIZE,FSTYPE,LABEL,UUID. A new disk needs a file system first: sudo mkfs.ext4 -L models DEVICE.',
    ],
    [
      { state: 'empty' },
      '[alpha] mounts./mnt/models: LABEL=models has no file system. If it is the right disk and holds nothing that is needed (this DESTROYS what is on it): sudo mkfs.ext4 -L models /dev/sda1.',
    ],
    [
      { state: 'filesystem', detail: 'xfs' },
      '[alpha] mounts./mnt/models: LABEL=models holds xfs, and not ext4. Is it the right disk? On the host: lsblk -f /dev/sda1.',
    ],
    [
      { state: 'unknown', detail: '8' },
      '[alpha] mounts./mnt/models: no one can tell what is on LABEL=models (blkid ends with 8). The disk may be failing: sudo blkid -p /dev/sda1; sudo smartctl -a /dev/sda1; journalctl -k -n 50.',
    ],
    [
      { state: 'unknown', detail: 'unreadable' },
      '[alpha] mounts./mnt/models: no one can tell what is on LABEL=models (it cannot be read). The disk may be failing: sudo blkid -p /dev/sda1; sudo smartctl -a /dev/sda1; journalctl -k -n 50.',
    ],
    [
      { state: 'empty', places: ['/mnt/models'] },
      '[alpha] mounts./mnt/models: no file system can be seen on LABEL=models, and it is mounted at /mnt/models. Find out what it is: lsblk -o NAME,SIZE,FSTYPE,LABEL,UUID,MOUNTPOINT; journalctl -k -n 50.',
    ],
    [
      { source: '/dev/sda1', places: ['/', 'swap', '/srv'] },
      '[alpha] mounts./mnt/models: /dev/sda1 is in use by the system itself: /, swap. Find the disk that is meant, and name it by LABEL=… or UUID=… in the inventory: lsblk -o NAME,SIZE,FSTYPE,LABEL,UUID,MOUNTPOINT.',
    ],
    [
      // What an earlier run made of the wrong disk.
      { places: ['/boot/efi', '/mnt/models'] },
      '[alpha] mounts./mnt/models: LABEL=models (/dev/sda1) is in use by the system itself: /boot/efi. Find the disk that is meant, and name it by LABEL=… or UUID=… in the inventory: lsblk -o NAME,SIZE,FSTYPE,LABEL,UUID,MOUNTPOINT.',
    ],
    [
      { places: ['/old', '/srv/a b'], ours: ['/old'] },
      '[alpha] mounts./mnt/models: LABEL=models (/dev/sda1) is mounted at /srv/a b. Find the disk that is meant, and name it by LABEL=… or UUID=… in the inventory: lsblk -o NAME,SIZE,FSTYPE,LABEL,UUID,MOUNTPOINT. If it is the right one, unmount it there first.',
    ],
  ])('say what a person must do: %j', (more, text) => {
    const disk: DiskFound = {
      mountPoint: '/mnt/models',
      source: 'LABEL=models',
      wanted: 'ext4',
      state: 'empty',
      detail: '',
      device: '/dev/sda1',
      places: [],
      ours: [],
      subvolume: false,
      ...more,
    };
    expect(diskProblems('alpha', [disk]).map(formatProblem)).toEqual([text]);
  });

  it.each<[string, string, readonly string[]]>([
    ['at their place', '/a', []],
    ['at their place and another', '/a\t/srv', []],
    ['where an earlier configuration had them', '/old', []],
    ['as one of several subvolumes', '/', ['noatime', 'subvol=@a']],
  ])('may be mounted %s', (_name, places, options) => {
    const record = ['/a', 'filesystem', 'ext4', '/dev/sda1', places, '/old'].join(US);
    const found = parseDisks(
      `citadel-disks/2\n${record}\nend\n`,
      [['/a', { source: '/dev/sda1', type: 'ext4', options }]],
      'host',
    );
    expect(diskProblems('alpha', found)).toEqual([]);
  });
});

describe('weights', () => {
  const json = JSON.stringify({
    dry_run: false,
    storage_unit: 'citadel-storage.service',
    models: [
      {
        ...{ model: 'phi3', unit: 'citadel-phi3.service', port: 11403, directory: 'Phi-3', how: 'restored' },
        ...{ source: 'models/daily/x', created: 1, bytes: 2, seconds: 3, skipped: [], error: '', fix: '' },
      },
    ],
  });
  const result = (stdout: string, stderr = '', exitCode = 0) => ({
    exitCode,
    stdout: Buffer.from(stdout),
    stderr,
  });

  it('are read after the words', () => {
    for (const words of ['', 'phi3: restored\n', ' citadel-weights/1 9\n']) {
      const found = weightsOf(result(`${words}citadel-weights/1 0\n${json}`), 'host');
      expect(found.storageUnit).toBe('citadel-storage.service');
      expect(found.models.map(({ model, how }) => [model, how])).toEqual([['phi3', 'restored']]);
    }
  });

  it('are also read when some could not be brought back', () => {
    expect(weightsOf(result(`citadel-weights/1 1\n${json}`), 'host').models).toHaveLength(1);
  });

  it('say when another run is at work, and what failed', () => {
    const busy = 'another run (models) holds the lock\ncitadel-weights/1 75\n';
    expect(refusal(() => weightsOf(result(busy), 'host'))).toMatch(
      /^\[host\] Another run is at work on the host: another run \(models\) holds the lock\. Wait until it has ended/i,
    );
    expect(refusal(() => weightsOf(result('no disk is mounted\ncitadel-weights/1 1\n'), 'host'))).toContain(
      'models cannot be looked at or brought back: no disk is mounted',
    );
    expect(refusal(() => weightsOf(result('', 'killed', 137), 'host'))).toContain('brought back: killed');
    expect(refusal(() => weightsOf(result(`citadel-weights/1 0\n{"models": 1}`), 'host'))).toContain(
      'status 0',
    );
  });
});
