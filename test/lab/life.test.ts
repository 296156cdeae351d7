import { beforeEach, expect, it } from 'vitest';
import { describeLab } from './suite.js';

const FSTAB = [
  '/dev/nvme1n1p1 /mnt/citadel-models ext4 defaults,noatime,nofail,x-systemd.device-timeout=10s 0 2',
  'LABEL=citadel-backup /mnt/citadel-backup ext4 defaults,nofail 0 2',
].join('\n');

describeLab('the life of a host', (lab) => {
  const host = lab.host('ai-node');

  beforeEach(async () => {
    await host.reset();
  });

  it('is bare again after a reset, with the same keys and machine id', async () => {
    const identity = 'cat /etc/machine-id /etc/ssh/ssh_host_*.pub';
    const before = await host.mustExec(identity);
    await host.writeFile('/etc/left-behind', 'x');
    await host.mustExec('mount /dev/sda1 /mnt && touch /mnt/left-behind && rm /etc/fstab /usr/bin/jq');
    await host.reset();
    expect(await host.mustExec(identity)).toBe(before);
    const after = await host.exec('ls /etc/left-behind; jq --version; mount /dev/sda1 /mnt && ls -A /mnt');
    expect(after.stdout).toMatch(/^jq-1\.\d+[^\n]*\nlost\+found\n$/);
  });

  it('mounts its disks by hand, checks them, and mounts them again after a reboot', async () => {
    await host.mustExec(`mkdir -p /mnt/citadel-models /mnt/citadel-backup && cat >/etc/fstab`, {
      input: `${FSTAB}\n`,
    });
    await host.mustExec(
      'mount /mnt/citadel-models && mount /mnt/citadel-backup && touch /mnt/citadel-models/weights',
    );
    await host.mustExec(
      'umount /mnt/citadel-models && fsck -f -p /dev/nvme1n1p1 && mount /mnt/citadel-models',
    );
    await host.mustExec('findmnt --verify');
    const before = host.pid1;
    await host.reboot();
    expect(host.pid1).not.toBe(before);
    const mounted = await host.mustExec(['findmnt', '-n', '-o', 'TARGET,SOURCE', '-t', 'ext4']);
    expect(mounted.trim().split(/\s+/)).toEqual(
      expect.arrayContaining(['/mnt/citadel-models', '/dev/nvme1n1p1', '/mnt/citadel-backup', '/dev/sda1']),
    );
    expect((await host.exec(['ls', '/mnt/citadel-models/weights'])).code).toBe(0);
    expect((await host.mustExec(['systemctl', 'is-system-running'])).trim()).toBe('running');
  });

  it('starts mount units made from fstab lines after daemon-reload, and stops them', async () => {
    await host.mustExec('mkdir -p /mnt/citadel-models && cat >/etc/fstab', { input: `${FSTAB}\n` });
    await host.mustExec(`systemctl daemon-reload && systemctl start 'mnt-citadel\\x2dmodels.mount'`);
    expect((await host.exec(['mountpoint', '-q', '/mnt/citadel-models'])).code).toBe(0);
    await host.mustExec(`systemctl stop 'mnt-citadel\\x2dmodels.mount'`);
    expect((await host.exec(['mountpoint', '-q', '/mnt/citadel-models'])).code).not.toBe(0);
  });

  it('keeps its disk and journal over a power failure, and forgets the rest', async () => {
    await host.mustExec(
      'echo kept >/etc/kept && touch /run/forgotten && logger -t lab before-the-failure && journalctl --sync',
    );
    await host.mustExec('nft add table inet cut_off && nft list tables');
    const before = host.pid1;
    await host.crash();
    expect(host.pid1).not.toBe(before);
    expect((await host.readFile('/etc/kept')).toString()).toBe('kept\n');
    expect((await host.exec(['ls', '/run/forgotten'])).code).not.toBe(0);
    expect(await host.mustExec(['nft', 'list', 'tables'])).toBe('');
    expect(await host.mustExec(['journalctl', '-b', '-1', '-t', 'lab', '-o', 'cat'])).toBe(
      'before-the-failure\n',
    );
  });

  it('loses what was not synced in a real power failure', async () => {
    await host.mustExec('echo synced >/etc/synced && sync && echo lost >/etc/lost && cat /etc/lost');
    await host.crash({ loseUnwritten: true });
    expect((await host.readFile('/etc/synced')).toString()).toBe('synced\n');
    expect((await host.exec('cat /etc/lost')).stdout).toBe('');
    expect((await host.mustExec(['systemctl', 'is-system-running'])).trim()).toBe('running');
  });

  it('says nothing to anybody when the power fails', async () => {
    const shell = lab.operator.spawn(
      ['ssh', '-F', lab.operator.sshConfig, 'ai-node', 'echo ready; sleep 60'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    try {
      await new Promise((resolve) => shell.stdout?.once('data', resolve));
      await host.kill();
      expect((await lab.status()).hosts[0]?.state).toBe('off');
      expect(shell.exitCode).toBeNull();
      await host.start();
      expect((await lab.operator.ssh('ai-node', 'true')).code).toBe(0);
    } finally {
      shell.kill('SIGKILL');
    }
  });

  it('powers off in order and starts again', async () => {
    await host.stop();
    expect(host.pid1).toBeUndefined();
    await lab.up({ hosts: ['ai-node'] });
    expect(await host.mustExec(['journalctl', '-b', '-1', '-o', 'cat'])).toMatch(
      /Power(ing)? ?Off|System Power Off/i,
    );
  });
});
