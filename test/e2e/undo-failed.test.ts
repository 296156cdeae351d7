import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { HostManifest } from '../../lib/manifest/index.js';
import { before, withFault } from '../engine/support/faults.js';
import { describeLab } from '../lab/suite.js';
import { EngineProcess } from './engine-process.js';
import { Workbench, type CliRun } from './harness.js';
import { expectOutcome, leftovers, settled } from './transaction-scenario.js';

/** One path that cannot be written blocks nothing: on a real host, through the command line. */
describeLab('a path that cannot be replaced', (lab) => {
  const name = 'dev-ops';
  const host = lab.host(name);
  let bench: Workbench;

  const own = { owner: 'root', group: 'root', mode: '0644' } as const;
  const doc = (files: Readonly<Record<string, string>>): HostManifest => ({
    version: 1,
    host: name,
    files: Object.fromEntries(Object.entries(files).map(([path, content]) => [path, { content, ...own }])),
  });
  const apply = async (manifest: HostManifest): Promise<CliRun> =>
    bench.cli(['apply', '--yes', '--manifest', await bench.writeManifest(manifest)]);
  const L0 = doc({ '/etc/unrelated': 'unrelated\n' });
  const R1 = doc({ '/etc/resolv.conf': 'nameserver 192.168.10.1\n' });

  beforeAll(async () => {
    bench = await Workbench.open(lab);
    await host.reset();
  });
  afterAll(async () => {
    await bench.close();
  });

  async function expectRefused(manifest: HostManifest, ...words: readonly string[]): Promise<void> {
    const refused = await apply(manifest);
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining('refused') as string]);
    for (const word of words) expect(refused.stdout).toContain(word);
    await settled(host);
    expect(await leftovers(host)).toBe('');
    expect(await host.mustExec('find / -xdev -name ".citadel-iac.*" 2>/dev/null; true')).toBe('');
    // It blocks nothing that does not name it.
    expect((await apply(L0)).code).toBe(0);
  }

  it('because it is immutable is refused by name', async () => {
    await host.mustExec(
      'umount /etc/resolv.conf 2>/dev/null; rm -f /etc/resolv.conf; echo "# by hand" >/etc/resolv.conf; chattr +i /etc/resolv.conf',
    );
    try {
      await expectRefused(R1, '/etc/resolv.conf is immutable', 'chattr -i /etc/resolv.conf');
      expect(await host.mustExec('cat /etc/resolv.conf')).toBe('# by hand\n');
    } finally {
      await host.mustExec('chattr -i /etc/resolv.conf');
    }
    expect((await apply(R1)).code).toBe(0);
  });

  it('because something is mounted on it, or in it, is refused by name', async () => {
    await host.mustExec(
      'mkdir -p /srv/d/sub && echo x >/srv/f && echo y >/srv/g && mount --bind /srv/g /srv/f',
    );
    try {
      await expectRefused(doc({ '/srv/f': 'new\n' }), '/srv/f is a mount point');
      await host.mustExec('mount --bind /etc /srv/d/sub');
      await expectRefused(doc({ '/srv/d': 'new\n' }), '/srv/d/sub', 'umount');
      expect(await host.mustExec('test -e /srv/d/sub/passwd && echo there')).toBe('there\n');
    } finally {
      await host.mustExec('umount /srv/f; umount /srv/d/sub; rm -r /srv/d /srv/f /srv/g');
    }
  });

  it('because it is the kernel’s is refused by name, and a corrected document helps', async () => {
    const direct = await apply(doc({ '/proc/sys/vm/swappiness': '10\n' }));
    expect([direct.code, direct.stderr]).toEqual([1, expect.stringContaining('/etc/sysctl.d') as string]);
    await host.mustExec('ln -s /proc/sys/vm /srv/vm && ln -s /sys/kernel /srv/kernel');
    await expectRefused(doc({ '/srv/vm/swappiness': '10\n' }), '/srv/vm/swappiness', '/etc/sysctl.d');
    await expectRefused(doc({ '/srv/kernel/made-up': '1\n' }), '/srv/kernel/made-up', 'by the kernel');
    await host.mustExec('rm /srv/vm /srv/kernel');
  });

  it('because its disk went read-only is refused by name', async () => {
    await host.mustExec('mkdir -p /srv/ro && mount -t tmpfs tmpfs /srv/ro');
    const on = (text: string): HostManifest => doc({ '/etc/unrelated': 'unrelated\n', '/srv/ro/f': text });
    expect((await apply(on('old\n'))).code).toBe(0);
    await host.mustExec('mount -o remount,ro /srv/ro');
    try {
      const refused = await apply(on('new\n'));
      expect(refused.code).toBe(1);
      expect(refused.stdout).toContain('is on a file system that is mounted read-only');
      expect(refused.stdout).toContain('mount -o remount,rw /srv/ro');
      expect((await apply({ ...on('old\n'), symlinks: { '/etc/other': { target: 'x' } } })).code).toBe(0);
    } finally {
      await host.mustExec('mount -o remount,rw /srv/ro && umount /srv/ro && rmdir /srv/ro');
    }
    expect((await apply(L0)).code).toBe(0);
  });
});

