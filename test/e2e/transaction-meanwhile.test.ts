import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../lib/manifest/index.js';
import type { HostName, LabHost } from '../lab/api.js';
import { before, withFault } from '../engine/support/faults.js';
import { describeLab } from '../lab/suite.js';
import { EngineProcess } from './engine-process.js';
import { expectOutcome, leftovers, settled } from './transaction-scenario.js';

const AT_CHECK = '/run/e2e-at-check';
const GO_ON = '/run/e2e-go-on';
/** Everything has been switched, and the checks wait until they may go on; then one fails. */
const WAITING = withFault(
  before('run_checks', `touch ${AT_CHECK}; while [ ! -e ${GO_ON} ]; do sleep 0.1; done`),
);
const SICK: Pick<HostManifest, 'checks'> = {
  checks: { sick: { kind: 'command', command: ['/bin/false'], timeoutSec: 1, wave: 0 } },
};
const HASH = '$6$salt$hash.of/a.password';
const person = { home: '/home/alice', shell: '/bin/sh', groups: [], system: false };

const build = (name: string, version: string, more = ''): string => `
  rm -rf /tmp/deb && mkdir -p /tmp/deb/DEBIAN /tmp/deb/etc /tmp/deb/var/lib/${name} /tmp/deb/usr/lib/${name} && cd /tmp/deb
  printf 'Package: ${name}\\nVersion: ${version}\\nArchitecture: all\\nMaintainer: x <x@example.org>\\nDescription: x\\n' >DEBIAN/control
  echo '${version}' >usr/lib/${name}/version && echo setting >etc/${name}.conf && echo /etc/${name}.conf >DEBIAN/conffiles
  mkdir etc/${name} && echo more >etc/${name}/more.conf && echo /etc/${name}/more.conf >>DEBIAN/conffiles
  printf '#!/bin/sh\\n[ "$1" != purge ] || rm -rf /var/lib/${name}\\n' >DEBIAN/postrm && chmod 755 DEBIAN/postrm
  ${more}
  dpkg-deb --root-owner-group --build /tmp/deb /root/${name}_${version}.deb >/dev/null && rm -rf /tmp/deb`;

const PACKAGES = `dpkg-query -W -f '\${binary:Package} \${Version} \${db:Status-Status}\\n'`;

