import type { HostManifest, ManifestFile } from '../../lib/manifest/index.js';
import type { HostName } from '../lab/api.js';
import { atCommand, withFault } from '../engine/support/faults.js';
import type { Draw } from '../engine/support/random-world.js';
import { service } from './manifests.js';

/** Where the counters of a run are: they outlast a loss of power, so that the way back does not meet the fault again. */
export const RUN = '/var/lib/e2e-random';
/** There as soon as the transaction waits for its host to lose power. */
export const AT_FAULT = `${RUN}/at-fault`;

const deb = (name: string): string => `
  mkdir -p /tmp/deb/DEBIAN /tmp/deb/usr/lib/${name} /tmp/deb/etc /tmp/deb/var/lib/${name} && cd /tmp/deb && echo x >usr/lib/${name}/x && echo setting >etc/${name}.conf
  printf 'Package: ${name}\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: x <x@example.org>\\nDescription: x\\n' >DEBIAN/control
  echo /etc/${name}.conf >DEBIAN/conffiles; cd /; dpkg-deb --root-owner-group --build /tmp/deb /root/${name}.deb >/dev/null && rm -rf /tmp/deb`;

/** What is on the host before the first apply: data, a person’s account, a package and a service that are none of ours. */
export const HISTORY = `
  mkdir -p /srv/years && echo data >/srv/years/thesis
  useradd -m eve && echo 'eve:a password' | chpasswd && echo data >/home/eve/thesis
  groupadd g0; groupadd g1; groupadd g2
  printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n' >/etc/systemd/system/theirs.service && systemctl daemon-reload
  ${deb('e2e-ours')}
  ${deb('e2e-theirs')}
  mkdir -p /var/lib/e2e-ours && echo data >/var/lib/e2e-ours/data`;
/** Fails where planted data is gone. */
export const DATA = 'cat /srv/years/thesis /home/eve/thesis /var/lib/e2e-ours/data';

/** Takes away what a person did in the run before. */
export const TIDY = `
  rm -rf ${RUN}; mkdir ${RUN}
  sed -i /by-hand/d /etc/hosts /etc/fstab
  for n in 0 1 2; do
    ! getent passwd hand$n >/dev/null || userdel -r hand$n 2>/dev/null
    ! id -nG eve | grep -qw g$n || gpasswd -d eve g$n
    ! mountpoint -q /mnt/hand$n || umount /mnt/hand$n
    rm -rf /mnt/hand$n /home/alice/hand$n
  done
  usermod -U eve
  ! dpkg-query -W e2e-theirs >/dev/null 2>&1 || dpkg --purge e2e-theirs
  systemctl stop theirs
  getent passwd alice >/dev/null || rm -rf /home/alice`;

function file(draw: Draw, content: string): ManifestFile {
  return { content, owner: 'root', group: 'root', mode: draw.of(['0644', '0600', '0640']) };
}

const UNIT = '/etc/systemd/system/app.service';
const SCRATCH = '/srv/scratch';

/** A document with some of: files, a block, a package, a group, a person, a mount, a service. */
export function randomDocument(draw: Draw, host: HostName): HostManifest {
  const [withUnit, withMount, withGroup] = [draw.chance(60), draw.chance(50), draw.chance(60)];
  const blocks: Record<string, Record<string, string>> = {};
  if (draw.chance(60)) blocks['/etc/hosts'] = { ours: draw.of(['10.1.1.1 one\n', '10.1.1.2 two\n']) };
  if (withMount) blocks['/etc/fstab'] = { [SCRATCH]: `tmpfs ${SCRATCH} tmpfs size=1m 0 0\n` };
  return {
    version: 1,
    host,
    files: {
      '/etc/app.conf': file(draw, draw.of(['one\n', 'two\n', 'three\n'])),
      ...(draw.chance(50) ? { '/opt/app/deep/conf': file(draw, draw.of(['one\n', 'two\n'])) } : {}),
      ...(withUnit
        ? {
            [UNIT]: {
              ...file(draw, service(draw.of(['One', 'Another']), '/usr/bin/sleep infinity')),
              mode: '0644',
            },
          }
        : {}),
    },
    blocks,
    ...(draw.chance(50) ? { packages: { 'e2e-ours': { source: '/root/e2e-ours.deb' } } } : {}),
    ...(withGroup ? { groups: { dev: { system: false } } } : {}),
    ...(draw.chance(50)
      ? {
          users: {
            alice: {
              home: '/home/alice',
              shell: draw.of(['/bin/sh', '/bin/bash']),
              groups: withGroup ? ['dev'] : [],
              system: false,
            },
          },
        }
      : {}),
    ...(withMount
      ? { mounts: { [SCRATCH]: { source: 'tmpfs', type: 'tmpfs', options: ['size=1m'], state: 'mounted' } } }
      : {}),
    ...(withUnit
      ? {
          units: {
            'app.service': {
              enabled: draw.chance(50),
              state: 'running',
              restartOn: [UNIT, '/etc/app.conf'],
              reloadOn: [],
              wave: 0,
            },
          },
          checks: { app: { kind: 'unit', unit: 'app.service', timeoutSec: 10, wave: 0 } },
        }
      : {}),
  };
}

