import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { Workspace } from '../support/terraform.js';

const lines = (count: number): string => Array.from({ length: count }, (_, i) => `line ${i + 1}\n`).join('');
const root = { owner: 'root', group: 'root' };

const box: HostManifest = {
  version: 1,
  host: 'box',
  directories: { '/etc/app': { ...root, mode: '0750' } },
  files: {
    '/etc/app/a.conf': { content: lines(30), ...root, mode: '0644' },
    '/etc/app/secret.conf': { content: 'user = me\npassword = @@secret:db@@\n', ...root, mode: '0600' },
  },
  blocks: { '/etc/fstab': { '/mnt/data': '/dev/sda1 /mnt/data ext4 defaults 0 2\n' } },
  symlinks: { '/opt/current': { target: '/opt/v1' } },
  mounts: { '/mnt/data': { source: '/dev/sda1', type: 'ext4', options: ['defaults'], state: 'present' } },
  origins: { 'files//etc/app/a.conf': 'box/app/config' },
};

describe(
  'citadel_host in real Terraform, with the real engine on an offline root',
  { timeout: 180_000 },
  () => {
    let workspace: Workspace;
    const onHost = (path: string): string => join(workspace.root, path);
    const edit = (path: string, text: string): void => {
      mkdirSync(dirname(onHost(path)), { recursive: true });
      writeFileSync(onHost(path), text);
    };
    const write = (manifest: HostManifest): void =>
      workspace.write(manifest, { secrets: { db: { file: 'db.secret' } } });

    beforeEach(async () => {
      workspace = Workspace.create();
      writeFileSync(join(workspace.folder, 'db.secret'), 'pl4nted-v4lue\n');
      for (const folder of ['etc', 'opt', 'var/lib', 'mnt']) mkdirSync(onHost(folder), { recursive: true });
      edit('/etc/fstab', '# theirs\nproc /proc proc defaults 0 0\n');
      write(box);
      const init = await workspace.terraform('init', '-input=false');
      expect(init.output).toContain('successfully initialized');
    });
    afterEach(() => workspace.dispose());

    it('adopts, applies, has nothing to do, shows drift of each kind and heals it', async () => {
      edit('/etc/app/a.conf', lines(30).replace('line 9\n', 'line nine\n'));
      const first = await workspace.terraform('plan');
      expect(first.output).toContain('"-line nine",');
      expect(first.output).toContain('"+line 9",');
      expect(first.output).toMatch(/"\/etc\/app\/secret\.conf" = "0600 root:root 2 lines \w+"/);

      const apply = await workspace.terraform('apply', '-auto-approve');
      expect(apply.output).toContain('1 added');
      expect(readFileSync(onHost('/etc/app/secret.conf'), 'utf8')).toBe(
        'user = me\npassword = pl4nted-v4lue\n',
      );
      expect(readFileSync(onHost('/etc/fstab'), 'utf8')).toMatch(/^# theirs\nproc .*\n# BEGIN citadel-iac/);
      const again = await workspace.terraform('plan', '-detailed-exitcode');
      expect(again.output).toContain('No changes');
      expect(again.status).toBe(0);

      edit('/etc/app/a.conf', lines(30).replace('line 9\n', 'line nine\n'));
      edit('/etc/app/secret.conf', 'user = you\npassword = other-s3cret\n');
      const fstab = readFileSync(onHost('/etc/fstab'), 'utf8');
      edit('/etc/fstab', `${fstab.replace('ext4 defaults', 'ext4 noatime')}# more of theirs\n`);
      unlinkSync(onHost('/opt/current'));
      symlinkSync('/opt/v2', onHost('/opt/current'));
      const drift = await workspace.terraform('plan', '-detailed-exitcode');
      expect(drift.status).toBe(2);
      expect(drift.output).toContain('+ "-line nine",');
      expect(drift.output).toContain('+ "+line 9",');
      expect(drift.output).toMatch(/~ "\/opt\/current" += "\/opt\/v2" -> "\/opt\/v1"/);
      expect(drift.output).toContain('/dev/sda1 /mnt/data ext4 noatime 0 2');
      expect(drift.output).toMatch(/"-password = <secret db #[0-9a-f]+>"/);
      expect(drift.output).toContain('"+password = <secret db>"');

      await workspace.terraform('apply', '-auto-approve');
      expect(readFileSync(onHost('/etc/fstab'), 'utf8')).toBe(`${fstab}# more of theirs\n`);
      expect((await workspace.terraform('plan', '-detailed-exitcode')).status).toBe(0);
      const refreshed = await workspace.terraform('plan', '-refresh-only', '-detailed-exitcode');
      expect(refreshed.status, refreshed.output).toBe(0);

      const everything = [first, apply, again, drift].map((it) => it.output).join('');
      const files = readdirSync(workspace.folder).filter((name) => name.includes('tfstate'));
      const states = files.map((name) => readFileSync(join(workspace.folder, name), 'utf8')).join('');
      expect(everything + states).not.toContain('pl4nted-v4lue');
      expect(everything + states).not.toContain('other-s3cret');
    });

    it('imports by name, and destroys without touching what it adopted', async () => {
      await workspace.terraform('apply', '-auto-approve');
      const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
      expect(readFileSync(onHost('/var/lib/citadel-iac/current/tool'), 'utf8')).toBe(`${version}\n`);
      const { mtimeMs } = lstatSync(onHost('/var/lib/citadel-iac/current'));
      for (const name of readdirSync(workspace.folder)) {
        if (name.includes('tfstate')) unlinkSync(join(workspace.folder, name));
      }
      const imported = await workspace.terraform('import', 'citadel_host.host', 'box');
      expect(imported.output).toContain('Import successful!');
      expect((await workspace.terraform('plan', '-detailed-exitcode')).status).toBe(0);
      expect(lstatSync(onHost('/var/lib/citadel-iac/current')).mtimeMs).toBe(mtimeMs);

      const destroy = await workspace.terraform('destroy', '-auto-approve');
      expect(destroy.output).toContain('1 destroyed');
      expect(existsSync(onHost('/etc/app'))).toBe(false);
      expect(readFileSync(onHost('/etc/fstab'), 'utf8')).toBe('# theirs\nproc /proc proc defaults 0 0\n');
    });

    it('names the secret and its source when it cannot be found', async () => {
      unlinkSync(join(workspace.folder, 'db.secret'));
      const plan = await workspace.terraform('plan');
      expect(plan.status).toBe(1);
      expect(plan.output).toContain('db.secret');
    });
  },
);
