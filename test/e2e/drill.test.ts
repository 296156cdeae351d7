import { afterAll, beforeAll, expect, it } from 'vitest';
import { inspect, parseReport, prepare, rebuildHost, type Report } from '../drill/drill.js';
import { DrillSite } from '../drill/site.js';
import { repository } from '../lab/layout.js';
import { run } from '../lab/process.js';
import { describeLab } from '../lab/suite.js';
import { CdktfProject } from './cdktf-project.js';

const MODELS = ['coder', 'hermes', 'mixtral', 'openchat', 'phi3', 'vision', 'yi34b'];

describeLab('an AI node that is lost, all but its backup disk', (lab) => {
  const host = lab.host('ai-node');
  let site: DrillSite;
  let before = '';
  let report: Report;

  const outcomes = (of: Report): string[] => of.steps.map(({ name, outcome }) => `${name}: ${outcome}`);

  beforeAll(async () => {
    await host.reset();
    site = await DrillSite.open(lab);
    before = await prepare(site, ['ai-node']);
    expect(before).toContain('.safetensors');
    await site.destroy('ai-node');
  }, 900_000);

  afterAll(async () => {
    await site.close();
  });

  it('is a bare machine: no account, no sudo, no models, another host key', async () => {
    const look =
      'getent passwd agent0; command -v sudo; ls /opt /etc/sudoers.d; blkid -s LABEL -o value /dev/nvme1n1p1';
    const { stdout } = await host.exec(look);
    expect(stdout).not.toContain('agent0');
    expect(stdout).not.toContain('sudo\n');
    expect(stdout).not.toContain('citadel\n');
    expect(stdout).toContain('citadel-models\n');
  });

  // One run only: each tries an account that is not there yet, and sshd shuts out who fails to log in too often.
  it('is not rebuilt on a disk that the system uses', async () => {
    const key = await site.consoleKey('ai-node');
    await host.mustExec('mkdir -p /boot/efi && mount /dev/nvme1n1p1 /boot/efi');
    const { code, stderr } = await site.cli('rebuild', 'ai-node', '--host-key', key, '--yes');
    await host.mustExec('umount /boot/efi && rmdir /boot/efi');
    expect(stderr).toContain(
      'mounts./mnt/citadel-models: LABEL=citadel-models (/dev/nvme1n1p1) is in use by the system itself: /boot/efi. Find the disk',
    );
    expect(code).toBe(1);
  });

  it('is sent nothing before someone vouches for its new key', async () => {
    const { code, stderr } = await site.cli('rebuild', 'ai-node', '--yes');
    expect(code).toBe(1);
    const key = await site.consoleKey('ai-node');
    expect(stderr).toContain(`citadel-iac rebuild ai-node --host-key ${key} (for this run)`);
    expect(await host.mustExec('ls /opt')).toBe('');
  });

  it('goes on where a run ended that was killed before the models came back', async () => {
    const key = await site.consoleKey('ai-node');
    const killed = lab.operator.spawn(site.argv('rebuild', 'ai-node', '--host-key', key, '--yes'), {
      cwd: site.project,
      env: site.environment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await new Promise<void>((done, failed) => {
      let said = '';
      killed.on('close', () => failed(new Error(`it ended before the models: ${said}`)));
      killed.stderr?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('looking at the weights')) done();
      });
    });
    killed.removeAllListeners('close');
    const ended = new Promise((done) => killed.once('close', done));
    killed.kill('SIGKILL');
    await ended;
    expect((await host.exec(['systemctl', 'is-active', 'citadel-phi3.service'])).stdout).toBe('inactive\n');

    report = await rebuildHost(site, 'ai-node');
    expect(outcomes(report)).toEqual([
      'reach: done',
      'bootstrap: already',
      'disks: already',
      'configuration: already',
      'weights: done',
      'services: done',
      'reboot: already',
      'verification: done',
    ]);
  });

  it('has every model bit for bit, everything runs, and diff finds nothing', async () => {
    await inspect(site, ['ai-node'], [report], before);
    const units = [
      ...MODELS.map((name) => `citadel-${name}.service`),
      'citadel-monitor.service',
      'citadel-ai.target',
    ];
    const states = await host.mustExec(['systemctl', 'is-active', ...units]);
    expect(states.trim().split('\n')).toEqual(units.map(() => 'active'));
    expect((await host.exec('citadel health', { user: 'agent0' })).code).toBe(0);
    expect(
      await host.mustExec('curl -fsS http://192.168.10.35:11403/health -o /dev/null -w "%{http_code}"'),
    ).toBe('200');
  });

  it('reports times, where models came from and how old that was, what is lost, and what is left to do', async () => {
    expect(report.models.map(({ model, how }) => `${model} ${how}`)).toEqual(
      MODELS.map((name) => `${name} restored`),
    );
    for (const { source, bytes, ageSec, skipped } of report.models) {
      expect(source).toMatch(/^models\/daily\//);
      expect(bytes).toBeGreaterThan(100_000);
      expect(ageSec).toBeLessThan(3600);
      expect(skipped).toEqual([]);
    }
    expect(report.recoveryPoint?.ageSec).toBe(Math.max(...report.models.map(({ ageSec }) => ageSec ?? 0)));
    expect(report.losses.map(({ what }) => what).join('\n')).toContain('changed by hand');
    expect(report.lostModels).toEqual([]);
    expect(report.todo.join('\n')).toContain(
      `Put ${await site.consoleKey('ai-node')} into hosts.ai-node.ssh.hostKeys`,
    );
  });

  it('has nothing left to do when it is run again', async () => {
    const again = parseReport(await site.cli('rebuild', 'ai-node', '--yes', '--json'));
    expect(outcomes(again).slice(1, -1)).toEqual(
      ['bootstrap', 'disks', 'configuration', 'weights', 'services', 'reboot'].map(
        (name) => `${name}: already`,
      ),
    );
    expect(again.todo).toEqual([]);
  });

  it('is taken over by Terraform by its name, without a state, and there is nothing to deploy', async () => {
    const project = await CdktfProject.open(lab);
    try {
      const synth = await project.cdktf(['synth'], site.environment());
      expect(synth.code, synth.stdout + synth.stderr).toBe(0);
      for (const words of [
        ['init', '-input=false', '-no-color'],
        ['import', '-input=false', '-no-color', 'citadel_host.ai-node', 'ai-node'],
      ]) {
        const run = await project.terraform('ai-node', ...words);
        expect(run.code, run.stdout + run.stderr).toBe(0);
      }
      const deploy = await project.cdktf(['deploy', 'ai-node', '--auto-approve'], site.environment());
      expect(deploy.code, deploy.stdout + deploy.stderr).toBe(0);
      expect(deploy.stdout).toContain('No changes.');
    } finally {
      await project.close();
    }
  });
});

describeLab(
  'both hosts with all disks and the operator’s folder, lost together (skipped: a long check, drills)',
  (lab) => {
    it.runIf(process.env['CITADEL_LONG_CHECK'] === 'drills')(
      'are rebuilt from a fresh clone, the secrets’ identity and the off-site store, also from a damaged one',
      async () => {
        const drill = await run(['npm', 'run', '--silent', 'drill', '--', '--everything'], {
          cwd: repository,
          env: { ...(process.env as Record<string, string>), CITADEL_LAB_NAME: lab.name },
          timeoutMs: 880_000,
        });
        expect(drill.code, drill.stdout + drill.stderr).toBe(0);
        console.log(drill.stdout);
        for (const title of [
          'ai-node, all disks lost: rebuilt',
          'dev-ops, all disks lost: rebuilt',
          'dev-ops, store damaged: partly',
        ])
          expect(drill.stdout).toMatch(
            new RegExp(
              `^${title}\\n( {2}[a-z]+ +[\\d.]+ s .*\\n)+ {2}together .*\\n {2}recovery point +\\d+ s`,
              'm',
            ),
          );
      },
      900_000,
    );
  },
);
