import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Finished, HostName } from '../lab/api.js';
import { repository } from '../lab/layout.js';
import { describeLab } from '../lab/suite.js';
import { CdktfProject } from './cdktf-project.js';
import { fingerprint } from './harness.js';

const HOSTS: readonly HostName[] = ['ai-node', 'dev-ops'];

/** What someone does to the AI node by hand, and how Terraform shows it once white space counts as one. */
const DRIFT: readonly (readonly [kind: string, byHand: string, shows: RegExp])[] = [
  [
    'a mode',
    'chmod 0666 /etc/profile.d/citadel-path.sh',
    /"\/etc\/profile\.d\/citadel-path\.sh" = "0666 root:root (\d+ lines? \w+)" -> "0644 root:root \1"/,
  ],
  [
    'an owner',
    'chown agent0 /etc/cron.d/citadel-backup',
    /"\/etc\/cron\.d\/citadel-backup" = "0644 agent0:root (\d+ lines? \w+)" -> "0644 root:root \1"/,
  ],
  ['a deleted file', 'rm /usr/local/bin/iotop', /\+ "\/usr\/local\/bin\/iotop" = "0/],
  [
    'a file that is a directory',
    'rm /usr/local/bin/logrotate && mkdir /usr/local/bin/logrotate',
    /~ "\/usr\/local\/bin\/logrotate" = "directory 0755 root:root" -> "0/,
  ],
  [
    'a link',
    'ln -sfn /srv /opt/citadel/models',
    /"\/opt\/citadel\/models" = "\/srv" -> "\/mnt\/citadel-models\/active"/,
  ],
  [
    'a stopped unit',
    'systemctl stop citadel-smart.timer',
    /"citadel-smart\.timer" = "enabled, inactive" -> "enabled, active"/,
  ],
  [
    'a disabled unit',
    'systemctl disable -q citadel-drift.timer',
    /"citadel-drift\.timer" = "disabled, active" -> "enabled, active"/,
  ],
  [
    'a masked unit',
    'systemctl mask -q --now prometheus-node-exporter.service',
    /"prometheus-node-exporter\.service" = "masked, inactive" -> "enabled, active"/,
  ],
  ['a missing mount', 'umount /mnt/citadel-backup', /~ mounts = \{ \+ "\/mnt\/citadel-backup" = "/],
  [
    'a line of ours in fstab',
    `sed -i 's#^\\(/dev/nvme1n1p1 .*\\) 0 2$#\\1 0 1#' /etc/fstab && echo '# mine' >>/etc/fstab`,
    /"blocks \/etc\/fstab" = \[ .*"-\/dev\/nvme1n1p1 [^"]* 0 1", \+ "\+\/dev\/nvme1n1p1 [^"]* 0 2"/,
  ],
  [
    'a removed package',
    'apt-get -qq -y remove lsof >/dev/null 2>&1',
    /~ packages = \{ \+ "lsof" = "installed"/,
  ],
];

describeLab('the example, deployed by cdktf', (lab) => {
  let project: CdktfProject;
  let folder: string;
  let inventory: string;
  let firstPlan = Infinity;

  const cdktf = (...args: string[]): Promise<Finished> =>
    project.cdktf(args, { CITADEL_INVENTORY: inventory });

  async function deploy(): Promise<Finished> {
    const run = await cdktf('deploy', ...HOSTS, '--auto-approve');
    expect(run.code, run.stdout + run.stderr).toBe(0);
    return run;
  }

  beforeAll(async () => {
    await lab.reset();
    project = await CdktfProject.open(lab);
    folder = project.folder;
    inventory = join(folder, 'lab.yaml');
    const example = await readFile(join(repository, 'stacks/inventory/lab.yaml'), 'utf8');
    await writeFile(inventory, example.replace(/^targetsFile: .*$/m, `targetsFile: ${lab.layout.inventory}`));
    const requirements = 'test/doubles/vllm-requirements.txt';
    await mkdir(join(folder, 'test/doubles'), { recursive: true });
    await copyFile(join(repository, requirements), join(folder, requirements));
    // What a person reads before the first deployment.
    const plan = await cdktf('diff', 'ai-node');
    firstPlan = plan.stdout.split('\n').length;
    await deploy();
  }, 600_000);

  afterAll(() => project.close());

  it('runs what the inventory asks for, and Prometheus sees all of it', async () => {
    const devOps = lab.host('dev-ops');
    for (const host of HOSTS) {
      expect(await lab.host(host).mustExec('systemctl --failed --no-legend --plain')).toBe('');
    }
    expect(
      await devOps.mustExec(
        'curl -fsS http://localhost:9090/-/healthy && curl -fsS http://localhost:9093/-/healthy',
      ),
    ).toMatch(/Healthy|OK/);
    // Targets are scraped one after another: the last one is asked up to an interval after the first.
    const query = `for n in $(seq 120); do curl -fsS 'http://localhost:9090/api/v1/targets?state=active' | jq -r '.data.activeTargets[] | "\\(.labels.job) \\(.labels.instance) \\(.health)"' | sort >/tmp/targets; [ -s /tmp/targets ] && ! grep -qv ' up$' /tmp/targets && break; sleep 1; done; cat /tmp/targets`;
    const up = (await devOps.mustExec(query, { timeoutMs: 180_000 })).trim().split('\n');
    expect(up.filter((line) => !line.endsWith(' up'))).toEqual([]);
    expect(up.map((line) => line.split(' ')[1])).toEqual(
      expect.arrayContaining([
        '192.168.10.35:9100',
        '192.168.10.35:8000',
        '192.168.10.35:11402',
        '192.168.10.35:11403',
      ]),
    );
    const ai = lab.host('ai-node');
    expect(await ai.mustExec('readlink /opt/citadel/models && mountpoint /mnt/citadel-models')).toContain(
      '/mnt/citadel-models/active',
    );
  });

  it('shows a first plan that a person can read', () => {
    expect(firstPlan).toBeLessThan(1000);
  });

  it('keeps a small state, of which a refresh finds nothing to change', async () => {
    for (const host of HOSTS) {
      const { size } = await stat(join(folder, `terraform.${host}.tfstate`));
      expect(size, host).toBeLessThan(150_000);
      const flags = ['plan', '-refresh-only', '-detailed-exitcode', '-input=false', '-no-color'];
      const refreshed = await project.terraform(host, ...flags);
      expect(refreshed.code, refreshed.stdout + refreshed.stderr).toBe(0);
    }
  });

  it('has nothing to do the second time, and writes nothing', async () => {
    const state = (): Promise<string[]> =>
      Promise.all(HOSTS.map((host) => fingerprint(lab.host(host), { mtimes: true, record: true })));
    const before = await state();
    const since = (await lab.host('ai-node').mustExec('sleep 1; date +"%F %T"')).trim();
    const again = await deploy();
    expect(again.stdout).toContain('No changes.');
    const cli = await lab.operator.exec(['node', 'bin/citadel-iac.mjs', 'diff', '--inventory', inventory]);
    expect(cli.code, cli.stdout + cli.stderr).toBe(0);
    expect(await state()).toEqual(before);
    for (const host of HOSTS) {
      const journal = await lab
        .host(host)
        .mustExec(`journalctl --since "${since}" -o short --no-pager _PID=1`);
      // Timers read the disks' health and compare the host, whoever deploys.
      expect(journal.replace(/^.*citadel-(smart|drift)\..*$/gm, '')).not.toMatch(
        /Reload|citadel|prometheus/i,
      );
    }
  });

  it('shows a line that was edited by hand as a line, and heals it', async () => {
    const host = lab.host('dev-ops');
    await host.mustExec(
      `sed -i 's/scrape_interval: 15s/scrape_interval: 55s/' /etc/prometheus/prometheus.yml`,
    );
    const diff = await cdktf('diff', 'dev-ops');
    expect(diff.code).toBe(0);
    expect(diff.stdout).toMatch(/\+ "- *scrape_interval: 55s",\s+\+ "\+ *scrape_interval: 15s",/);
    expect(diff.stdout).toMatch(/unchanged elements hidden/);
    await deploy();
    expect(await host.mustExec(`grep -c 'scrape_interval: 15s' /etc/prometheus/prometheus.yml`)).not.toBe(
      '0\n',
    );
    expect((await cdktf('diff', 'dev-ops')).stdout).toContain('No changes.');
  });

  it('shows what else was done by hand, each kind as what it is, and heals all of it', async () => {
    const host = lab.host('ai-node');
    for (const [, byHand] of DRIFT) await host.mustExec(byHand);
    const diff = await cdktf('diff', 'ai-node');
    expect(diff.code).toBe(0);
    const shown = diff.stdout.replace(/\s+/g, ' ');
    for (const [kind, , shows] of DRIFT) expect(shown, kind).toMatch(shows);
    const cli = ['node', 'bin/citadel-iac.mjs', 'diff', 'ai-node', '--json', '--inventory', inventory];
    const found = await lab.operator.exec(cli);
    expect(found.code).toBe(2);
    const { hosts } = JSON.parse(found.stdout) as { hosts: Record<string, { changes: { cause: string }[] }> };
    expect(hosts['ai-node']?.changes.filter(({ cause }) => cause !== 'drift')).toEqual([]);
    await deploy();
    expect((await cdktf('diff', 'ai-node')).stdout).toContain('No changes.');
    expect((await lab.operator.exec(cli)).code).toBe(0);
    expect(await host.mustExec('grep -cx "# mine" /etc/fstab; mountpoint /mnt/citadel-backup')).toContain(
      '1\n',
    );
  });

  it('applies a saved plan, and refuses one that the host has left behind', async () => {
    const terraform = (...args: string[]): Promise<Finished> => project.terraform('ai-node', ...args);
    const host = lab.host('ai-node');
    await host.mustExec('chmod 0600 /etc/logrotate.d/citadel-ai');
    expect((await terraform('plan', '-input=false', '-no-color', '-out=saved')).code).toBe(0);
    const saved = await terraform('apply', '-input=false', '-no-color', 'saved');
    expect(saved.code, saved.stdout + saved.stderr).toBe(0);
    expect(await host.mustExec('stat -c %a /etc/logrotate.d/citadel-ai')).toBe('644\n');

    await host.mustExec('chmod 0600 /etc/logrotate.d/citadel-ai');
    expect((await terraform('plan', '-input=false', '-no-color', '-out=saved')).code).toBe(0);
    await host.mustExec('chmod 0640 /etc/logrotate.d/citadel-ai');
    const stale = await terraform('apply', '-input=false', '-no-color', 'saved');
    expect(stale.code).not.toBe(0);
    expect(stale.stdout + stale.stderr).toContain('/etc/logrotate.d/citadel-ai');
    expect(await host.mustExec('stat -c %a /etc/logrotate.d/citadel-ai')).toBe('640\n');
    await deploy();
  });

  it('names host, address and step of a host that is down, and loses nothing', async () => {
    const stateFile = join(folder, 'terraform.ai-node.tfstate');
    const before = JSON.parse(await readFile(stateFile, 'utf8')) as { resources: unknown };
    await lab.host('ai-node').stop();
    try {
      const diff = await cdktf('diff', 'ai-node');
      expect(diff.code).not.toBe(0);
      const words = (diff.stdout + diff.stderr).replace(/[\s│]+/g, ' ');
      expect(words).toContain('ai-node');
      expect(words).toContain('192.168.10.35:22');
      expect(words).toContain('tcp connect');
    } finally {
      await lab.host('ai-node').start();
    }
    const after = JSON.parse(await readFile(stateFile, 'utf8')) as { resources: unknown };
    expect(after.resources).toEqual(before.resources);
    expect((await cdktf('diff', 'ai-node')).stdout).toContain('No changes.');
  });

  it('removes what it brought when the stack is destroyed, and nothing else', async () => {
    const host = lab.host('dev-ops');
    await host.mustExec('echo mine >/etc/prometheus/mine.yml');
    const destroyed = await cdktf('destroy', 'dev-ops', '--auto-approve');
    expect(destroyed.code, destroyed.stdout + destroyed.stderr).toBe(0);
    expect(await host.mustExec('cat /etc/prometheus/mine.yml')).toBe('mine\n');
    // What the package brought stands there again, as the package has it.
    const [conffile, live] = (
      await host.mustExec(
        `dpkg-query -W -f '\${Conffiles}\\n' prometheus | sed -n 's|^ /etc/prometheus/prometheus.yml \\([0-9a-f]*\\).*|\\1|p'; md5sum </etc/prometheus/prometheus.yml`,
      )
    ).split('\n');
    expect(live).toBe(`${conffile ?? ''}  -`);
    expect((await host.exec('systemctl -q is-active prometheus')).code).not.toBe(0);
    await deploy();
  });
});