describeLab('a host that could not undo everything', (lab) => {
  const name = 'dev-ops';
  const host = lab.host(name);
  let engine: EngineProcess;
  let bench: Workbench;

  const own = { owner: 'root', group: 'root', mode: '0644' } as const;
  const version = (text: string): HostManifest => ({
    version: 1,
    host: name,
    files: Object.fromEntries(
      ['a', 'b', 'c'].map((letter) => [`/etc/exp-${letter}`, { content: `${text}\n`, ...own }]),
    ),
  });
  const contents = (): Promise<string> => host.mustExec('cat /etc/exp-a /etc/exp-b /etc/exp-c');

  beforeAll(() => {
    engine = new EngineProcess(lab);
  });
  afterAll(async () => {
    await engine.end();
    await bench.close();
  });
  beforeEach(async () => {
    await host.reset();
    bench = await Workbench.open(lab);
    expectOutcome(await engine.apply(name, version('old')), 'committed');
    const transactionScript = withFault(
      before('run_checks', 'chattr +i /etc/exp-b; echo planted >"$DIR/words"; return 1'),
    );
    const waves: HostManifest = {
      ...version('new'),
      checks: { sick: { kind: 'command', command: ['/bin/false'], timeoutSec: 1, wave: 0 } },
    };
    const result = await engine.apply(name, waves, { transactionScript });
    expect(result).toMatchObject({
      outcome: 'undo-failed',
      notes: [
        'could not be undone: /etc/exp-b: Operation not permitted (/etc/exp-b is immutable. To let it be changed: chattr -i /etc/exp-b)',
      ],
    });
    expect(await contents()).toBe('old\nnew\nold\n');
  });

  const done = `useradd carol; groupadd handmade; echo 'by hand' >/etc/exp-a
    systemctl mask e2scrub_all.timer 2>/dev/null || systemctl mask made-up.service`;
  async function expectAllStays(): Promise<void> {
    expect(await host.mustExec('id -un carol; getent group handmade | cut -d: -f1; cat /etc/exp-a')).toBe(
      'carol\nhandmade\nby hand\n',
    );
    expect(await host.mustExec('find /etc/systemd/system -lname /dev/null | wc -l')).not.toBe('0\n');
  }

  it('keeps at its next boots what was done since, and puts back what is left when it can', async () => {
    await host.mustExec(done);
    await host.reboot();
    await expectAllStays();
    expect(await contents()).toBe('by hand\nnew\nold\n');
    await host.mustExec('chattr -i /etc/exp-b');
    await host.reboot();
    await settled(host);
    await expectAllStays();
    expect(await contents()).toBe('by hand\nold\nold\n');
    expect(await leftovers(host)).toBe('');
  });

  it('says so to every later apply, and can be managed again once that is settled', async () => {
    await host.mustExec(done);
    const unrelated: HostManifest = { ...version('old'), symlinks: { '/etc/exp-link': { target: 'a' } } };
    const later = await bench.cli(['apply', '--yes', '--manifest', await bench.writeManifest(unrelated)]);
    expect([later.code, later.stdout]).toEqual([
      4,
      expect.stringContaining('  /etc/exp-b: Operation not permitted') as string,
    ]);
    const shown = await bench.cli(['resolve', name]);
    expect([shown.code, shown.stdout]).toEqual([4, expect.stringContaining('/etc/exp-b') as string]);
    const accepted = await bench.cli(['resolve', name, '--accept', '--yes']);
    expect(accepted.code).toBe(0);
    const kept = /kept in (\S+)/.exec(accepted.stdout)?.[1] ?? '';
    expect(await host.mustExec(`cat ${kept}/etc/exp-b`)).toBe('old\n');
    await expectAllStays();
    expect(await leftovers(host)).toBe('');
    await host.mustExec('chattr -i /etc/exp-b');
    expectOutcome(await engine.apply(name, unrelated), 'committed');
    expect(await contents()).toBe('old\nold\nold\n');
  });
});
