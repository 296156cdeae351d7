import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostManifest, ManifestMount } from '../../lib/manifest/index.js';
import { renderFstabLine } from '../../lib/render/index.js';
import type { HostName } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { Workbench, type CliRun } from './harness.js';

type Mounts = Readonly<Record<string, Partial<ManifestMount>>>;
const SICK: Pick<HostManifest, 'checks'> = {
  checks: { sick: { kind: 'command', command: ['/bin/false'], timeoutSec: 1, wave: 0 } },
};
const OLD = '/srv/Big Volume';

/** That an apply which says "done" has made the document true: mounts, the host name, units, and what checks did meanwhile. */
describeLab('what is true after an apply', (lab) => {
  describe.each(['dev-ops', 'ai-node'] as const)('on %s', (name: HostName) => {
    const host = lab.host(name);
    let bench: Workbench;

    beforeAll(async () => {
      bench = await Workbench.open(lab);
      await host.reset();
      await host.mustExec(
        `mkdir -p '${OLD}' /srv/new /srv/memory && echo old >'${OLD}/mark' && echo new >/srv/new/mark`,
      );
    }, 300_000);
    afterAll(() => bench.close());

    function wanted(mounts: Mounts, more: Partial<HostManifest> = {}): HostManifest {
      const whole: Record<string, ManifestMount> = Object.fromEntries(
        Object.entries(mounts).map(([point, mount]) => [
          point,
          { source: 'tmpfs', type: 'tmpfs', options: ['defaults'], state: 'mounted', ...mount },
        ]),
      );
      const lines = Object.fromEntries(
        Object.entries(whole).map(([mountPoint, mount]) => [
          mountPoint,
          renderFstabLine({ ...mount, mountPoint }),
        ]),
      );
      return {
        version: 1,
        host: name,
        ...(Object.keys(mounts).length === 0 ? {} : { mounts: whole, blocks: { '/etc/fstab': lines } }),
        ...more,
      };
    }
    async function apply(manifest: HostManifest): Promise<CliRun & { readonly said: string }> {
      const run = await bench.cli(['apply', '--yes', '--manifest', await bench.writeManifest(manifest)]);
      return { ...run, said: run.stdout + run.stderr };
    }
    async function done(manifest: HostManifest): Promise<string> {
      const { code, said } = await apply(manifest);
      expect([code, code === 0 ? '' : said]).toEqual([0, '']);
      expect((await bench.diff(manifest)).changes).toEqual([]);
      return said;
    }
    const options = async (point: string): Promise<string> =>
      (await host.mustExec(['findmnt', '-n', '-o', 'OPTIONS', '--mountpoint', point])).trim();
    const bind = (source: string): Mounts => ({ '/mnt/exp': { source, type: 'none', options: ['bind'] } });

    it('a mount in use is not taken for one of another source, and who uses it is named', async () => {
      await done(wanted(bind(OLD)));
      expect(await host.mustExec('cat /mnt/exp/mark')).toBe('old\n');
      await host.mustExec(
        '(cd /mnt/exp && exec setsid sleep 900 >/dev/null 2>&1 </dev/null) & echo $! >/run/user-of-it',
      );
      const pid = (await host.mustExec('cat /run/user-of-it')).trim();
      const busy = await apply(wanted(bind('/srv/new')));
      expect([busy.code, busy.said]).toEqual([
        3,
        expect.stringContaining(`sleep (${pid}): its working directory`),
      ]);
      expect(await host.mustExec('cat /mnt/exp/mark; grep -c "/srv/new" /etc/fstab || true')).toBe(
        'old\n0\n',
      );
      const leaving = await apply(wanted({}));
      expect([leaving.code, leaving.said]).toEqual([3, expect.stringContaining(`sleep (${pid})`)]);
      await host.mustExec(`kill ${pid}; sleep 0.3`);
      await done(wanted(bind('/srv/new')));
      expect(await host.mustExec('cat /mnt/exp/mark')).toBe('new\n');
      await done(wanted({}));
    });

    it('other options are live at once, and what is in memory stays', async () => {
      const memory = (...list: string[]): HostManifest => wanted({ '/srv/memory': { options: list } });
      await done(memory('size=1m', 'noexec'));
      await host.mustExec('echo kept >/srv/memory/file');
      await done(memory('size=2m', 'nosuid'));
      expect(await options('/srv/memory')).toMatch(/^(?!.*noexec).*nosuid.*size=2048k/);
      expect(await host.mustExec('cat /srv/memory/file')).toBe('kept\n');
      const said = await done(memory('size=2m', 'nosuid', 'mode=0711'));
      expect(said).toContain('does not show mode=0711 after a remount: that takes effect at the next mount');
      // It leaves, and the apply fails after that.
      expect((await apply(wanted({}, SICK))).code).toBe(3);
      expect(
        await host.mustExec('cat /srv/memory/file; ls -d /run/citadel-iac-held* 2>/dev/null || true'),
      ).toBe('kept\n');
      expect(await options('/srv/memory')).toContain('nosuid');
      await done(wanted({}));
      expect(await host.mustExec('ls -d /run/citadel-iac-held* 2>/dev/null || true')).toBe('');
    });

    it('options of /proc are live, or the result says when', async () => {
      const said = await done(
        wanted({ '/proc': { source: 'proc', type: 'proc', options: ['defaults', 'hidepid=2'] } }),
      );
      if (!/hidepid=(2|invisible)/.test(await options('/proc')))
        expect(said).toContain('hidepid=2 after a remount: that takes effect at the next mount');
      await host.mustExec('mount -o remount,hidepid=0 /proc');
      await done(wanted({}));
    });

    it('a home that a link leads to is made on the disk that comes with it', async () => {
      await host.mustExec('mkdir -p /srv/disk/people && ln -sfn /mnt/exp/people /people');
      await done(
        wanted(bind('/srv/disk'), {
          users: { e2ezoe: { home: '/people/zoe', shell: '/bin/sh', groups: [], system: false } },
        }),
      );
      expect(await host.mustExec('stat -c %U /srv/disk/people/zoe')).toBe('e2ezoe\n');
      await done(wanted({}));
      await host.mustExec('rm /people && rm -r /srv/disk');
    });

    it.runIf(name === 'ai-node').each([
      ['that a link leads to', '/theirs'],
      ['below the mount point of', '/mnt/exp/conf'],
    ])(
      'files %s a disk are put there once it is mounted, and go before it is unmounted (skipped on dev-ops: one Debian is enough)',
      async (_how, at) => {
        await host.mustExec(
          'mkdir -p /srv/disk/conf && echo old >/srv/disk/conf/there && ln -sfn /mnt/exp/conf /theirs',
        );
        const root = { owner: 'root', group: 'root', mode: '0644' };
        const document = wanted(bind('/srv/disk'), {
          directories: { [`${at}/deep`]: { ...root, mode: '0750' } },
          files: {
            [`${at}/there`]: { content: 'new\n', ...root },
            [`${at}/deep/conf`]: { content: 'deep\n', ...root },
          },
        });
        const look = async (): Promise<string> =>
          host.mustExec(
            'cd /srv/disk/conf && grep -r . | sort; mountpoint -q /mnt/exp || ls -A /mnt/exp 2>/dev/null; true',
          );
        const undone = async (manifest: HostManifest): Promise<void> => {
          const failed = await apply({ ...manifest, ...SICK });
          expect([failed.code, failed.said]).toEqual([3, expect.stringContaining('sick') as string]);
        };
        await undone(document);
        expect(await look()).toBe('there:old\n');
        await done(document);
        expect(await look()).toBe('deep/conf:deep\nthere:new\n');
        await host.mustExec('umount /mnt/exp');
        expect(await look()).toBe('deep/conf:deep\nthere:new\n');
        await host.mustExec('mount /mnt/exp');

        await undone(wanted({}));
        expect(await look()).toBe('deep/conf:deep\nthere:new\n');
        expect((await bench.diff(document)).changes).toEqual([]);
        await done(wanted({}));
        expect(await look()).toBe('there:old\n');
        const generation = await host.mustExec('basename "$(readlink /var/lib/citadel-iac/current)"');
        await host.mustExec(
          `sh /var/lib/citadel-iac/current/bin/back.sh - to ${String(Number(generation) - 1)} --yes`,
        );
        expect(await look()).toBe('deep/conf:deep\nthere:new\n');
        expect((await bench.diff(document)).changes).toEqual([]);
        await done(wanted({}));
        await host.mustExec('rm /theirs && rm -r /srv/disk');
      },
    );

    it('a line of a person for the same place is a refusal', async () => {
      await host.mustExec(
        'cp /etc/fstab /root/fstab && echo "tmpfs /srv/memory/ tmpfs ro,noauto 0 0" >>/etc/fstab',
      );
      const refused = await apply(wanted({ '/srv/memory': {} }));
      await host.mustExec('cp /root/fstab /etc/fstab');
      expect(refused.code).toBe(1);
      expect(refused.said).toMatch(
        /\/etc\/fstab:\d+ of the host mounts tmpfs there already[\s\S]*Take that line out/,
      );
    });

    it('what a check mounted over it is not taken down by the undo', async () => {
      const script = 'grep -q "^foreign" /proc/mounts || mount -t tmpfs foreign /srv/memory; exit 1';
      const failed = await apply(
        wanted(
          { '/srv/memory': {} },
          {
            checks: { over: { kind: 'command', command: ['/bin/sh', '-c', script], timeoutSec: 1, wave: 0 } },
          },
        ),
      );
      expect([failed.code, failed.said]).toEqual([4, expect.stringContaining('not of this transaction')]);
      expect(await host.mustExec('findmnt -n -o SOURCE /srv/memory | tail -n 1')).toBe('foreign\n');
      await host.mustExec('umount /srv/memory');
      await done(wanted({}));
      expect((await host.exec('mountpoint -q /srv/memory')).code).not.toBe(0);
    });

    it('a file, a unit or a mount that a check spoils fails the apply, with what is there', async () => {
      const check = (script: string): Pick<HostManifest, 'checks'> => ({
        checks: { spoils: { kind: 'command', command: ['/bin/sh', '-c', script], timeoutSec: 20, wave: 0 } },
      });
      const files = { '/etc/spoilt': { content: 'x\n', owner: 'root', group: 'root', mode: '0644' } };
      const file = await apply(wanted({}, { files, ...check('echo y >/etc/spoilt') }));
      expect([file.code, file.said]).toEqual([
        3,
        expect.stringContaining('/etc/spoilt: expected the content of the document'),
      ]);
      const units: HostManifest['units'] = {
        'cron.service': { enabled: true, state: 'running', restartOn: [], reloadOn: [], wave: 0 },
      };
      const unit = await apply(wanted({}, { units, ...check('systemctl stop cron.service') }));
      expect([unit.code, unit.said]).toEqual([
        3,
        expect.stringContaining('cron.service: expected running, found inactive'),
      ]);
      await host.mustExec('systemctl start cron.service');
      const mount = await apply(wanted({ '/srv/memory': {} }, check('umount /srv/memory')));
      expect([mount.code, mount.said]).toEqual([
        3,
        expect.stringContaining('expected tmpfs mounted, found nothing mounted'),
      ]);
    });

    it('the running host name is that of the file, and goes back with it', async () => {
      const before = await host.mustExec('cat /proc/sys/kernel/hostname');
      const named = (more: Partial<HostManifest> = {}): HostManifest =>
        wanted(
          {},
          {
            files: {
              '/etc/hostname': { content: '# ours\nrenamed\n', owner: 'root', group: 'root', mode: '0644' },
            },
            ...more,
          },
        );
      const failed = await apply(named(SICK));
      expect([failed.code, await host.mustExec('cat /proc/sys/kernel/hostname')]).toEqual([3, before]);
      expect(await done(named())).toContain('the running host name is renamed now');
      expect(await host.mustExec('cat /proc/sys/kernel/hostname')).toBe('renamed\n');
      await done(wanted({}));
      expect(await host.mustExec('cat /proc/sys/kernel/hostname')).toBe(before);
    });
  });
});