/** One thing that a person did while a transaction ran. */
export interface Edit {
  readonly script: string;
  /** Succeeds as long as it is there. */
  readonly evidence: string;
  /** The key of the document's item that is no longer as the document says. */
  readonly touched?: string;
  /** It is gone after a loss of power. */
  readonly inMemory?: true;
}

export function randomEdit(draw: Draw, number: number): Edit {
  const n = String(number);
  const text = `by-hand-${n}`;
  const edits: readonly Edit[] = [
    { script: `echo '10.0.0.${n} ${text}' >>/etc/hosts`, evidence: `grep -q ${text} /etc/hosts` },
    {
      script: `echo 'tmpfs /mnt/${text} tmpfs noauto 0 0' >>/etc/fstab`,
      evidence: `grep -q ${text} /etc/fstab`,
    },
    {
      script: `useradd -m hand${n} && echo work >/home/hand${n}/work`,
      evidence: `getent passwd hand${n} && test -e /home/hand${n}/work`,
    },
    { script: `gpasswd -a eve g${n}`, evidence: `id -nG eve | grep -qw g${n}` },
    { script: 'usermod -L eve', evidence: 'passwd -S eve | grep -q "^eve L"' },
    { script: 'dpkg -i /root/e2e-theirs.deb', evidence: 'dpkg-query -W e2e-theirs' },
    { script: 'systemctl start theirs', evidence: 'systemctl is-active theirs', inMemory: true },
    {
      script: `mkdir -p /mnt/hand${n} && mount -t tmpfs x /mnt/hand${n} && echo work >/mnt/hand${n}/work`,
      evidence: `test -e /mnt/hand${n}/work`,
      inMemory: true,
    },
    {
      script: `[ ! -d /home/alice ] || echo work >/home/alice/hand${n}`,
      evidence: `test -e /home/alice/hand${n}`,
    },
    {
      script: `[ ! -f /etc/app.conf ] || echo ${text} >>/etc/app.conf`,
      evidence: `grep -q ${text} /etc/app.conf || grep -rqsF ${text} /var/lib/citadel-iac`,
      touched: '/etc/app.conf',
    },
  ];
  return draw.of(edits);
}

export type Fault = 'kill' | 'fail' | 'power' | 'check';

/**
 * The transaction with a person who does `edits` at its command `editAt`, and a fault at its command `faultAt`: it is
 * killed, that command fails, or it waits for the power to fail. What the person could do is in `RUN/made`, a number a line.
 */
export function faultyTransaction(
  edits: readonly Edit[],
  editAt: number,
  fault: Fault,
  faultAt: number,
): string {
  const hands = edits
    .map(
      ({ script, evidence }, number) =>
        `(${script}) >/dev/null 2>&1 </dev/null; if (${evidence}) >/dev/null 2>&1; then echo ${String(number)} >>${RUN}/made; fi`,
    )
    .join('\n');
  const counter = `${RUN}/count`;
  const act = { kill: 'kill -KILL $$; exit 137', power: `: >${AT_FAULT}; sleep 120` }[fault as string];
  const shims = atCommand(fault === 'check' ? -1 : faultAt, fault === 'fail' ? 'fail' : 'kill', counter)
    .replace(`: >'${counter}'`, `[ -e ${counter} ] || : >${counter}`)
    .replaceAll('kill -KILL $$; exit 137', act ?? 'return 1')
    .replaceAll('{ fault_tick ||', '{ hands; fault_tick ||');
  return withFault(`hands() {
  if [ -e ${RUN}/edited ] || [ "$(wc -c <${counter})" -lt ${String(editAt)} ]; then return; fi
  : >${RUN}/edited
  ${hands}
}
${shims}`);
}
