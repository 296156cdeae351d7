import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabHost } from '../lab/api.js';
import type { Validator } from '../../lib/manifest/index.js';
import { validateManifest } from '../../lib/manifest/validate.js';
import type { HostManifest } from '../../lib/manifest/index.js';
import { describeLab } from '../lab/suite.js';
import { fingerprint, Workbench } from './harness.js';
import { document, files, FURNISH, REFUSALS, SOUND } from './validator-cases.js';

interface BadFile {
  readonly name: string;
  readonly path: string;
  readonly content: string;
  readonly validate: Validator;
  readonly mode?: string;
  /** Words of the tool itself. */
  readonly words: RegExp;
}

const CASES: readonly BadFile[] = [
  {
    name: 'a Prometheus rule',
    path: '/etc/prometheus/rules/demo.yml',
    content: 'groups:\n  - name: demo\n    rules:\n      - alert: Broken\n        expr: up ==\n',
    validate: 'prometheus-rules',
    words: /parse error/,
  },
  {
    name: 'a Prometheus configuration',
    path: '/etc/prometheus/prometheus.yml',
    content: 'scrape_configs:\n  - job_nam: x\n',
    validate: 'prometheus-config',
    words: /job_nam/,
  },
  {
    name: 'an Alertmanager configuration',
    path: '/etc/prometheus/alertmanager.yml',
    content: 'route:\n  receiver: nobody\nreceivers: []\n',
    validate: 'alertmanager-config',
    words: /nobody/,
  },
  {
    name: 'a unit',
    path: '/etc/systemd/system/demo-bad.service',
    content: '[Service]\nExecStart=/no/such/program\n',
    validate: 'systemd-unit',
    words: /no\/such\/program/,
  },
  {
    name: 'an nftables ruleset',
    path: '/etc/nftables.conf',
    content: 'table inet demo {\n  chain input { type filter hook nowhere priority 0; }\n}\n',
    validate: 'nftables',
    words: /nowhere/,
  },
  {
    name: 'a sudoers file',
    path: '/etc/sudoers.d/demo',
    content: 'agent0 ALL=(ALL NOPASSWD ALL\n',
    validate: 'sudoers',
    mode: '0440',
    words: /syntax error/,
  },
  {
    name: 'a logrotate file',
    path: '/etc/logrotate.d/demo',
    content: '/var/log/demo.log {\n  rotate many\n}\n',
    validate: 'logrotate',
    words: /rotation count|many/,
  },
  {
    name: 'a cron file without its last newline',
    path: '/etc/cron.d/demo',
    content: '0 3 * * * root /usr/bin/true',
    validate: 'cron',
    words: /newline/,
  },
];

function manifestWith(file: BadFile): HostManifest {
  return validateManifest({
    version: 1,
    host: 'dev-ops',
    files: {
      '/opt/good.conf': { content: 'good\n', owner: 'root', group: 'root', mode: '0644' },
      [file.path]: {
        content: file.content,
        owner: 'root',
        group: 'root',
        mode: file.mode ?? '0644',
        validate: file.validate,
      },
    },
    origins: { [`files/${file.path}`]: `dev-ops/demo/${file.validate}` },
  });
}

describeLab('a refusal by a validator', (lab) => {
  let bench: Workbench;
  let host: LabHost;

  beforeAll(async () => {
    await lab.reset('dev-ops');
    // The tools that refuse must be there, and nothing else of this test may depend on what installing them writes.
    await lab
      .host('dev-ops')
      .mustExec(
        'apt-get -qq -y --no-install-recommends install prometheus prometheus-alertmanager >/dev/null 2>&1',
        {
          timeoutMs: 120_000,
        },
      );
    bench = await Workbench.open(lab);
    host = lab.host('dev-ops');
  });

  afterAll(() => bench.close());

  it.each(CASES)('leaves the host as it was: $name', async (file) => {
    const before = await fingerprint(host, { mtimes: true });
    const run = await bench.cli([
      'apply',
      '--yes',
      '--manifest',
      await bench.writeManifest(manifestWith(file)),
    ]);
    expect(run.code).toBe(1);
    const output = run.stdout + run.stderr;
    expect(output).toMatch(file.words);
    expect(output).toContain(`dev-ops/demo/${file.validate}`);
    expect(output).toContain('Nothing was changed');
    expect(await fingerprint(host, { mtimes: true })).toBe(before);
  });

  it('is that of the plan for a unit by another name of it, and says the right one', async () => {
    const named = (unit: string): HostManifest => ({
      version: 1,
      host: 'dev-ops',
      units: { [unit]: { enabled: true, state: 'running', restartOn: [], reloadOn: [], wave: 0 } },
    });
    const alias = await bench.writeManifest(named('sshd.service'));
    const run = await bench.cli(['apply', '--yes', '--manifest', alias]);
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('Write ssh.service.') as string]);
    await host.mustExec('systemctl disable -q ssh.service');
    await bench.apply(named('ssh.service'));
    expect(await host.mustExec('systemctl is-enabled ssh.service')).toBe('enabled\n');
  });
});

