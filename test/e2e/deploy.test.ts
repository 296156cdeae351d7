import { stripVTControlCharacters } from 'node:util';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Finished, HostName } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { fingerprint } from './harness.js';

const repository = join(import.meta.dirname, '../..');
const HOSTS: readonly HostName[] = ['ai-node', 'dev-ops'];

/** The text of a terminal without its colours, and of cdktf without its moving parts. */
function plain(text: string): string {
  return stripVTControlCharacters(text).replace(
    /^.*(Synthesizing|Stacks? (deploying|done|waiting)).*$/gm,
    '',
  );
}

describeLab('the example, deployed by cdktf', (lab) => {
  let folder: string;
  let inventory: string;

  /** `npx cdktf …` as a user types it, in a project folder of its own, so that no state of another run is in the way. */
  async function cdktf(...args: string[]): Promise<Finished> {
    const { TF_CLI_CONFIG_FILE: _missing, ...env } = process.env as Record<string, string>;
    const run = await lab.operator.exec([join(repository, 'node_modules/.bin/cdktf'), ...args], {
      cwd: folder,
      env: { ...env, CITADEL_INVENTORY: inventory, CHECKPOINT_DISABLE: '1', CI: 'true' },
      timeoutMs: 560_000,
    });
    return { ...run, stdout: plain(run.stdout), stderr: plain(run.stderr) };
  }

  async function deploy(): Promise<Finished> {
    const run = await cdktf('deploy', ...HOSTS, '--auto-approve');
    expect(run.code, run.stdout + run.stderr).toBe(0);
    return run;
  }

  beforeAll(async () => {
    await lab.reset();
    folder = await mkdtemp(join(tmpdir(), 'citadel-deploy-'));
    inventory = join(folder, 'lab.yaml');
    const example = await readFile(join(repository, 'stacks/inventory/lab.yaml'), 'utf8');
    await writeFile(inventory, example.replace(/^targetsFile: .*$/m, `targetsFile: ${lab.layout.inventory}`));
    const requirements = 'test/doubles/vllm-requirements.txt';
    await mkdir(join(folder, 'test/doubles'), { recursive: true });
    await copyFile(join(repository, requirements), join(folder, requirements));
    const settings = JSON.parse(await readFile(join(repository, 'cdktf.json'), 'utf8')) as object;
    const app = `${join(repository, 'node_modules/.bin/tsx')} ${join(repository, 'stacks/main.ts')}`;
    await writeFile(join(folder, 'cdktf.json'), JSON.stringify({ ...settings, app }));
    await deploy();
  }, 600_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

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
    const query = `for n in $(seq 60); do curl -fsS 'http://localhost:9090/api/v1/query?query=up' | jq -r '.data.result[] | "\\(.metric.job) \\(.metric.instance) \\(.value[1])"' | sort >/tmp/up; [ $(wc -l </tmp/up) -ge 6 ] && ! grep -q ' 0$' /tmp/up && break; sleep 1; done; cat /tmp/up`;
    const up = (await devOps.mustExec(query, { timeoutMs: 90_000 })).trim().split('\n');
    expect(up.filter((line) => line.endsWith(' 0'))).toEqual([]);
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
      // The disks' health is read by a timer, whoever deploys.
      expect(journal.replace(/^.*citadel-smart\..*$/gm, '')).not.toMatch(/Reload|citadel|prometheus/i);
    }
  });

  it('shows a line that was edited by hand as a line, and heals it', async () => {
    const host = lab.host('dev-ops');
    await host.mustExec(
      `sed -i 's/scrape_interval: 15s/scrape_interval: 55s/' /etc/prometheus/prometheus.yml`,
    );
    const diff = await cdktf('diff', 'dev-ops');
    expect(diff.code).toBe(0);
    expect(diff.stdout).toMatch(/~ " *scrape_interval: 55s" -> " *scrape_interval: 15s",/);
    expect(diff.stdout).toMatch(/unchanged elements hidden/);
    await deploy();
    expect(await host.mustExec(`grep -c 'scrape_interval: 15s' /etc/prometheus/prometheus.yml`)).not.toBe(
      '0\n',
    );
    expect((await cdktf('diff', 'dev-ops')).stdout).toContain('No changes.');
  });

  it('applies a saved plan, and refuses one that the host has left behind', async () => {
    const terraform = (...args: string[]): Promise<Finished> =>
      lab.operator.exec(['terraform', ...args], {
        cwd: join(folder, 'cdktf.out/stacks/ai-node'),
        env: {
          ...(process.env as Record<string, string>),
          CHECKPOINT_DISABLE: '1',
          TF_IN_AUTOMATION: '1',
          TF_CLI_CONFIG_FILE: '/dev/null',
        },
        timeoutMs: 120_000,
      });
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
    expect((await host.exec('[ -e /etc/prometheus/prometheus.yml ]')).code).toBe(1);
    expect((await host.exec('systemctl -q is-active prometheus')).code).not.toBe(0);
    await deploy();
  });
});
