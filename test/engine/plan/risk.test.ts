import { describe, expect, it } from 'vitest';
import type { Change } from '../../../lib/engine/model.js';
import { isRisky } from '../../../lib/engine/plan/risk.js';

const desired = {
  version: 1,
  host: 'a',
  users: { agent0: { home: '/home/agent0', shell: '/bin/sh', groups: [], system: false } },
} as const;
const risky = (section: Change['section'], key: string, action: Change['action'] = 'update') =>
  isRisky([{ section, key, action, cause: 'config' }], [], {
    ...desired,
    users: { agent0: { ...desired.users.agent0, groups: [] } },
  });

describe('isRisky', () => {
  it('is not when nothing changes', () => {
    expect(isRisky([], [], { version: 1, host: 'a' })).toBe(false);
  });

  it.each<[Change['section'], string]>([
    ['files', '/etc/ssh/sshd_config'],
    ['files', '/etc/ssh/sshd_config.d/10-citadel.conf'],
    ['files', '/etc/nftables.conf'],
    ['files', '/etc/wireguard/wg0.conf'],
    ['files', '/etc/systemd/system/wg-quick@wg0.service.d/order.conf'],
    ['units', 'openvpn-client@office.service'],
    ['packages', 'wireguard-tools'],
    ['files', '/etc/systemd/network/10-lan.network'],
    ['files', '/etc/netplan/01.yaml'],
    ['files', '/etc/sudoers.d/agent0'],
    ['files', '/etc/pam.d/sshd'],
    ['files', '/home/agent0/.ssh/authorized_keys'],
    ['files', '/etc/systemd/system/ssh.service'],
    ['files', '/etc/systemd/system/ssh.service.d/limits.conf'],
    ['directories', '/home/agent0'],
    ['blocks', '/etc/hosts'],
    ['symlinks', '/etc/resolv.conf'],
    ['units', 'nftables.service'],
    ['units', 'systemd-sysctl.service'],
    ['units', 'procps.service'],
    ['units', 'ssh.socket'],
    ['packages', 'openssh-server'],
    ['users', 'agent0'],
    ['groups', 'sudo'],
    ['mounts', '/'],
    ['mounts', '/home'],
    ['mounts', '/home/agent0'],
    ['mounts', '/usr'],
    ['mounts', '/usr/lib'],
    ['mounts', '/var'],
    ['mounts', '/var/lib'],
    ['mounts', '/etc'],
    ['mounts', '/etc/ssh'],
    ['mounts', '/root'],
    ['mounts', '/run'],
    ['files', '/etc/sysctl.conf'],
    ['files', '/etc/sysctl.d/90-net.conf'],
    ['symlinks', '/usr/lib/sysctl.d/90-net.conf'],
  ])('is for %s %s', (section, key) => {
    expect(risky(section, key)).toBe(true);
  });

  it.each<[Change['section'], string]>([
    ['files', '/etc/prometheus/prometheus.yml'],
    ['files', '/etc/systemd/system/prometheus.service'],
    ['files', '/etc/sshfoo'],
    ['directories', '/opt/citadel'],
    ['blocks', '/etc/fstab'],
    ['units', 'sshfs-mount.service'],
    ['units', 'wg-metrics.service'],
    ['packages', 'prometheus'],
    ['mounts', '/mnt/data'],
    ['mounts', '/var/lib/prometheus'],
    ['mounts', '/var/log'],
    ['mounts', '/usr/share/models'],
    ['mounts', '/homestead'],
    ['files', '/etc/sysctl.d.md'],
    ['files', '/opt/sysctl.d/a.conf'],
    ['checks', 'ssh'],
  ])('is not for %s %s', (section, key) => {
    expect(risky(section, key)).toBe(false);
  });

  it('is for a mount over a home that someone logs in to, wherever it is, and not over that of a service', () => {
    const user = { shell: '/bin/bash', groups: [], system: false };
    const of = (key: string): boolean =>
      isRisky([{ section: 'mounts', key, action: 'create', cause: 'config' }], [], {
        version: 1,
        host: 'a',
        users: {
          alice: { ...user, home: '/data/people/alice' },
          vllm: { ...user, shell: '/usr/sbin/nologin', home: '/models/home' },
        },
      });
    expect(['/data', '/data/people/alice', '/data/other', '/models'].map(of)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('is not for accounts that are created', () => {
    expect(risky('users', 'prometheus', 'create')).toBe(false);
    expect(risky('users', 'prometheus', 'delete')).toBe(true);
  });

  it('is for a restart of sshd, whatever asked for it', () => {
    expect(isRisky([], [{ unit: 'ssh.service', verb: 'restart', wave: 0 }], { version: 1, host: 'a' })).toBe(
      true,
    );
  });
});