describeLab('the validators', (lab) => {
  let bench: Workbench;

  beforeAll(async () => {
    await Promise.all(HOSTS.map((name) => lab.reset(name)));
    bench = await Workbench.open(lab);
    for (const name of HOSTS) await lab.host(name).mustExec(FURNISH);
  });

  afterAll(() => bench.close());

  describe.each(HOSTS)('of %s', (name) => {
    it.each(REFUSALS.filter(({ on }) => on.includes(name)))(
      'refuse $name',
      async ({ parts, words, before }) => {
        const host = lab.host(name);
        if (before !== undefined) await host.mustExec(before);
        const path = await bench.writeManifest(document(name, parts));
        const run = await bench.cli(['apply', '--yes', '--manifest', path]);
        expect(run.stdout + run.stderr).toMatch(words);
        expect(run.stdout + run.stderr).toContain('Nothing was changed');
        expect(run.code).toBe(1);
        await host.exec('[ ! -e /root/sshd_config ] || mv /root/sshd_config /etc/ssh/sshd_config');
      },
    );

    it('take what is sound, and show what its author should know', async () => {
      const run = await bench.apply(document(name, SOUND));
      const output = run.stdout + run.stderr;
      expect(output).toMatch(/syslog is obsolete/);
      expect(output).toMatch(/demo-late\.service: \/opt\/late is not there now/);
      expect(output).toMatch(/serve is not there now \(srv-parts\.mount mounts what it lies on\)/);
      expect(output).toMatch(/demo-root\.service: \/bin\/other is not there now/);
      expect(output).not.toContain('overlayfs');
      expect((await bench.diff(document(name, SOUND))).changes).toEqual([]);
      await lab.host(name).mustExec('findmnt /models && [ ! -e /run/citadel-iac-candidate.root ]');
    });

    it('judge the owner and mode that a file will have, not those that it was given by hand', async () => {
      const host = lab.host(name);
      await host.mustExec(
        'chmod 0777 /etc/logrotate.d/demo && chown games:games /etc/ssh/sshd_config.d/demo.conf',
      );
      await bench.apply(document(name, SOUND));
      expect(
        await host.mustExec('stat -c "%a %U" /etc/logrotate.d/demo /etc/ssh/sshd_config.d/demo.conf'),
      ).toBe('644 root\n644 root\n');
    });

    it('want a program on a disk of this apply once the disk is there', async () => {
      const host = lab.host(name);
      const bare = {
        ...SOUND,
        files: { ...SOUND.files, ...files({ '/etc/systemd/system/demo-disk.service': EMPTY_DISK }) },
        blocks: {
          '/etc/fstab': { ...SOUND.blocks?.['/etc/fstab'], '/bare': 'none /bare tmpfs nofail 0 0\n' },
        },
        mounts: {
          ...SOUND.mounts,
          '/bare': { source: 'none', type: 'tmpfs', options: ['nofail'], state: 'mounted' as const },
        },
      };
      const run = await bench.cli([
        'apply',
        '--yes',
        '--manifest',
        await bench.writeManifest(document(name, bare)),
      ]);
      expect(run.stdout + run.stderr).toContain('/bare/serve is not executable');
      expect(run.code).toBe(3);
      await host.mustExec('! findmnt /bare && [ ! -e /bare ]');
    });

    it('read a unit without the drop-in that leaves', async () => {
      const host = lab.host(name);
      const dropIn = '/etc/systemd/system/demo-theirs.service.d/exec.conf';
      await host.mustExec(`printf '[Unit]\\nDescription=x\\n' >/etc/systemd/system/demo-theirs.service`);
      await bench.apply(document(name, { files: files({ [dropIn]: '[Service]\nExecStart=/bin/true\n' }) }));
      const run = await bench.cli([
        'apply',
        '--yes',
        '--manifest',
        await bench.writeManifest(document(name, {})),
      ]);
      expect(run.stdout + run.stderr).toMatch(/has no ExecStart=/);
      expect(run.code).toBe(1);
    });
  });
});

const HOSTS = ['dev-ops', 'ai-node'] as const;
const EMPTY_DISK = '[Unit]\nRequiresMountsFor=/bare\n[Service]\nExecStart=/bare/serve\n';
