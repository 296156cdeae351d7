import { chmodSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HostManifest } from '../../lib/manifest/index.js';
import { contentOf, inventoryOf, manifestOf } from './example.js';
import { scratch, writeTree } from './scratch.js';
import { hasTool, tool } from './tools.js';

const INVENTORIES = ['citadel', 'lab'];

/** One file of a host, alone in a directory. */
function file(manifest: HostManifest, path: string): string {
  const directory = scratch();
  writeTree(directory, { file: contentOf(manifest, path) });
  return join(directory, 'file');
}

function filesThat(manifest: HostManifest, validate: string): string[] {
  return Object.entries(manifest.files ?? {})
    .filter(([, { validate: validator }]) => validator === validate)
    .map(([path]) => path);
}

/**
 * Each tool reads what it would read on the host. A case is skipped where its tool is missing (CI requires all of them).
 */
describe.each(INVENTORIES)('the example of %s.yaml, by the tools that will read it', (name) => {
  const inventory = inventoryOf(name);
  const aiNode = manifestOf(inventory, 'ai-node');
  const devOps = manifestOf(inventory, 'dev-ops');

  it.skipIf(!hasTool('promtool'))('promtool takes prometheus.yml and the rules it names', () => {
    const root = scratch();
    const config = contentOf(devOps, '/etc/prometheus/prometheus.yml').replaceAll(
      '/etc/prometheus/',
      `${root}/`,
    );
    const rules = filesThat(devOps, 'prometheus-rules');
    const targets = Object.keys(devOps.files ?? {}).filter((path) =>
      path.startsWith('/etc/prometheus/targets/'),
    );
    writeTree(root, {
      'prometheus.yml': config,
      ...Object.fromEntries(
        [...rules, ...targets].map((path) => [path.replace('/etc/prometheus/', ''), contentOf(devOps, path)]),
      ),
    });
    const { status, output } = tool('promtool', ['check', 'config', join(root, 'prometheus.yml')]);
    expect(output).toContain(`${rules.length} rule files found`);
    // A file of targets that is not there, or cannot be read, is a warning or a failure.
    expect(output).not.toContain('WARNING');
    expect(status).toBe(0);
  });

  it.skipIf(!hasTool('amtool'))('amtool takes alertmanager.yml and routes to the operators', () => {
    const config = file(devOps, '/etc/prometheus/alertmanager.yml');
    expect(tool('amtool', ['check-config', config])).toMatchObject({ status: 0 });
    const route = ['config', 'routes', 'test', `--config.file=${config}`, '--verify.receivers=operators'];
    expect(tool('amtool', [...route, 'severity=critical', 'alertname=HostDown'])).toMatchObject({
      status: 0,
    });
  });

  it.skipIf(!hasTool('visudo'))('visudo takes the sudoers files, with their modes', () => {
    const paths = filesThat(aiNode, 'sudoers');
    expect(paths).toEqual(['/etc/sudoers.d/citadel-agent0']);
    for (const path of paths) {
      const copy = file(aiNode, path);
      chmodSync(copy, Number.parseInt(aiNode.files?.[path]?.mode ?? '', 8));
      expect(tool('visudo', ['-c', '-f', copy])).toMatchObject({ status: 0 });
    }
  });

  it.skipIf(!hasTool('logrotate'))('logrotate takes its file without a word of complaint', () => {
    // Accounts of the host do not exist here; root does.
    const root = scratch();
    writeTree(root, {
      file: contentOf(aiNode, '/etc/logrotate.d/citadel-ai').replaceAll('agent0', 'root'),
      'logs/a.log': 'x',
    });
    const { status, output } = tool('logrotate', ['-d', '-s', join(root, 'state'), join(root, 'file')]);
    expect(output).not.toMatch(/error|warning: (?!logrotate in debug mode)/i);
    expect(status).toBe(0);
  });

  it.skipIf(!hasTool('nft') || process.getuid?.() !== 0)('nft takes both firewalls', () => {
    for (const manifest of [aiNode, devOps]) {
      const rules = file(manifest, '/etc/nftables.conf');
      expect(tool('unshare', ['--net', 'nft', '--check', '--file', rules])).toEqual({
        status: 0,
        output: '',
      });
    }
  });

  describe.skipIf(!hasTool('systemd-analyze'))('systemd', () => {
    const units = filesThat(aiNode, 'systemd-unit');

    it('takes every unit', () => {
      const { root, names } = withUnits(aiNode, units);
      const { status, output } = tool('systemd-analyze', [
        'verify',
        '--recursive-errors=no',
        '--man=no',
        `--root=${root}`,
        ...names,
      ]);
      expect(output).toBe('');
      expect(status).toBe(0);
    });

    it('finds every service well protected', () => {
      const services = units.filter((path) => path.endsWith('.service'));
      expect(services.length).toBeGreaterThanOrEqual(14);
      const { root } = withUnits(aiNode, services);
      const exposed = services.filter((path) => {
        const args = ['security', '--offline=true', '--threshold=30', '--no-pager', join(root, path)];
        return tool('systemd-analyze', args).status !== 0;
      });
      expect(exposed).toEqual([]);
    }, 120_000);
  });
});

/** A root with systemd's own units, those of `paths`, and an empty program for each that they run. */
function withUnits(manifest: HostManifest, paths: readonly string[]): { root: string; names: string[] } {
  const root = scratch();
  cpSync('/usr/lib/systemd/system', join(root, 'usr/lib/systemd/system'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  const texts = Object.fromEntries(paths.map((path) => [path, contentOf(manifest, path)]));
  const programs = Object.values(texts).flatMap((text) =>
    [...text.matchAll(/^Exec\w+=[-@:+!]*"?(\/[^\s"]+)/gm)].map(([, program = '']) => program),
  );
  writeTree(root, { ...texts, ...Object.fromEntries(programs.map((path) => [path, ''])) });
  for (const path of programs) chmodSync(join(root, path), 0o755);
  return { root, names: paths.map((path) => path.slice(path.lastIndexOf('/') + 1)) };
}
