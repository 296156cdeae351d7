import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { ApplyResult } from '../../lib/engine/index.js';
import type { HostManifest, ManifestFile } from '../../lib/manifest/index.js';
import type { HostName, LabHost } from '../lab/api.js';

/** Two generations of a host that differ in everything a transaction touches; each case goes from one to the other. */
export type Side = 'A' | 'B';
export const other = (side: Side): Side => (side === 'A' ? 'B' : 'A');

const file = (content: string, mode = '0644'): ManifestFile => ({
  content,
  owner: 'root',
  group: 'root',
  mode,
});

function service(description: string, wave = 0): { unit: string; wave: number } {
  return {
    unit: `[Unit]\nDescription=${description}\n[Service]\nExecStart=/opt/e2e/bin/serve\nExecReload=/bin/true\n[Install]\nWantedBy=multi-user.target\n`,
    wave,
  };
}

const ONESHOT =
  '[Unit]\nDescription=runs at boot\n[Service]\nType=oneshot\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n';
const MODELS = '/mnt/citadel-models';

/**
 * On the host with the disk of models, one side mounts it.
 *
 * @param harmless without what could cut an operator off (groups that go), so that nothing has to be confirmed
 */
export function scenario(host: HostName, side: Side, harmless = false): HostManifest {
  const b = side === 'B';
  const kept = service(`kept, ${side}`);
  const own = service(`only in ${side}`, 1);
  const ownName = `e2e-only-${side.toLowerCase()}.service`;
  const mounted = b && host === 'ai-node';
  return {
    version: 1,
    host,
    ...(harmless ? {} : { groups: { [b ? 'e2egroup' : 'e2eother']: { system: true } } }),
    directories: {
      '/opt/e2e': { owner: 'root', group: 'root', mode: b ? '0755' : '0751' },
      ...(b ? { '/opt/e2e/flip': { owner: 'root', group: 'root', mode: '0700' } } : {}),
    },
    files: {
      '/opt/e2e/bin/serve': file('#!/bin/sh\nexec sleep infinity\n', '0755'),
      '/opt/e2e/conf': file(`side = ${side}\n`, b ? '0640' : '0644'),
      '/opt/e2e/reloaded': file(`reload me: ${side}\n`),
      ...(b
        ? { '/opt/e2e/flip/inside': file('inside\n') }
        : { '/opt/e2e/flip': file('a file\n'), '/opt/e2e/only-a': file('leaves\n') }),
      '/etc/systemd/system/e2e-toggled.service': file(ONESHOT),
      '/etc/systemd/system/e2e-kept.service': { ...file(kept.unit), validate: 'systemd-unit' },
      [`/etc/systemd/system/${ownName}`]: { ...file(own.unit), validate: 'systemd-unit' },
      ...(mounted ? { [`${MODELS}/e2e-below`]: file('below the mount\n') } : {}),
    },
    symlinks: { '/opt/e2e/link': { target: b ? 'conf' : 'reloaded' } },
    ...(mounted
      ? {
          mounts: {
            [MODELS]: {
              source: '/dev/nvme1n1p1',
              type: 'ext4',
              options: ['defaults', 'noatime'],
              state: 'mounted' as const,
            },
          },
        }
      : {}),
    blocks: {
      '/etc/fstab': mounted
        ? { [MODELS]: `/dev/nvme1n1p1 ${MODELS} ext4 defaults,noatime 0 2\n` }
        : { note: '# nothing of ours is mounted\n' },
    },
    units: {
      'e2e-kept.service': {
        enabled: true,
        state: 'running',
        restartOn: ['/opt/e2e/conf', '/etc/systemd/system/e2e-kept.service'],
        reloadOn: ['/opt/e2e/reloaded'],
        wave: 0,
      },
      'e2e-toggled.service': { enabled: b, state: 'any', restartOn: [], reloadOn: [], wave: 0 },
      [ownName]: { enabled: true, state: 'running', restartOn: [], reloadOn: [], wave: 1 },
    },
    checks: {
      kept: { kind: 'unit', unit: 'e2e-kept.service', timeoutSec: 10, wave: 0 },
      own: { kind: 'unit', unit: ownName, timeoutSec: 10, wave: 1 },
    },
  };
}