describeLab('what was there before, and what others do meanwhile', (lab) => {
  describe.each(['dev-ops', 'ai-node'] as const)('on %s', (name: HostName) => {
    const host: LabHost = lab.host(name);
    let engine: EngineProcess;

    beforeAll(async () => {
      await host.reset();
      engine = new EngineProcess(lab);
    });
    beforeEach(async () => {
      await host.mustExec(`rm -f ${AT_CHECK} ${GO_ON}`);
    });
    afterAll(() => engine.end());

    const wanted = (more: Partial<HostManifest>): HostManifest => ({
      version: 1,
      host: name,
      ...SICK,
      ...more,
    });

    /** Applies it, does something while the check waits, and lets it fail. */
    async function fails(
      more: Partial<HostManifest>,
      meanwhile: string,
      outcome: 'rolled-back' | 'undo-failed' = 'rolled-back',
    ) {
      await engine.begin(name, wanted(more), { transactionScript: WAITING });
      await expect
        .poll(async () => (await host.exec(['test', '-e', AT_CHECK])).code, { timeout: 90_000 })
        .toBe(0);
      const did = await host.exec(meanwhile);
      await host.mustExec(`touch ${GO_ON}`);
      const result = await engine.result();
      expect(did.code, `${did.stdout}${did.stderr}`).toBe(0);
      expectOutcome(result, outcome);
      expect(result.failure).toMatchObject({ step: 'checks', item: 'checks/sick' });
      return engine.said.flatMap((said) =>
        'progress' in said && said.progress.kind === 'note' ? [said.progress.text] : [],
      );
    }

    async function expectClean(): Promise<void> {
      await settled(host);
      expect(await leftovers(host)).toBe('');
    }

    describe('homes', () => {
      const THESIS = 'ten years of work\n';
      const DISK = '/dev/sda1';
      it.runIf(name === 'ai-node')(
        'on a disk that stays mounted because it is in use is not touched (skipped on dev-ops, which has no spare disk)',
        async () => {
          await host.mustExec(`mkdir -p /data; mkfs.ext4 -q -F -L e2e-data ${DISK} && mount ${DISK} /mnt && mkdir /mnt/alice &&
          printf '${THESIS.trimEnd()}\\n' >/mnt/alice/thesis && cp -a /etc/skel/. /mnt/alice/ && umount /mnt`);
          const disk: Partial<HostManifest> = {
            mounts: { '/data': { source: DISK, type: 'ext4', options: ['defaults'], state: 'mounted' } },
            blocks: { '/etc/fstab': { '/data': `${DISK} /data ext4 defaults 0 2\n` } },
            users: { alice: { ...person, home: '/data/alice' } },
          };
          const said = await fails(
            disk,
            '(cd /data && exec setsid sleep 600 >/dev/null 2>&1 </dev/null) & echo $! >/run/e2e-user',
            'undo-failed',
          );
          expect(said.join('\n')).toMatch(/mount \/data: target is busy\. Used by sleep/);
          const look = `mountpoint -q /data || mount ${DISK} /data; cat /data/alice/thesis; ls -A /data/alice | sort | tr '\\n' ' '; ls -A /etc/skel | sort | tr '\\n' ' '`;
          expect(await host.mustExec('cat /data/alice/thesis')).toBe(THESIS);
          // As soon as no one uses the disk, the next apply ends the undo, and what useradd made below it goes.
          await host.mustExec('kill "$(cat /run/e2e-user)"; sleep 0.5');
          const next = await engine.apply(name, { version: 1, host: name });
          expectOutcome(next, 'committed', 'unchanged');
          expect((await host.exec('getent passwd alice')).code).not.toBe(0);
          expect(await host.mustExec('! mountpoint -q /data; ls -A /data 2>/dev/null; true')).toBe('');
          const seen = await host.mustExec(`mkdir -p /data; ${look}; umount /data; rmdir /data`);
          expect(seen).toContain(THESIS);
          const [left = '', skeleton = ''] = seen.slice(THESIS.length).split('thesis ');
          expect(left + skeleton).toContain('.profile');
          await expectClean();
        },
      );

      it.each([
        [
          'bound over it',
          'mkdir -p /srv/old && echo work >/srv/old/thesis && mount --bind /srv/old /home/alice',
          'cat /srv/old/thesis',
        ],
        [
          'mounted within it',
          'mkdir /home/alice/disk && mount -t tmpfs x /home/alice/disk && echo work >/home/alice/disk/thesis',
          'cat /home/alice/disk/thesis',
        ],
        [
          'bound within it',
          'mkdir -p /srv/old /home/alice/disk && echo work >/srv/old/thesis && mount --bind /srv/old /home/alice/disk',
          'cat /srv/old/thesis',
        ],
        [
          'mounted over all homes',
          'mount -t tmpfs x /home && mkdir /home/alice && echo work >/home/alice/thesis',
          'cat /home/alice/thesis',
        ],
      ])('keep what is %s by hand', async (_name, script, look) => {
        const said = await fails({ users: { alice: person } }, script);
        expect(said.join('\n')).toMatch(/home \/home\/alice stays: /);
        expect(await host.mustExec(look)).toBe('work\n');
        expect((await host.exec('getent passwd alice')).code).not.toBe(0);
        await host.mustExec(
          'umount /home/alice/disk /home/alice /home 2>/dev/null; rm -rf /home/alice /srv/old',
        );
        await expectClean();
      });

      it('of a skeleton with folders, and of an account in use, go', async () => {
        await host.mustExec(
          `mkdir -p '/etc/skel/a folder/in it' && echo x >'/etc/skel/a folder/in it/fi le' && ln -s nowhere /etc/skel/link`,
        );
        const use =
          'test -e "/home/alice/a folder/in it/fi le" && (setsid runuser -u alice -- sleep 600 >/dev/null 2>&1 </dev/null &) ; sleep 0.5';
        const inUse = await fails(
          { users: { alice: person } },
          `${use}; (sleep 4; pkill -u alice) >/dev/null 2>&1 </dev/null &`,
        );
        expect(inUse).toEqual([]);
        expect((await host.exec('ls -d /home/alice')).code).not.toBe(0);
        expect((await host.exec('getent passwd alice; getent group alice')).stdout).toBe('');
        await host.mustExec("rm -rf '/etc/skel/a folder' /etc/skel/link");
        await expectClean();
      });
    });

    describe('packages', () => {
      it('keep the data of a tarball installation', async () => {
        await host.mustExec(`mkdir -p /var/lib/prometheus/metrics2 /var/lib/prometheus/alertmanager &&
          echo chunk >/var/lib/prometheus/metrics2/chunk && echo silence >/var/lib/prometheus/alertmanager/silences &&
          mkdir -p /etc/prometheus && echo '# ours' >/etc/prometheus/prometheus.yml && mkdir -m 711 -p /var/lib/node-exporter-empty`);
        const was = await host.mustExec(
          `cat /etc/prometheus/prometheus.yml; cat /var/lib/prometheus/metrics2/chunk /var/lib/prometheus/alertmanager/silences`,
        );
        const list = await host.mustExec(PACKAGES);
        await fails(
          { packages: { prometheus: {}, 'prometheus-alertmanager': {} } },
          'dpkg-query -W prometheus',
        );
        expect(
          await host.mustExec(
            'cat /etc/prometheus/prometheus.yml; cat /var/lib/prometheus/metrics2/chunk /var/lib/prometheus/alertmanager/silences',
          ),
        ).toBe(was);
        expect(await host.mustExec(PACKAGES)).toBe(list);
        expect(
          await host.mustExec(
            'find /etc/default /etc/init.d /etc/logrotate.d /etc/prometheus | grep -i prometheus',
          ),
        ).toBe('/etc/prometheus\n/etc/prometheus/prometheus.yml\n');
        await host.mustExec('rm -rf /var/lib/prometheus /etc/prometheus');
        await expectClean();
      });

      it('leave files and directories that no package owned, and come again complete', async () => {
        await host.mustExec(build('e2e-kept', '1.0'));
        await host.mustExec(`mkdir -m 2750 /var/lib/e2e-kept && chgrp adm /var/lib/e2e-kept && mkdir -p /usr/lib/e2e-kept && echo by hand >/usr/lib/e2e-kept/version &&
          echo mine >/etc/e2e-kept.conf`);
        const look =
          'stat -c "%a %U:%G %n" /var/lib/e2e-kept /usr/lib/e2e-kept; cat /usr/lib/e2e-kept/version /etc/e2e-kept.conf; ls -d /etc/e2e-kept 2>&1';
        const was = (await host.exec(look)).stdout;
        const list = await host.mustExec(PACKAGES);
        const packages = { 'e2e-kept': { source: '/root/e2e-kept_1.0.deb' } };
        const said = await fails({ packages }, 'test "$(cat /usr/lib/e2e-kept/version)" = 1.0');
        expect(said).toEqual([]);
        expect((await host.exec(look)).stdout).toBe(was);
        expect(await host.mustExec(PACKAGES)).toBe(list);
        await expectClean();
        expectOutcome(await engine.apply(name, { version: 1, host: name, packages }), 'committed');
        expect(
          await host.mustExec('cat /etc/e2e-kept.conf /etc/e2e-kept/more.conf /usr/lib/e2e-kept/version'),
        ).toBe('mine\nmore\n1.0\n');
        // What leaves the configuration is removed, whatever the host's own apt says.
        await host.mustExec(
          `echo data >/var/lib/e2e-kept/data; printf 'APT::Get::Purge "true";\\nAPT::Get::AutomaticRemove "true";\\n' >/etc/apt/apt.conf.d/99e2e`,
        );
        expectOutcome(await engine.apply(name, { version: 1, host: name }), 'committed');
        expect(
          await host.mustExec(
            `cat /var/lib/e2e-kept/data; dpkg-query -W -f '\${db:Status-Status}\\n' e2e-kept`,
          ),
        ).toBe('data\nconfig-files\n');
        await host.mustExec('rm /etc/apt/apt.conf.d/99e2e; dpkg --purge e2e-kept; rm -rf /var/lib/e2e-kept');
      });

      it('of others stay, and so does what was upgraded or removed meanwhile, or is needed by now', async () => {
        await host.mustExec(build('e2e-one', '1.0'));
        await host.mustExec(build('e2e-one', '2.0'));
        await host.mustExec(build('e2e-two', '1.0'));
        await host.mustExec(build('e2e-three', '1.0'));
        await host.mustExec(build('e2e-theirs', '1.0', `echo 'Depends: e2e-three' >>DEBIAN/control`));
        await host.mustExec(
          'apt-get update -q; dpkg --purge psmisc; dpkg --purge --force-depends jq libjq1 libonig5; true',
        );
        const of = (each: string): Record<string, { source: string }> => ({
          [each]: { source: `/root/${each}_1.0.deb` },
        });
        const said = await fails(
          { packages: { ...of('e2e-one'), ...of('e2e-two'), ...of('e2e-three'), cron: {} } },
          `export DEBIAN_FRONTEND=noninteractive; apt-get install -y -q psmisc jq && dpkg -i /root/e2e-one_2.0.deb && dpkg --remove e2e-two && dpkg -i /root/e2e-theirs_1.0.deb`,
        );
        const versions = await host.mustExec(
          `${PACKAGES} e2e-one e2e-three e2e-theirs psmisc jq | cut -d ' ' -f 1,3; dpkg-query -W -f '\${Version}\\n' e2e-one`,
        );
        expect(versions.split('\n').sort().join(' ').trim()).toBe(
          '2.0 e2e-one installed e2e-theirs installed e2e-three installed jq installed psmisc installed',
        );
        expect((await host.exec(`${PACKAGES} e2e-two`)).stdout).not.toContain('e2e-two 1.0 installed');
        expect(said).toContain('package e2e-one was changed meanwhile and stays as it is now (2.0)');
        expect(said).toContain('package e2e-three stays, because what was installed meanwhile needs it');
        expect(
          said.find((text) =>
            text.startsWith('packages that others changed meanwhile stay as they are now:'),
          ),
        ).toMatch(/ e2e-theirs .*jq .*psmisc/);
        await host.mustExec('dpkg --purge e2e-theirs e2e-three e2e-one');
        await expectClean();
      });

      it('wait for another that works with dpkg', async () => {
        await host.mustExec(build('e2e-wait', '1.0'));
        const list = await host.mustExec(PACKAGES);
        const hold = `python3 -c 'import fcntl,time
f=open("/var/lib/dpkg/lock-frontend","w"); fcntl.lockf(f,fcntl.LOCK_EX); open("/run/e2e-held","w"); time.sleep(8)' >/dev/null 2>&1 </dev/null &
          while [ ! -e /run/e2e-held ]; do sleep 0.1; done`;
        expect(await fails({ packages: { 'e2e-wait': { source: '/root/e2e-wait_1.0.deb' } } }, hold)).toEqual(
          [],
        );
        expect(await host.mustExec(PACKAGES)).toBe(list);
        await expectClean();
      });
    });

    describe('accounts', () => {
      it('of others stay locked, and stay', async () => {
        await host.mustExec(`getent passwd eve || useradd -m eve; printf 'eve:${HASH}\\n' | chpasswd -e`);
        await fails(
          { users: { alice: person }, groups: { fresh: { system: false } } },
          `usermod -L -e 1 eve && useradd -m newhire && printf 'newhire:${HASH}\\n' | chpasswd -e && usermod -aG adm newhire`,
        );
        expect(
          await host.mustExec(
            "grep -e '^eve:' -e '^newhire:' /etc/shadow | cut -d : -f 1,2,8; id -nG newhire; stat -c %U /home/newhire",
          ),
        ).toBe(`eve:!${HASH}:1\nnewhire:${HASH}:\nnewhire adm\nnewhire\n`);
        expect(
          (await host.exec('getent passwd alice; getent group alice fresh; ls -d /home/alice')).stdout,
        ).toBe('');
        await host.mustExec('userdel -r newhire 2>/dev/null; userdel -r eve 2>/dev/null; true');
        await expectClean();
      });

      it('that were deleted come back whole', async () => {
        const first: HostManifest = {
          version: 1,
          host: name,
          users: { bob: { ...person, home: '/home/bob', groups: ['adm', 'crew'] } },
          groups: { crew: { system: false } },
        };
        expectOutcome(await engine.apply(name, first), 'committed');
        await host.mustExec(`printf 'bob:${HASH}\\n' | chpasswd -e; usermod -L -c 'Bob B.,Room 1' bob; chage -d 19001 -m 1 -M 365 -W 14 -I 30 -E 30000 bob
          printf 'crew:${HASH}\\n' | chgpasswd -e; gpasswd -A bob crew; usermod --add-subuids 700000-700999 bob; echo work >/home/bob/work`);
        const look =
          'cd /etc && for f in passwd shadow group gshadow subuid subgid; do grep -e bob -e crew $f | sort; done; cat /home/bob/work; stat -c "%U:%G %a" /home/bob';
        const was = await host.mustExec(look);
        await fails({}, 'true');
        expect(await host.mustExec(look)).toBe(was);
        // The hash is in no log and in no place of ours.
        expect(await host.mustExec(`grep -rlF '${HASH}' /var/lib/citadel-iac || true`)).toBe('');
        expectOutcome(await engine.apply(name, { version: 1, host: name }), 'committed');
        expect(await host.mustExec(`grep -rlF '${HASH}' /var/lib/citadel-iac || true`)).toBe('');
        await host.mustExec('rm -rf /home/bob');
        await expectClean();
      });
    });
  });
});
