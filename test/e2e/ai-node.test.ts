import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, requireLab, waitFor, type Finished } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { DevOpsHost } from './dev-ops-host.js';

/** Models of lab.yaml by GPU, in the order in which they load: one after another on each GPU. */
const GPUS = [
  ['hermes', 'mixtral', 'phi3'],
  ['coder', 'openchat', 'vision', 'yi34b'],
];
const MODELS = GPUS.flat();
const WATCH = ['citadel-monitor.service', 'citadel-metrics-exporter.service'];
const LINK = '/opt/citadel/vllm-env';
const BUILD = '/opt/citadel/scripts/build-python-environment';
const REQUIREMENTS = '/opt/citadel/configs/vllm-requirements.txt';
const BUILD_ARGS = '-d /opt/citadel/environments -k 1 -p bin/vllm -w /var/lib/citadel-lab/wheels';

/** The model that wants a key, and its key. */
const KEYED = 'coder';
const KEY = 'key-of-the-lab-alone';

const unit = (model: string): string => `citadel-${model}.service`;

function aiNode(lab: Lab): void {
  const host = lab.host('ai-node');
  let deployed: Finished;
  let fleet: DevOpsHost;
  let inventory: string;

  const cli = (...args: string[]): Promise<Finished> => fleet.cli(args, inventory);
  const show = async (name: string, property: string): Promise<string> =>
    (await host.mustExec(['systemctl', 'show', '--value', '-p', property, name])).trim();
  const agent = (command: string): Promise<Finished> =>
    host.exec(command, { user: 'agent0', timeoutMs: 120_000 });
  const serving = (model: string): Promise<true> =>
    waitFor(`${model} to serve`, 180_000, async () =>
      (await show(unit(model), 'ActiveState')) === 'active' ? true : undefined,
    );
  const states = async (names: readonly string[]): Promise<string[]> =>
    (await host.exec(['systemctl', 'is-active', ...names])).stdout.trim().split('\n');

  beforeAll(async () => {
    await host.reset();
    fleet = await DevOpsHost.open(lab);
    inventory = await fleet.inventory(({ hosts, secrets }) => {
      hosts['ai-node'].ai.models[KEYED] = { ...hosts['ai-node'].ai.models[KEYED], apiKey: 'coder_key' };
      secrets['coder_key'] = { command: ['echo', KEY] };
    });
    const began = Date.now();
    deployed = await cli('apply', 'ai-node', '--yes');
    console.log(
      `a bare ${(await host.suite()) ?? ''} host became an AI node in ${(Date.now() - began) / 1000} s`,
    );
    expect(deployed.code, `${deployed.stdout.slice(-4000)}\n${deployed.stderr.slice(-4000)}`).toBe(0);
  }, 900_000);

  afterAll(() => fleet.close());

  it('runs all units, and nothing has failed', async () => {
    const names = [...MODELS.map(unit), ...WATCH];
    const all = [
      ...names,
      'citadel-ai.target',
      'citadel-models.target',
      'citadel-storage.service',
      'citadel-gpu.service',
      'citadel-vllm-env.service',
      'citadel-smart.timer',
      'prometheus-node-exporter.service',
    ];
    expect(await states(all)).toEqual(all.map(() => 'active'));
    expect(await host.mustExec('systemctl --failed --no-legend --plain')).toBe('');
    expect((await agent('citadel health')).code).toBe(0);
  });

  it('started them in order: disks, GPUs and environment, then one model after another on each GPU', async () => {
    const began = async (name: string): Promise<number> =>
      Number(await show(name, 'InactiveExitTimestampMonotonic'));
    const ready = async (name: string): Promise<number> =>
      Number(await show(name, 'ActiveEnterTimestampMonotonic'));
    const before = ['citadel-storage.service', 'citadel-gpu.service', 'citadel-vllm-env.service'];
    const prepared = Math.max(...(await Promise.all(before.map(ready))));
    for (const models of GPUS) {
      let last = prepared;
      for (const model of models) {
        expect(await began(unit(model)), model).toBeGreaterThanOrEqual(last);
        last = await ready(unit(model));
      }
    }
  });

  it('asks for the key of a model that has one; what watches the node knows it, and no one else can read it', async () => {
    const status = async (words: string): Promise<string> =>
      (await agent(`curl -s -o /dev/null -w '%{http_code}' ${words} http://localhost:11405/v1/models`))
        .stdout;
    expect(await status('')).toBe('401');
    expect(await status(`-H 'Authorization: Bearer ${KEY}'`)).toBe('200');
    await waitFor('a probe with the key', 180_000, async () =>
      (await agent('curl -fsS http://localhost:8000/metrics/models')).stdout.includes(
        `citadel_model_probe_success{model="${KEYED}"} 1.0\n`,
      )
        ? true
        : undefined,
    );
    // The key comes on standard input, so that what looks for it does not find itself.
    const anywhere = `ps -eo args= >/run/arguments; tee /run/key | grep -F -f - /run/arguments; rm /run/arguments
      runuser -u nobody -- grep -rlsF -f - /etc /opt /run /usr/local /var </run/key; rm /run/key`;
    const found = await host.exec(['bash', '-c', `umask 077; ${anywhere}`], { input: `${KEY}\n` });
    expect(found.stdout + found.stderr).toBe('');
    expect(deployed.stdout + deployed.stderr).not.toContain(KEY);
  });

  it('has nothing to do the second time', async () => {
    const diff = await cli('diff', 'ai-node');
    expect(diff.code, diff.stdout.slice(-3000) + diff.stderr.slice(-3000)).toBe(0);
    const pids = await Promise.all(MODELS.map((model) => show(unit(model), 'MainPID')));
    expect((await cli('apply', 'ai-node', '--yes')).code).toBe(0);
    expect(await Promise.all(MODELS.map((model) => show(unit(model), 'MainPID')))).toEqual(pids);
  });

  it('brings a model back that was killed', async () => {
    const before = await show(unit('phi3'), 'MainPID');
    await host.mustExec(['kill', '-9', before]);
    await waitFor('another process', 180_000, async () =>
      [before, '0'].includes(await show(unit('phi3'), 'MainPID')) ? undefined : true,
    );
    await serving('phi3');
    expect((await agent('curl -fsS http://192.168.10.35:11403/health')).code).toBe(0);
  });

  it('stops and starts the models by their target, as agent0 types it, and never those that watch', async () => {
    expect((await agent('systemctl stop citadel-models.target')).code).toBe(0);
    // systemctl waits for the target, which goes first.
    await waitFor('the models to end', 180_000, async () =>
      (await states(MODELS.map(unit))).every((state) => state === 'inactive') ? true : undefined,
    );
    expect(await states(WATCH)).toEqual(['active', 'active']);

    // Nothing that watches keeps a disk from being taken out and put back.
    const mounts = await agent(
      'sudo umount /mnt/citadel-models /mnt/citadel-backup && sudo fsck -n /dev/nvme1n1p1 && sudo mount /mnt/citadel-models && sudo mount /mnt/citadel-backup',
    );
    expect(mounts.code, mounts.stderr).toBe(0);

    expect((await agent('systemctl start citadel-models.target')).code).toBe(0);
    for (const model of MODELS) await serving(model);
    const before = await show(unit('coder'), 'MainPID');
    expect((await agent('systemctl restart citadel-models.target')).code).toBe(0);
    for (const model of MODELS) await serving(model);
    expect(await show(unit('coder'), 'MainPID')).not.toBe(before);
    expect((await agent('systemctl restart cron.service')).code).not.toBe(0);
  });

  it('passes the tools that read its files: units, cron, logrotate, fstab, sudoers', async () => {
    const verified = await host.exec(
      `cd /etc/systemd/system
       systemd-analyze verify --man=no $(find . -maxdepth 1 -type f -name 'citadel-*' -printf '%f ') || exit 1
       for u in citadel-*.service; do
         systemd-analyze security --no-pager --threshold=30 "$u" >/dev/null || echo "$u is too open"
       done`,
      { timeoutMs: 120_000 },
    );
    expect(verified.stdout + verified.stderr).toBe('');
    expect(verified.code).toBe(0);
    expect((await host.exec('crontab -n /etc/cron.d/citadel-backup')).code).toBe(0);
    expect((await host.exec('logrotate -d /etc/logrotate.d/citadel-ai')).stderr).not.toMatch(/error/i);
    expect((await host.exec('findmnt --verify')).code).toBe(0);
    expect((await host.exec('visudo -c')).code).toBe(0);
    expect((await host.exec('nft -c -f /etc/nftables.conf')).code).toBe(0);
  });

  it('lets agent0 type the programs of the guide, those of root as well', async () => {
    for (const command of [
      'logrotate -f /etc/logrotate.d/citadel-ai',
      'iotop -b -n 1',
      'netstat -tlnp',
      'sudo smartctl -a /dev/sda',
      'command -v fsck htop jq zstd',
      'journalctl -u citadel-phi3.service -n 1',
    ]) {
      const run = await agent(command);
      expect(run.code, `${command}: ${run.stderr}`).toBe(0);
    }
    // Without a login shell as well.
    expect((await lab.operator.ssh('ai-node', 'command -v fsck')).stdout).toBe('/usr/sbin/fsck\n');
  });

  it('gives the GPUs back as they were', async () => {
    const mode = 'nvidia-smi --query-gpu=persistence_mode --format=csv,noheader';
    expect(await host.mustExec(mode)).toBe('Enabled\nEnabled\n');
    await host.mustExec('systemctl stop citadel-gpu.service');
    expect(await host.mustExec(mode)).toBe('Disabled\nDisabled\n');
    await host.mustExec('systemctl start citadel-gpu.service');
    expect(await host.mustExec(mode)).toBe('Enabled\nEnabled\n');
    expect(await states(MODELS.map(unit))).toEqual(MODELS.map(() => 'active'));
  });

  it('builds environments beside, keeps what works, and goes back', async () => {
    const first = (await host.mustExec(['readlink', LINK])).trim();
    const build = (file: string): Promise<Finished> =>
      host.exec(`${BUILD} ${BUILD_ARGS} vllm ${file} ${LINK}`, { timeoutMs: 120_000 });
    await host.mustExec(`sed 's/sha256:.*/sha256:${'0'.repeat(64)}/' ${REQUIREMENTS} >/srv/bad.txt`);
    const bad = await build('/srv/bad.txt');
    expect(bad.code).toBe(1);
    expect(bad.stderr).toMatch(/DO NOT MATCH THE HASHES[\s\S]*building failed[^\n]*is as it was/);
    expect((await host.mustExec(['readlink', LINK])).trim()).toBe(first);

    await host.mustExec(
      `mkdir /opt/citadel/environments/vllm-0123456789ab && { cat ${REQUIREMENTS}; echo '# other'; } >/srv/other.txt`,
    );
    expect((await build('/srv/other.txt')).code).toBe(0);
    const other = (await host.mustExec(['readlink', LINK])).trim();
    expect(other).not.toBe(first);
    const kept = (await host.mustExec('ls -d /opt/citadel/environments/vllm-*')).trim().split('\n');
    expect(kept.sort()).toEqual([first, other].sort());

    await host.mustExec('systemctl restart citadel-vllm-env.service');
    expect((await host.mustExec(['readlink', LINK])).trim()).toBe(first);
    expect((await host.mustExec(`${LINK}/bin/vllm --version`)).trim()).toContain('lab.double');

    await host.mustExec(`mv ${LINK} ${LINK}.link && mkdir ${LINK}`);
    const adopted = await build(REQUIREMENTS);
    expect(adopted.code).toBe(1);
    expect(adopted.stderr).toContain(`sudo mv ${LINK} ${LINK}.before`);
    await host.mustExec(`rmdir ${LINK} && mv ${LINK}.link ${LINK}`);
  });

  it('comes back whole after a boot', async () => {
    const boot = ['cat', '/proc/sys/kernel/random/boot_id'];
    const before = await host.mustExec(boot);
    const reboot = await cli('reboot', 'ai-node', '--yes');
    expect(reboot.code, reboot.stdout + reboot.stderr).toBe(0);
    expect(reboot.stderr).toMatch(/stopping citadel-models\.target[^]*rebooting[^]*proving: nvidia-smi/);
    expect(await host.mustExec(boot)).not.toBe(before);
    for (const model of MODELS) await serving(model);
    const diff = await cli('diff', 'ai-node');
    expect(diff.code, diff.stdout.slice(-3000) + diff.stderr.slice(-3000)).toBe(0);
  });

  it('mounts no device that the system uses, and says of one without a file system how to make one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'citadel-disk-'));
    const manifest = join(folder, 'ai-node.json');
    const options = ['defaults', 'nofail'];
    const left = 'cat /etc/fstab; ls /srv';
    await writeFile(
      manifest,
      JSON.stringify({
        version: 1,
        host: 'ai-node',
        mounts: { '/srv/disk': { source: '/dev/sda1', type: 'ext4', options, state: 'mounted' } },
        blocks: { '/etc/fstab': { '/srv/disk': `/dev/sda1 /srv/disk ext4 ${options.join(',')} 0 2\n` } },
      }),
    );
    await host.reset();
    await host.mustExec('mkdir -p /boot/efi && mount /dev/sda1 /boot/efi');
    const used = await cli('apply', '--yes', '--manifest', manifest);
    expect(used.code).toBe(3);
    expect(used.stdout + used.stderr).toContain(
      '/dev/sda1 is in use by the system itself (/boot/efi) and was not mounted.',
    );
    expect(await host.mustExec(left)).not.toContain('disk');
    await host.mustExec('umount /boot/efi');

    await host.mustExec('wipefs --all --quiet /dev/sda1');
    const failed = await cli('apply', '--yes', '--manifest', manifest);
    await rm(folder, { recursive: true });
    expect(failed.code).toBe(3);
    expect(failed.stdout + failed.stderr).toContain(
      '/dev/sda1 has no file system. If it holds nothing that is needed: sudo mkfs.ext4 /dev/sda1',
    );
    expect(await host.mustExec(left)).not.toContain('disk');
  });
}

describeLab('an AI node on Debian 13', aiNode);

const gate = requireLab();
describe.skipIf(!gate.available)('an AI node on Debian 12 (skipped where there is no lab)', () => {
  const lab = Lab.named(`${gate.available ? gate.lab.name : 'none'}-12`);
  beforeAll(() => lab.up({ hosts: ['ai-node'], suites: { 'ai-node': 'bookworm' } }), 900_000);
  afterAll(() => lab.down());
  aiNode(lab);
});
