import { validateManifest } from '../../lib/manifest/validate.js';
import type { HostManifest } from '../../lib/manifest/index.js';

const root = { owner: 'root', group: 'root', mode: '0644' } as const;

export type Parts = Partial<Omit<HostManifest, 'version' | 'host'>>;

/** Files of root by their paths, with no validator named: their paths say which. */
export function files(
  contents: Readonly<Record<string, string>>,
  mode = '0644',
): NonNullable<HostManifest['files']> {
  return Object.fromEntries(
    Object.entries(contents).map(([path, content]) => [path, { ...root, mode, content }]),
  );
}

export function document(host: string, parts: Parts): HostManifest {
  return validateManifest({ version: 1, host, ...parts });
}

const unit = (...lines: string[]): string => ['[Unit]', 'Description=Demo', ...lines, ''].join('\n');

export interface Refusal {
  readonly name: string;
  readonly parts: Parts;
  /** What the operator reads: the tool's own message, or ours. */
  readonly words: RegExp;
  /** What stands on the host before, made by a person. */
  readonly before?: string;
  /** Where it is tried: on both where the tools of Debian 12 and 13 say it otherwise. */
  readonly on: readonly ('dev-ops' | 'ai-node')[];
}

/** Each would be taken without a message by a host that was only copied to. */
export const REFUSALS: readonly Refusal[] = [
  {
    name: 'an option that sshd does not know, without a line end for terminals',
    on: ['dev-ops', 'ai-node'],
    parts: { files: files({ '/etc/ssh/sshd_config.d/demo.conf': 'BogusOption yes\n' }) },
    words: /Bad configuration option: BogusOption\n/,
  },
  {
    name: 'a link to such a file',
    on: ['dev-ops'],
    parts: { symlinks: { '/etc/ssh/sshd_config.d/demo.conf': { target: '/srv/demo-sshd' } } },
    words: /OtherOption/,
    before: 'echo OtherOption yes >/srv/demo-sshd',
  },
  {
    name: 'a block of sshd_config that would hold for a Match alone',
    on: ['ai-node'],
    parts: { blocks: { '/etc/ssh/sshd_config': { demo: 'PasswordAuthentication no\n' } } },
    words: /"demo" stands below "Match User games".*sshd_config\.d/,
    before: `cp /etc/ssh/sshd_config /root/sshd_config; printf 'Match User games\\n  X11Forwarding no\\n' >>/etc/ssh/sshd_config`,
  },
  {
    name: 'sudoers',
    on: ['dev-ops'],
    parts: { files: files({ '/etc/sudoers.d/demo': 'games ALL=(ALL NOPASSWD\n' }, '0440') },
    words: /syntax error/,
  },
  {
    name: 'a log that another file of logrotate names',
    on: ['dev-ops', 'ai-node'],
    parts: { files: files({ '/etc/logrotate.d/aa-demo': '/var/log/dpkg.log {\n  missingok\n}\n' }) },
    words: /duplicate log entry for \/var\/log\/dpkg\.log/,
  },
  {
    name: 'an option that logrotate passes over',
    on: ['dev-ops', 'ai-node'],
    parts: {
      files: files({ '/etc/logrotate.d/demo': '/var/log/demo.log {\n  roatate 4\n  missingok\n}\n' }),
    },
    words: /demo:2 unknown option 'roatate'/,
  },
  {
    name: 'a line that sysctl passes over',
    on: ['dev-ops'],
    parts: { files: files({ '/etc/sysctl.d/demo.conf': 'kernel.panic\n' }) },
    words: /invalid syntax/,
  },
  {
    name: 'a key that no kernel has',
    on: ['ai-node'],
    parts: { files: files({ '/etc/sysctl.d/demo.conf': 'kernel.nonesuch = 1\n' }) },
    words: /kernel\/nonesuch/,
  },
  {
    name: 'a key that systemd passes over',
    on: ['dev-ops'],
    parts: {
      files: files({
        '/etc/systemd/system/demo.service': unit('[Service]', 'ExceStart=/bin/true', 'ExecStart=/bin/true'),
      }),
    },
    words: /ExceStart/,
  },
  {
    name: 'a program that nothing brings',
    on: ['ai-node'],
    parts: {
      files: files({
        '/etc/systemd/system/demo.service': unit(
          'ConditionPathExists=/etc/hostname',
          '[Service]',
          'ExecStart=/opt/typo',
        ),
      }),
    },
    words: /\/opt\/typo is not executable[\s\S]*ConditionPathExists=/,
  },
  {
    name: 'a file in cron.d without its last newline',
    on: ['ai-node'],
    parts: { files: files({ '/etc/cron.d/demo': '0 3 * * * root true' }) },
    words: /newline/,
  },
];

/** Sound, each of which a tool that sees less than the whole host would refuse. */
export const SOUND: Parts = {
  directories: { '/app': { ...root, mode: '0755' } },
  files: {
    ...files({ '/app/run': '#!/bin/sh\nexec sleep infinity\n' }, '0755'),
    ...files({
      '/opt/demo.conf': 'next to a mount\n',
      '/etc/systemd/system/demo-app.service': unit('[Service]', 'ExecStart=/app/run'),
      '/etc/systemd/system/demo-venv.service': unit('[Service]', 'ExecStart=/opt/venvs/server'),
      '/etc/systemd/system/demo-disk.service': unit(
        'RequiresMountsFor=/models',
        '[Service]',
        'ExecStart=/models/bin/serve',
      ),
      '/etc/systemd/system/demo-late.service': unit(
        'ConditionPathExists=/opt/late',
        '[Service]',
        'ExecStart=/opt/late',
      ),
      '/etc/systemd/system/srv-parts.mount': unit(
        '[Mount]',
        'What=/srv/disk',
        'Where=/srv/parts',
        'Options=bind',
      ),
      '/etc/systemd/system/demo-part.service': unit(
        'RequiresMountsFor=/srv/parts',
        '[Service]',
        'ExecStart=/srv/parts/bin/serve',
      ),
      '/etc/systemd/system/demo-root.service': unit(
        '[Service]',
        'RootDirectory=/srv/tree',
        'ExecStart=/bin/other',
      ),
      '/etc/systemd/system/demo-old.service': unit(
        '[Service]',
        'ExecStart=/bin/true',
        'StandardOutput=syslog',
        'KillMode=none',
      ),
      '/etc/sysctl.d/demo.conf': '-net.nonesuch.key = 1\nkernel.panic = 10\n',
      '/etc/logrotate.d/demo': '/var/log/demo/*.log {\n  weekly\n  missingok\n}\n',
      '/etc/ssh/sshd_config.d/demo.conf': 'LoginGraceTime 60\n',
    }),
  },
  blocks: { '/etc/fstab': { '/models': '/srv/disk /models none bind,nofail 0 0\n' } },
  mounts: { '/models': { source: '/srv/disk', type: 'none', options: ['bind', 'nofail'], state: 'mounted' } },
  symlinks: { '/etc/systemd/system/demo-masked.service': { target: '/dev/null' } },
};

/** What stands on the host before {@link SOUND}: a disk below /opt, and the content of the one that comes to /models. */
export const FURNISH = `mkdir -p /opt/venvs /srv/disk/bin && mount -t tmpfs demo /opt/venvs
for f in /opt/venvs/server /srv/disk/bin/serve; do printf '#!/bin/sh\\n' >$f && chmod 0755 $f; done`;