/** Everything of a host that the two generations are about, as lines: paths, links of enablement, units, mounts, accounts. */
const FINGERPRINT = `
cd / && find opt/e2e etc/systemd/system/e2e-* etc/fstab mnt/citadel-models/e2e-below -maxdepth 3 \\( -type f -o -type l -o -type d \\) -printf '%p %y %m %u %g %l\\n' 2>/dev/null
find opt/e2e etc/fstab etc/systemd/system/e2e-* mnt/citadel-models/e2e-below -type f 2>/dev/null | xargs sha256sum
find etc/systemd/system -type l -printf '%p -> %l\\n' | sort
for unit in e2e-kept e2e-toggled e2e-only-a e2e-only-b; do
  systemctl show -p Id -p LoadState -p ActiveState -p UnitFileState -p NeedDaemonReload -p Description $unit.service | sort | tr '\\n' ' '
  echo
done
findmnt -n -o TARGET,SOURCE,OPTIONS /mnt/citadel-models | sed 's/,*relatime//'
getent group e2egroup e2eother | cut -d: -f1
find / -xdev -name '.citadel-iac.*' 2>/dev/null
ls -A /run/citadel-iac-candidate 2>/dev/null
true`;

export async function fingerprint(host: LabHost): Promise<string> {
  return (await host.mustExec(FINGERPRINT))
    .split('\n')
    .filter((line) => line !== '')
    .sort()
    .join('\n');
}

/** What no ended transaction leaves on a host once another one has run: an open link, units, mounts, staged contents. */
export async function leftovers(host: LabHost): Promise<string> {
  // Its outcome is told a moment before systemd has put its unit away.
  await settled(host);
  return host.mustExec(`
    ls -d /var/lib/citadel-iac/open /etc/systemd/system/citadel-iac-recover.service 2>/dev/null
    find /var/lib/citadel-iac/staging -mindepth 2 -maxdepth 2 \\( -name tree -o -name undo -o -name ops -o -name own -o -name ballast \\)
    find /var/lib/citadel-iac/staging -maxdepth 1 -name '*.partial'
    systemctl list-units --state=active,activating,deactivating,failed --plain --no-legend 'citadel-iac-*'
    grep citadel-iac-candidate /proc/mounts
    true`);
}

/** Waits until no one works on the host any more: it has ended by itself whatever was open. */
export async function settled(host: LabHost): Promise<void> {
  const busy = `[ -L /var/lib/citadel-iac/open ] ||
    [ -n "$(systemctl list-units --state=active,activating,deactivating --plain --no-legend 'citadel-iac-*')" ]`;
  const end = Date.now() + 90_000;
  while ((await host.exec(busy)).code === 0) {
    if (Date.now() > end) {
      const more = await host.exec(
        'cd /var/lib/citadel-iac; ls -l . staging; cat staging/*/progress staging/*/state; systemctl list-units "citadel-iac-*"; journalctl -n 40 -u "citadel-iac-*" -o cat',
      );
      throw new Error(`the host did not come to rest:\n${more.stdout}`);
    }
    await delay(200);
  }
}

export const HERE = 'the fault is here';
/** Lets a transaction that waits at its fault go on. */
export const GO = '/run/e2e-go';
const ONCE = '/var/lib/e2e-fault';

/**
 * A fault's action, once until {@link rearm}: the way back of a transaction is the same text, and must not meet it again.
 * It tells the operator that it has come to its point, and waits there.
 */
export const WAIT_THERE = `if mkdir ${ONCE} 2>/dev/null; then
    say note '${HERE}'
    fault_left=600
    while [ ! -e ${GO} ] && [ "$fault_left" -gt 0 ]; do sleep 0.1; fault_left=$((fault_left - 1)); done
  fi`;

export async function rearm(host: LabHost): Promise<void> {
  await host.mustExec(`rm -rf ${ONCE} ${GO}`);
}

/** Kills the transaction's own process, as the OOM killer would. */
export async function killTransaction(host: LabHost): Promise<void> {
  await host.mustExec(`
    unit=$(systemctl list-units --state=active --plain --no-legend 'citadel-iac-*.service' | cut -d ' ' -f 1)
    kill -9 "$(systemctl show -p MainPID --value "$unit")"`);
}

export function expectOutcome(result: ApplyResult, ...outcomes: readonly ApplyResult['outcome'][]): void {
  const { outcome, failure } = result;
  const where = failure === undefined ? '' : ` at ${failure.step} ${failure.item}`;
  expect(outcomes, `${outcome}${where}: ${JSON.stringify(result, null, 2)}`).toContain(outcome);
}
