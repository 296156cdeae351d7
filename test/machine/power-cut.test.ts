import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { HostManifest, ManifestFile, ManifestUnit } from '../../lib/manifest/index.js';
import { run, sleep, waitFor, type Finished } from '../lab/process.js';
import { ensureImage, type Image } from './image.js';
import { VirtualMachine } from './virtual-machine.js';

const CUTS = 20;
const SEED = Number(process.env['CITADEL_SEED'] ?? 1);
/** The longest pause between two copies of the disks, milliseconds. */
const LONGEST_MS = 1500;

const file = (content: string): ManifestFile => ({ content, owner: 'root', group: 'root', mode: '0644' });
const unit = (more: Partial<ManifestUnit>): ManifestUnit => ({
  enabled: null,
  state: 'any',
  restartOn: [],
  reloadOn: [],
  wave: 0,
  ...more,
});
const SYSCTL = '/etc/sysctl.d/60-machine.conf';
const MODULES = '/etc/modules-load.d/machine.conf';

const BEFORE: HostManifest = {
  version: 1,
  host: 'machine',
  users: { before: { home: '/home/before', shell: '/bin/sh', groups: [], system: false, uid: 2001 } },
  files: { '/etc/machine/setting': file('before\n'), [SYSCTL]: file('kernel.panic = 11\n') },
  units: { 'systemd-sysctl.service': unit({ restartOn: [SYSCTL] }) },
};
/** A package, a mount, swap, a kernel parameter and a module more, an account less. */
const AFTER: HostManifest = {
  version: 1,
  host: 'machine',
  packages: { 'machine-package': {} },
  groups: { after: { system: false, gid: 2002 } },
  files: {
    '/etc/machine/setting': file('after\n'),
    [SYSCTL]: file('kernel.panic = 22\n'),
    [MODULES]: file('dummy\n'),
    '/etc/systemd/system/dev-vdc.swap': file('[Swap]\nWhat=/dev/vdc\n[Install]\nWantedBy=swap.target\n'),
    '/srv/data/ours': file('on the disk\n'),
  },
  blocks: { '/etc/fstab': { '/srv/data': 'LABEL=data /srv/data ext4 nofail 0 0\n' } },
  mounts: { '/srv/data': { source: 'LABEL=data', type: 'ext4', options: ['nofail'], state: 'mounted' } },
  units: {
    'systemd-sysctl.service': unit({ restartOn: [SYSCTL] }),
    'systemd-modules-load.service': unit({ restartOn: [MODULES] }),
    'dev-vdc.swap': unit({ enabled: true, state: 'running' }),
    'machine-package.service': unit({ enabled: true, state: 'running' }),
  },
};

/** What tells one generation from the other on a booted machine. */
const FACTS = `
  basename "$(readlink /var/lib/citadel-iac/current)"
  cat /etc/machine/setting
  sysctl -n kernel.panic
  awk '$1 == "dummy" { print "module", $1 }' /proc/modules
  awk 'NR > 1 { print "swap", $1 }' /proc/swaps
  findmnt -no SOURCE,TARGET /srv/data
  dpkg-query -W -f '\${binary:Package} \${db:Status-Status}\\n' machine-package
  cat /etc/machine-package.conf
  getent passwd before
  getent group after
  dpkg --audit
  systemctl is-active machine-package.service
  systemctl is-system-running
  systemctl --failed --plain --no-legend
  mount=/srv/data; findmnt "$mount" >/dev/null || { mount=/mnt; mount -o ro /dev/vdb /mnt; }
  ls "$mount"; cat "$mount/data"; [ "$mount" = /srv/data ] || umount /mnt
  ls /var/lib/citadel-iac/open /etc/systemd/system/citadel-iac-recover.service
  true`;

