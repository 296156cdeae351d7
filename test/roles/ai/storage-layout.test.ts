import { describe, expect, it } from 'vitest';
import { Size, UserAccount, UserGroup, type Host } from '../../../lib/constructs/index.js';
import {
  diskOf,
  mountSource,
  StorageLayout,
  type StorageLayoutProps,
} from '../../../lib/roles/ai/storage/index.js';
import { manifestOf, problemsOf } from '../../constructs/host/support.js';

const layout =
  (props: Partial<StorageLayoutProps> = {}) =>
  (host: Host): void => {
    new UserAccount(host, 'account', { name: 'me' });
    new StorageLayout(host, 'storage', { account: 'me', ...props });
  };
const disk = (mountPoint: string, device: string, size?: Size) => ({
  mountPoint,
  source: mountSource(device),
  type: 'ext4',
  ...(size === undefined ? {} : { size }),
});

describe('a storage layout', () => {
  it('is trees and one link where there is neither disk nor model', () => {
    const { directories = {}, symlinks, mounts, blocks } = manifestOf(layout());
    expect(symlinks).toEqual({ '/opt/citadel/models': { target: '/mnt/citadel-models/active' } });
    expect(mounts).toBeUndefined();
    expect(blocks).toBeUndefined();
    expect(directories['/opt/citadel/scripts']?.owner).toBe('root');
    expect(directories['/opt/citadel/logs/monitoring']?.owner).toBe('me');
    expect(Object.keys(directories).filter((path) => path.startsWith('/mnt'))).toEqual([
      '/mnt/citadel-models',
      '/mnt/citadel-models/active',
      '/mnt/citadel-models/archive',
      '/mnt/citadel-models/cache',
      '/mnt/citadel-models/downloads',
      '/mnt/citadel-models/staging',
    ]);
  });

  it('mounts disks by path, label and identifier, and lets the host boot without them', () => {
    const { mounts = {}, blocks = {} } = manifestOf(
      layout({ disks: [disk('/a', '/dev/sda1'), disk('/b', 'LABEL=b'), disk('/c', 'UUID=1-2')] }),
    );
    expect(Object.values(mounts).map(({ source }) => source)).toEqual(['/dev/sda1', 'LABEL=b', 'UUID=1-2']);
    expect(blocks['/etc/fstab']?.['/b']).toBe(
      'LABEL=b /b ext4 defaults,nofail,x-systemd.device-timeout=10s 0 2\n',
    );
  });

  it('links each model by its short name, relative, but for one that is called as its folder', () => {
    const { symlinks } = manifestOf(layout({ models: { a: { directory: 'A-1' }, b: { directory: 'b' } } }));
    expect(symlinks).toEqual({
      '/mnt/citadel-models/active/a': { target: 'A-1' },
      '/opt/citadel/models': { target: '/mnt/citadel-models/active' },
    });
  });

  it('hands all that is put below the models’ directories to the group that reads weights', () => {
    const { directories = {} } = manifestOf((host) => {
      new UserGroup(host, 'readers', { name: 'readers' });
      layout({ readers: 'readers' })(host);
    });
    const models = Object.entries(directories).filter(([path]) => path.startsWith('/mnt/citadel-models'));
    expect(models).toHaveLength(6);
    for (const [path, value] of models) {
      expect(value, path).toEqual({ owner: 'me', group: 'readers', mode: '2755' });
    }
    expect(directories['/opt/citadel/logs']).toEqual({ owner: 'me', group: 'me', mode: '0755' });
  });

  it('keeps copies of settings from others', () => {
    const { directories = {} } = manifestOf(layout({ backups: '/mnt/backup' }));
    expect(directories['/mnt/backup/system/configs']).toEqual({ owner: 'me', group: 'me', mode: '0750' });
    expect(directories['/mnt/backup/models/daily']).toEqual({ owner: 'me', group: 'me', mode: '0755' });
  });

  it('is refused where the weights, and the largest once more, do not fit', () => {
    const models = {
      big: { directory: 'B', weights: Size.gibibytes(40) },
      small: { directory: 'S', weights: Size.gibibytes(10) },
    };
    const on = (size: number) => layout({ models, disks: [disk('/mnt', '/dev/sda1', Size.gibibytes(size))] });
    expect(problemsOf(on(95))).toEqual([]);
    expect(problemsOf(on(94))).toEqual([
      '[ai-node/host/storage] disks["/mnt"].size: the weights of 2 models take 50 GiB, and bringing back the largest (big) ' +
        'takes 40 GiB more: 90 GiB of the 89.3 GiB that files may take on a disk of 94 GiB. Use a larger disk, or take a model off it.',
    ]);
  });

  it('is refused where a short name hides the folder of another model', () => {
    expect(problemsOf(layout({ models: { a: { directory: 'b' }, b: { directory: 'c' } } }))).toEqual([
      '[ai-node/host/storage] models["b"]: its short name is the folder of a. Give one of them another name.',
    ]);
  });
});

describe('the disk of a path', () => {
  it('is the innermost, and none where there is none', () => {
    const disks = [disk('/mnt', '/dev/a'), disk('/mnt/deep', '/dev/b')];
    expect(diskOf('/mnt/deep/x', disks)?.mountPoint).toBe('/mnt/deep');
    expect(diskOf('/mnt/deeper', disks)?.mountPoint).toBe('/mnt');
    expect(diskOf('/mnt', disks)?.mountPoint).toBe('/mnt');
    expect(diskOf('/srv', disks)).toBeUndefined();
  });
});
