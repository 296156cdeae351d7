import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LabHost } from '../lab/api.js';
import type { Validator } from '../../lib/manifest/index.js';
import { validateManifest } from '../../lib/manifest/validate.js';
import type { HostManifest } from '../../lib/manifest/index.js';
import { describeLab } from '../lab/suite.js';
import { fingerprint, Workbench } from './harness.js';

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
});
