import { afterAll, beforeAll, expect, it } from 'vitest';
import type { HostManifest } from '../../lib/manifest/index.js';
import type { HostName, Lab } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { EngineProcess } from './engine-process.js';
import { refusedPackages } from './refused-packages.js';
import { expectOutcome, leftovers, settled } from './transaction-scenario.js';

/** Data of the package lie on a disk of their own, and what is mounted by the same apply that brings it. */
const [DISK, DATA] = ['/srv/e2edisk', '/srv/e2edata/package'];
const DEB = '/root/e2e-package.deb';
/** A package with a service that its scripts start and stop, as Debian's own do; slow while /run/e2e-slow exists. */
const BUILD = `
  rm -rf /tmp/deb && mkdir -p /tmp/deb/DEBIAN /tmp/deb/usr/lib/systemd/system /tmp/deb/etc /tmp/deb${DATA}/own && cd /tmp/deb
  printf 'Package: e2e-package\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: x <x@example.org>\\nDescription: x\\n' >DEBIAN/control
  printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >usr/lib/systemd/system/e2e-package.service
  rm -rf ${DISK} && mkdir -p ${DISK}/lost+found && echo data >.${DATA}/own/file
  echo setting >etc/e2e-package.conf && echo /etc/e2e-package.conf >DEBIAN/conffiles
  printf '#!/bin/sh\\nset -e\\ntouch /run/e2e-in-postinst\\nwhile [ -e /run/e2e-slow ]; do sleep 0.1; done\\nif [ -e /run/e2e-brings ]; then getent passwd e2e-svc || useradd --system e2e-svc; getent group e2e-dock || groupadd --system e2e-dock; systemctl enable e2e-package.service; fi\\necho made >${DATA}/made\\nsystemctl daemon-reload || true\\nsystemctl start e2e-package.service\\n' >DEBIAN/postinst
  printf '#!/bin/sh\\nset -e\\nsystemctl stop e2e-package.service\\nrm -f ${DATA}/made\\n' >DEBIAN/prerm
  chmod 755 DEBIAN/postinst DEBIAN/prerm && chmod 644 usr/lib/systemd/system/e2e-package.service
  dpkg-deb --root-owner-group --build /tmp/deb ${DEB} >/dev/null && rm -rf /tmp/deb`;

function manifest(host: HostName, more: Partial<HostManifest> = {}): HostManifest {
  return {
    version: 1,
    host,
    packages: { 'e2e-package': { source: DEB } },
    directories: { [DATA]: { owner: 'e2euser', group: 'adm', mode: '0751' } },
    blocks: { '/etc/fstab': { [DATA]: `${DISK} ${DATA} none bind 0 0\n` } },
    mounts: { [DATA]: { source: DISK, type: 'none', options: ['bind'], state: 'mounted' } },
    groups: { e2egroup: { system: false, gid: 7001 } },
    users: {
      e2euser: { home: '/home/e2euser', shell: '/bin/sh', groups: ['adm'], system: false, uid: 7001 },
    },
    files: { '/home/e2euser/note': { content: 'x\n', owner: 'e2euser', group: 'e2euser', mode: '0600' } },
    ...more,
  };
}

const FACTS = `
  dpkg-query -W -f '\${binary:Package} \${Version} \${db:Status-Status}\\n'
  sha256sum /etc/passwd /etc/group /etc/shadow /etc/gshadow /etc/subuid /etc/subgid
  ls -d /home/e2euser /etc/e2e-package.conf 2>&1
  ls /var/lib/dpkg/updates
  find ${DISK} /srv/e2edata -printf '%p %u %m\\n' 2>/dev/null
  systemctl is-active e2e-package.service
  systemctl is-system-running`;