let image: Image;
let folder: string;
let machine: VirtualMachine;
beforeAll(async () => {
  image = await ensureImage();
  folder = await mkdtemp(join(tmpdir(), 'citadel-machine-'));
});
afterAll(async () => {
  // Absent where it never booted.
  await (machine as VirtualMachine | undefined)?.cutPower();
  await rm(folder, { recursive: true });
});

async function apply(document: HostManifest): Promise<Finished> {
  const [inventory, manifest] = [join(folder, 'inventory.yaml'), join(folder, 'machine.json')];
  const timeouts = { connectSec: 120, readSec: 600, confirmSec: 300, settleSec: 1 };
  const ssh = {
    port: machine.port,
    user: 'agent0',
    identityFile: image.key,
    hostKeys: [image.hostKey],
    timeouts,
  };
  await writeFile(inventory, stringify({ hosts: { machine: { address: '127.0.0.1', ssh } } }));
  await writeFile(manifest, JSON.stringify(document));
  const words = ['apply', 'machine', '--yes', '--inventory', inventory, '--manifest', manifest];
  return run([process.execPath, 'bin/citadel-iac.mjs', ...words], { timeoutMs: 900_000 });
}

/** Boots copied disks, waits until the machine has ended by itself what was open, and reads its facts. */
async function factsOf(disks: string): Promise<string> {
  machine = await VirtualMachine.boot(image, disks);
  await waitFor(
    'rest',
    600_000,
    async () => {
      const busy = await machine.exec(
        'systemctl is-system-running --wait; [ -L /var/lib/citadel-iac/open ] || systemctl is-active --quiet "citadel-iac-*"',
        600_000,
      );
      return busy.code === 0 ? undefined : true;
    },
    1000,
  );
  return machine.mustExec(FACTS);
}

/** mulberry32: the same moments for the same seed, as far as the machine is as fast. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

it(`boots at one generation or the other, whenever the power fails (${CUTS} moments)`, async () => {
  const random = randomOf(SEED);
  const disks = join(folder, 'disks');
  await VirtualMachine.create(image, disks);
  machine = await VirtualMachine.boot(image, disks);
  const first = await apply(BEFORE);
  expect(first.code, first.stdout + first.stderr).toBe(0);
  await machine.mustExec('sync');
  await machine.copyDisks(join(folder, 'before'));

  let ended = false;
  const applying = apply(AFTER).finally(() => {
    ended = true;
  });
  const moments: string[] = [];
  while (!ended) {
    await sleep(random() * LONGEST_MS);
    const moment = join(folder, `moment-${moments.length}`);
    await machine.copyDisks(moment);
    moments.push(moment);
  }
  const second = await applying;
  expect(second.code, second.stdout + second.stderr).toBe(0);
  await machine.mustExec('sync');
  await machine.copyDisks(join(folder, 'after'));
  await machine.cutPower();

  const before = await factsOf(join(folder, 'before'));
  await machine.cutPower();
  const after = await factsOf(join(folder, 'after'));
  await machine.cutPower();
  expect([before, after].map((facts) => facts.split('\n')[0])).toEqual(['1', '2']);

  const chosen = new Set<string>();
  while (chosen.size < Math.min(CUTS, moments.length))
    chosen.add(moments[Math.floor(random() * moments.length)] ?? '');
  const seen = { before: 0, after: 0, applied: 0 };
  for (const moment of chosen) {
    const facts = await factsOf(moment);
    expect([before, after], moment).toContain(facts);
    const [name] = facts === before ? (['before'] as const) : (['after'] as const);
    seen[name] += 1;
    // Every fifth goes on from there.
    if ((seen.before + seen.after) % 5 === 1) {
      const next = await apply(AFTER);
      expect(next.code, next.stdout + next.stderr).toBe(0);
      seen.applied += 1;
    }
    await machine.cutPower();
  }
  console.log(
    `power cuts: ${moments.length} moments taken, ${chosen.size} booted, ${JSON.stringify(seen)}, seed ${SEED}`,
  );
});
