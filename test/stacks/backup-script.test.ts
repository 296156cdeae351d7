import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadTemplate, renderTemplate } from '../../lib/render/index.js';
import { scratch, writeTree } from './scratch.js';
import { hasTool, tool } from './tools.js';

interface Values {
  readonly directory: string;
  readonly mountPoint: string | undefined;
  readonly keep: number;
  readonly sources: readonly string[];
  readonly metrics: string;
}

const USUAL: Values = {
  directory: '/mnt/citadel-backup',
  mountPoint: '/mnt/citadel-backup',
  keep: 7,
  sources: ['/opt/citadel/configs', '/etc/fstab'],
  metrics: '/var/lib/prometheus/node-exporter',
};

function script(values: Values): string {
  return renderTemplate(loadTemplate('ai-node/opt/citadel/scripts/backup-configs.ejs'), { ...values });
}

/** A directory with something to save, a place for archives and one for metrics; the script is run for real. */
function place(over: Partial<Values> = {}) {
  const root = scratch();
  const values: Values = {
    directory: join(root, "backup's disk"),
    mountPoint: undefined,
    keep: 2,
    sources: [join(root, 'configs'), join(root, 'absent')],
    metrics: join(root, 'metrics'),
    ...over,
  };
  writeTree(root, {
    'configs/model.toml': 'port = 11403\n',
    'bin/logger': '#!/bin/sh\n',
    run: script(values),
  });
  mkdirSync(values.metrics);
  mkdirSync(values.directory);
  chmodSync(join(root, 'bin/logger'), 0o755);
  const run = () =>
    tool('sh', [join(root, 'run')], { env: { PATH: `${join(root, 'bin')}:${process.env['PATH'] ?? ''}` } });
  const archives = () =>
    readdirSync(join(values.directory, 'configs')).filter((name) => name.startsWith('configs-'));
  return { root, values, run, archives };
}

describe('the backup script', () => {
  it('writes an archive that can be read back, and the metric that says so', () => {
    const { root, values, run, archives } = place();
    const { status, output } = run();
    expect(output).toContain('backup done');
    expect(status).toBe(0);
    const [archive = ''] = archives();
    const restored = scratch();
    expect(tool('tar', ['-xzf', join(values.directory, 'configs', archive), '-C', restored]).status).toBe(0);
    expect(readFileSync(join(restored, root, 'configs/model.toml'), 'utf8')).toBe('port = 11403\n');
    const metrics = readFileSync(join(values.metrics, 'citadel-backup.prom'), 'utf8');
    expect(metrics).toMatch(/^citadel_backup_last_success_timestamp_seconds\{backup="configs"\} \d{10}$/m);
    expect(metrics).toMatch(/^citadel_backup_size_bytes\{backup="configs"\} [1-9]\d*$/m);
  });

  it('keeps the newest archives and no half-written ones', () => {
    const { values, run, archives } = place({ keep: 2 });
    const folder = join(values.directory, 'configs');
    mkdirSync(folder);
    for (const name of ['20260101T000000Z', '20260102T000000Z', '20260103T000000Z']) {
      writeFileSync(join(folder, `configs-${name}.tar.gz`), '');
    }
    writeFileSync(join(folder, 'somebody-elses.tar.gz'), '');
    expect(run().status).toBe(0);
    expect(archives()).toHaveLength(2);
    expect(archives()).toContain('configs-20260103T000000Z.tar.gz');
    expect(existsSync(join(folder, 'somebody-elses.tar.gz'))).toBe(true);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('writes nothing when the disk is not mounted', () => {
    const root = scratch();
    const { values, run } = place({ mountPoint: root });
    const { status, output } = run();
    expect(output).toContain('no disk is mounted');
    expect(status).toBe(1);
    expect(readdirSync(values.directory)).toEqual([]);
    expect(readdirSync(values.metrics)).toEqual([]);
  });

  it('fails, and leaves the metric of the last success, when there is nothing to save', () => {
    const { values, run, archives } = place({ sources: ['/nonexistent/a'] });
    writeFileSync(join(values.metrics, 'citadel-backup.prom'), 'old\n');
    expect(run().status).toBe(1);
    expect(archives()).toEqual([]);
    expect(readFileSync(join(values.metrics, 'citadel-backup.prom'), 'utf8')).toBe('old\n');
  });

  /** Skipped where shellcheck is missing. */
  it.skipIf(!hasTool('shellcheck'))('is clean to shellcheck, with and without a disk of its own', () => {
    for (const values of [USUAL, { ...USUAL, mountPoint: undefined, directory: '/srv/it is here' }]) {
      const directory = scratch();
      writeTree(directory, { run: script(values) });
      expect(tool('shellcheck', [join(directory, 'run')])).toEqual({ status: 0, output: '' });
    }
  });
});
