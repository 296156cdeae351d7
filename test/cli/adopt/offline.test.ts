import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeOfflineRoot } from '../../../scripts/offline-root.mjs';

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));
const COPIED = [
  'bin',
  'citadel.config.ts',
  'lib',
  'stacks',
  'templates',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
];

let project: string;
const ENV = {
  ...process.env,
  CITADEL_INVENTORY: 'stacks/inventory/offline.yaml',
  CITADEL_TARGETS: '',
  NO_COLOR: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
};

function git(words: readonly string[], input = ''): string {
  return execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid', ...words], {
    cwd: project,
    encoding: 'utf8',
    env: ENV,
    input,
  });
}

function citadel(...words: string[]): { stdout: string; stderr: string; status: number | null } {
  return spawnSync(process.execPath, ['bin/citadel-iac.mjs', ...words], {
    cwd: project,
    encoding: 'utf8',
    env: ENV,
    input: '',
    maxBuffer: 64 * 1024 * 1024,
  });
}

const on = (host: string, path: string): string => join(project, '.citadel/offline', host, path);

function edit(host: string, path: string, from: string | RegExp, to: string): void {
  const before = readFileSync(on(host, path), 'utf8');
  const after = before.replace(from, to);
  expect(after).not.toBe(before);
  writeFileSync(on(host, path), after);
}

/** A clone of this project as it is in the working tree, in which a patch may be applied, and two roots. */
beforeAll(() => {
  if (process.getuid?.() !== 0) return;
  project = mkdtempSync(join(tmpdir(), 'citadel-adopt-'));
  for (const name of COPIED) cpSync(join(PROJECT, name), join(project, name), { recursive: true });
  symlinkSync(join(PROJECT, 'node_modules'), join(project, 'node_modules'));
  writeFileSync(join(project, '.gitignore'), 'node_modules\ndist\n.citadel\n.cache\n');
  git(['init', '-q', '-b', 'main']);
  git(['add', '.']);
  git(['commit', '-q', '-m', 'Begin']);
  for (const host of ['ai-node', 'dev-ops']) makeOfflineRoot(on(host, '/'));
  const { status, stdout, stderr } = citadel('apply', '--yes');
  expect(status, stdout + stderr).toBe(0);
}, 300_000);
afterAll(() => {
  if (project !== undefined) rmSync(project, { recursive: true, force: true });
});

describe.skipIf(process.getuid?.() !== 0)(
  'citadel-iac adopt on offline roots (skipped without root: owners are set)',
  () => {
    it('makes of hand edits a patch, after which nothing differs', () => {
      expect(citadel('adopt')).toMatchObject({ status: 0 });
      edit(
        'ai-node',
        '/etc/systemd/system/citadel-phi3.service',
        '--max-model-len 16384',
        '--max-model-len 8192',
      );
      edit(
        'ai-node',
        '/opt/citadel/scripts/back-off',
        'set -eu\n',
        '# by hand: <%= x %> "ü" \u{1F600}\r\n--- a/x\n+++ b/x\n@@ -1 +1 @@\nset -eu\n',
      );
      edit('ai-node', '/opt/citadel/scripts/with-credentials', /\n$/, '');
      edit(
        'ai-node',
        '/etc/polkit-1/rules.d/50-citadel.rules',
        'polkit.addRule',
        '// <% by hand\npolkit.addRule',
      );

      const { status, stdout } = citadel('adopt');
      expect(status, stdout).toBe(2);
      expect(stdout).toContain('hosts.ai-node.ai.models.phi3.maxModelLen: 16384 → 8192');
      expect(stdout).toContain('4 hand-made changes: 4 taken over by a patch to 4 files, 0 only described.');
      expect(git(['status', '--porcelain'])).toBe('');

      git(['apply'], stdout);
      expect(
        git(['status', '--porcelain'])
          .trim()
          .split('\n')
          .map((line) => line.trim()),
      ).toEqual([
        'M stacks/inventory/offline.yaml',
        'M templates/ai-node/etc/polkit-1/rules.d/50-citadel.rules.ejs',
        'M templates/ai-node/opt/citadel/scripts/back-off',
        'M templates/ai-node/opt/citadel/scripts/with-credentials',
      ]);
      const after = citadel('diff');
      expect(after.stdout.match(/Nothing (to do|differs)|No item differs/g), after.stdout).toHaveLength(2);
      expect(after.status).toBe(0);
      expect(citadel('adopt')).toMatchObject({ status: 0 });
    }, 300_000);

    it('writes the same by itself, and describes what has no place', () => {
      git(['add', '.']);
      git(['commit', '-q', '-m', 'Adopt']);
      edit(
        'ai-node',
        '/etc/systemd/system/citadel-vision.service',
        '--max-model-len 2048',
        '--max-model-len 4096',
      );
      appendFileSync(on('ai-node', '/etc/systemd/system/citadel-coder.service'), 'X-By=hand\n');
      chmodSync(on('ai-node', '/opt/citadel/scripts/wait-for-health'), 0o700);
      rmSync(on('dev-ops', '/etc/prometheus/blackbox.yml'));

      const { status, stdout, stderr } = citadel('adopt', '--write', '--yes');
      expect(status, stdout + stderr).toBe(2);
      expect(stderr).toContain('Written: stacks/inventory/offline.yaml.');
      expect(git(['diff', '-U0']).split('\n').slice(-3)).toEqual([
        '-          maxModelLen: 2048',
        '+          maxModelLen: 4096',
        '',
      ]);
      expect(stdout).toContain('mode 0700 → 0755');
      expect(stdout).toContain('not taken over: it was removed by hand');
      expect(stdout).toContain('no values of the inventory make exactly this edit');
      const { hosts } = JSON.parse(citadel('diff', '--json').stdout) as {
        hosts: Record<string, { changes: { key: string }[] }>;
      };
      expect(hosts['ai-node']!.changes.map(({ key }) => key)).toEqual([
        '/etc/systemd/system/citadel-coder.service',
        '/opt/citadel/scripts/wait-for-health',
      ]);
    }, 300_000);
  },
);