function packages(lab: Lab, name: HostName): void {
  const host = lab.host(name);
  let engine: EngineProcess;
  let before: string;
  const facts = async (): Promise<string> => (await host.exec(FACTS)).stdout;

  beforeAll(async () => {
    await host.reset();
    await host.mustExec(BUILD);
    engine = new EngineProcess(lab);
    before = await facts();
  });
  afterAll(() => engine.end());

  it(`${name}: a failed check takes packages and accounts back`, async () => {
    const result = await engine.apply(
      name,
      manifest(name, {
        checks: { sick: { kind: 'command', command: ['/bin/false'], timeoutSec: 1, wave: 0 } },
      }),
    );
    expectOutcome(result, 'rolled-back');
    await settled(host);
    expect(await facts()).toBe(before);
    expect(await leftovers(host)).toBe('');
  });

  it(`${name}: a host that dies inside a package’s script boots, and has neither package nor accounts`, async () => {
    await host.mustExec('rm -f /run/e2e-in-postinst; touch /run/e2e-slow');
    await engine.begin(name, manifest(name));
    await expect
      .poll(async () => (await host.exec(['test', '-e', '/run/e2e-in-postinst'])).code, { timeout: 60_000 })
      .toBe(0);
    await host.crash();
    expectOutcome(await engine.result(), 'rolled-back');
    await settled(host);
    expect(await facts()).toBe(before);
    expect(await leftovers(host)).toBe('');
  });

  it(`${name}: a service that its package starts reads the files of the configuration`, async () => {
    const unit = {
      'e2e-package.service': {
        enabled: true,
        state: 'running' as const,
        restartOn: [],
        reloadOn: [],
        wave: 0,
      },
    };
    const conf = { content: 'ours\n', owner: 'root', group: 'root', mode: '0644' };
    const result = await engine.apply(
      name,
      manifest(name, { units: unit, files: { '/etc/e2e-package.conf': conf } }),
    );
    expectOutcome(result, 'committed');
    const times = await host.mustExec(
      `stat -c %Y /etc/e2e-package.conf
       date -d "$(systemctl show -p ExecMainStartTimestamp --value e2e-package.service)" +%s`,
    );
    const [changed, started] = times.trim().split('\n').map(Number);
    expect(await host.mustExec('cat /etc/e2e-package.conf')).toBe('ours\n');
    expect(started).toBeGreaterThanOrEqual(changed ?? Infinity);
    await host.reset();
    await host.mustExec(BUILD);
  });

  it(`${name}: what a package brings and what the document says of it agree after one apply`, async () => {
    await host.mustExec('touch /run/e2e-brings');
    const wanted = manifest(name, {
      groups: {},
      users: {
        'e2e-svc': { home: '/nonexistent', shell: '/usr/sbin/nologin', groups: [], system: true, uid: 7002 },
        e2edisk: { home: '/home/e2edisk', shell: '/bin/sh', groups: [], system: false },
        e2euser: {
          home: '/srv/e2edata/e2euser',
          shell: '/bin/sh',
          groups: ['e2e-dock'],
          system: false,
          authorizedKeys: ['ssh-ed25519 AAAA'],
        },
      },
      assumedAccounts: { groups: ['e2e-dock'] },
      files: {},
      directories: {},
      blocks: {
        '/etc/fstab': {
          '/srv/e2edata': 'tmpfs /srv/e2edata tmpfs nofail 0 0\n',
          '/home/e2edisk': `${DISK} /home/e2edisk none bind 0 0\n`,
        },
      },
      mounts: {
        '/srv/e2edata': { source: 'tmpfs', type: 'tmpfs', options: ['nofail'], state: 'mounted' },
        '/home/e2edisk': { source: DISK, type: 'none', options: ['bind'], state: 'mounted' },
      },
      units: {
        'e2e-package.service': { enabled: false, state: 'stopped', restartOn: [], reloadOn: [], wave: 0 },
      },
    });
    const sick = { kind: 'command' as const, command: ['/bin/false'], timeoutSec: 1, wave: 0 };
    expectOutcome(await engine.apply(name, { ...wanted, checks: { sick } }), 'rolled-back');
    await settled(host);
    const left = `findmnt /srv/e2edata; ls -d /srv/e2edata /home/e2edisk; getent passwd e2euser e2edisk e2e-svc; stat -c '%U %a' ${DISK}; ls -A ${DISK}`;
    expect((await host.exec(left)).stdout).toBe('root 755\nlost+found\n');
    await host.mustExec('groupdel e2e-dock');
    expectOutcome(await engine.apply(name, wanted), 'committed');
    const now = await host.mustExec(
      `id -u e2e-svc; id -nG e2euser; stat -c '%U %a' /srv/e2edata/e2euser/.ssh; stat -c %U /srv/e2edata/e2euser /srv/e2edata/e2euser/.profile
       findmnt -n -o TARGET -T /srv/e2edata/e2euser/.profile; systemctl is-active e2e-package; systemctl is-enabled e2e-package; true`,
    );
    expect(now).toBe(
      '7002\ne2euser e2e-dock\ne2euser 700\ne2euser\ne2euser\n/srv/e2edata\ninactive\ndisabled\n',
    );
    // A fresh disk exactly at a home is the home: its user's own, with the skeleton.
    expect(
      await host.mustExec(
        `stat -c '%U %G' ${DISK} ${DISK}/.profile; stat -c %a ${DISK} /srv/e2edata/e2euser | uniq | wc -l; su e2edisk -c 'touch ~/mine'; cmp /etc/skel/.profile ${DISK}/.profile`,
      ),
    ).toBe('e2edisk e2edisk\ne2edisk e2edisk\n1\n');
    expectOutcome(await engine.apply(name, wanted), 'unchanged');
    await host.reset();
    await host.mustExec(BUILD);
  });

  it(`${name}: packages and accounts come and go with the configuration, and homes stay`, async () => {
    expectOutcome(await engine.apply(name, manifest(name)), 'committed');
    const installed = await facts();
    expect(installed).toContain('e2e-package 1.0 installed');
    expect(installed).toContain(`${DISK} e2euser 751\n`);
    for (const path of ['own/file', 'made']) expect(installed).toContain(`${DISK}/${path} root 644\n`);
    expect(
      await host.mustExec('systemctl is-active e2e-package.service; stat -c "%U %a" /home/e2euser/note'),
    ).toBe('active\ne2euser 600\n');
    expectOutcome(await engine.apply(name, { version: 1, host: name }), 'committed');
    expect(await facts()).toContain('e2e-package 1.0 config-files');
    expect((await host.exec('getent passwd e2euser')).code).not.toBe(0);
    expect(await host.mustExec('ls -d /home/e2euser')).toBe('/home/e2euser\n');
  });

  refusedPackages(name, host, () => engine);
}

describeLab('packages and accounts of a transaction', (lab) => {
  packages(lab, 'dev-ops');
  packages(lab, 'ai-node');
});
