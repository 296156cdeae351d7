import { describe, expect, it } from 'vitest';
import { FirewallRules, NetworkMount, secret, WireGuard } from '../../../lib/constructs/index.js';
import { manifestOf, problemsOf } from '../host/support.js';

const PUBLIC = 'xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=';
const tunnel = {
  addresses: ['10.8.0.1/24', 'fd08::1/64'],
  privateKey: secret('wg_private'),
  peers: [{ publicKey: PUBLIC, allowedIps: ['10.8.0.2/32'], keepaliveSec: 25 }],
};

describe('WireGuard', () => {
  it('is a file that root alone reads, its unit and its port', () => {
    const manifest = manifestOf((host) => {
      new FirewallRules(host, 'fw', { ssh: { from: 'any' } });
      new WireGuard(host, 'wg0', { ...tunnel, listen: { port: 51820, from: 'any' } });
    });
    expect(manifest.files?.['/etc/wireguard/wg0.conf']).toEqual({
      content: `[Interface]\nAddress = 10.8.0.1/24, fd08::1/64\nPrivateKey = @@secret:wg_private@@\nListenPort = 51820\n\n[Peer]\nPublicKey = ${PUBLIC}\nAllowedIPs = 10.8.0.2/32\nPersistentKeepalive = 25\n`,
      owner: 'root',
      group: 'root',
      mode: '0600',
    });
    expect(manifest.units?.['wg-quick@wg0.service']).toMatchObject({
      enabled: true,
      state: 'running',
      restartOn: ['/etc/wireguard/wg0.conf'],
    });
    expect(manifest.files?.['/etc/nftables.conf']?.content).toContain(
      'udp dport 51820 accept comment "wg-quick@wg0.service"',
    );
  });

  it.each<[object, string]>([
    [{ name: 'a-name-that-is-too-long' }, 'is not the name of an interface'],
    [{ addresses: ['10.8.0.1'] }, 'is not an address with its network'],
    [{ peers: [{ publicKey: 'x', allowedIps: [] }] }, 'peers[0].publicKey: "x" is not a public key'],
    [
      { peers: [{ publicKey: PUBLIC, allowedIPs: [] as string[], allowedIps: [] }] },
      'Did you mean allowedIps?',
    ],
    [{ listen: { port: 1, from: 'any', form: 1 } }, 'listen.form'],
  ])('is refused: %j', (props, text) => {
    expect(problemsOf((host) => new WireGuard(host, 'wg0', { ...tunnel, ...props })).join('\n')).toContain(
      text,
    );
  });
});

describe('NetworkMount', () => {
  it('mounts a share with blanks, its password in a file of its own', () => {
    const manifest = manifestOf((host) => {
      new NetworkMount(host, 'team', {
        mountPoint: '/srv/team',
        server: 'nas.example.org',
        share: 'Big Volume/a',
        type: 'smb',
        credentials: { user: 'backup', password: secret('nas'), domain: 'EXAMPLE' },
        options: ['vers=3.1.1'],
      });
    });
    expect(manifest.files).toEqual({
      '/etc/citadel-mounts/team': {
        content: 'username=backup\npassword=@@secret:nas@@\ndomain=EXAMPLE\n',
        owner: 'root',
        group: 'root',
        mode: '0600',
      },
    });
    expect(manifest.blocks?.['/etc/fstab']).toEqual({
      '/srv/team':
        '//nas.example.org/Big\\040Volume/a /srv/team cifs credentials=/etc/citadel-mounts/team,_netdev,vers=3.1.1,nofail 0 0\n',
    });
    expect(manifest.packages).toEqual({ 'cifs-utils': {} });
  });

  it('mounts NFS when something looks at it, also from an address of IPv6', () => {
    const manifest = manifestOf((host) => {
      new NetworkMount(host, 'd', { mountPoint: '/srv/d', server: 'fd00::5', share: '/srv/d', type: 'nfs', when: 'demand' }); // prettier-ignore
    });
    expect(manifest.mounts?.['/srv/d']).toEqual({
      source: '[fd00::5]:/srv/d',
      type: 'nfs',
      options: ['_netdev', 'noauto', 'x-systemd.automount', 'nofail'],
      state: 'present',
    });
  });

  it.each<[object, string]>([
    [{ type: 'nfs' }, '"x" is not an exported path'],
    [{ share: '/x' }, '"/x" is not a share'],
    [{ share: '/x', type: 'nfs', credentials: { user: 'a', password: secret('b') } }, 'NFS has none'],
    [{ server: 'a b' }, 'is not a name or address'],
    [{ credentials: { user: 'a%b', password: secret('b') } }, 'is not a user'],
  ])('is refused: %j', (props, text) => {
    const given = { mountPoint: '/m', server: 's', share: 'x', type: 'smb' as const, ...props };
    expect(problemsOf((host) => new NetworkMount(host, 'd', given)).join('\n')).toContain(text);
  });
});
