import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  AptPin,
  AptRepository,
  Duration,
  type Host,
  HostFile,
  Hostname,
  HostsEntries,
  Journald,
  JournalUpload,
  KernelModule,
  Locale,
  NginxSite,
  Resolver,
  secret,
  Size,
  SshServer,
  SudoRule,
  Sysctl,
  SystemdUnit,
  TimeSync,
  TimeZone,
  UnattendedUpgrades,
} from '../../../lib/constructs/index.js';
import { contentOf } from './support.js';
import { manifestOf, problemsOf } from '../host/support.js';
import { hasTool, tool } from '../../stacks/tools.js';

/** That content in a file of this machine, for a tool that reads it. */
function onDisk(path: string, build: (host: Host) => unknown, name = 'file'): string {
  const file = join(mkdtempSync(join(tmpdir(), 'citadel-debian-')), name);
  writeFileSync(file, contentOf(path, build), { mode: 0o440 });
  return file;
}

const KEY = '-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n-----END PGP PUBLIC KEY BLOCK-----\n';

describe('kernel settings', () => {
  it('are a file of sysctl.d, and one unit is declared for all of them', () => {
    const manifest = manifestOf((host) => {
      new Sysctl(host, 'a', { settings: { 'net.ipv4.ip_forward': 1, '-net.x.y': 'a b' } });
      new Sysctl(host, 'b', { name: '90-b', settings: { 'kernel.panic': 10 } });
    });
    expect(manifest.files?.['/etc/sysctl.d/60-a.conf']).toMatchObject({
      content: 'net.ipv4.ip_forward = 1\n-net.x.y = a b\n',
      validate: 'sysctl',
    });
    expect(manifest.units).toEqual({
      'systemd-sysctl.service': {
        enabled: null,
        state: 'running',
        restartOn: ['/etc/sysctl.d/60-a.conf', '/etc/sysctl.d/90-b.conf'],
        reloadOn: [],
        wave: 0,
      },
    });
  });

  it.skipIf(!hasTool('sysctl'))('are read by sysctl', () => {
    const file = onDisk(
      '/etc/sysctl.d/60-a.conf',
      (host) => new Sysctl(host, 'a', { settings: { 'kernel.panic': 10 } }),
    );
    expect(tool('sysctl', ['--dry-run', '-p', file])).toEqual({ status: 0, output: 'kernel.panic = 10\n' });
  });

  it.each<[Record<string, string | number>, string]>([
    [{ panic: 1 }, '"panic" is not a key of sysctl'],
    [{ 'a.b\nc.d': 1 }, 'is not a key of sysctl'],
    [{ 'a.b': '1\nc.d = 2' }, 'is not a value of one line'],
    [{}, 'Give at least one'],
  ])('are refused: %j', (settings, text) => {
    expect(problemsOf((host) => new Sysctl(host, 'a', { settings })).join('\n')).toContain(text);
  });

  it('are modules that are loaded, or never are', () => {
    const manifest = manifestOf((host) => {
      new KernelModule(host, 'loop', { options: { max_loop: 64 } });
      new KernelModule(host, 'pcspkr', { state: 'blocked' });
    });
    expect(Object.keys(manifest.files ?? {})).toEqual([
      '/etc/modprobe.d/loop.conf',
      '/etc/modprobe.d/pcspkr.conf',
      '/etc/modules-load.d/loop.conf',
    ]);
    expect(manifest.units?.['systemd-modules-load.service']?.restartOn).toEqual([
      '/etc/modules-load.d/loop.conf',
    ]);
    expect(manifest.files?.['/etc/modprobe.d/pcspkr.conf']?.content).toBe(
      'blacklist pcspkr\ninstall pcspkr /bin/false\n',
    );
  });
});

describe('what a host is called and where it is', () => {
  it('is its name in two files, its peers, time zone and locale', () => {
    const manifest = manifestOf((host) => {
      new Hostname(host, 'name', { domain: 'example.org' });
      new HostsEntries(host, 'peers', {
        entries: { 'fd00::5': ['db.example.org', 'db'], '10.0.0.5': ['x'] },
      });
      new TimeZone(host, 'zone', { zone: 'America/Argentina/Ushuaia' });
      new Locale(host, 'locale', { locales: ['de_DE.UTF-8', 'en_US.UTF-8'] });
    });
    expect(manifest.files?.['/etc/hostname']?.content).toBe('ai-node\n');
    expect(manifest.blocks?.['/etc/hosts']).toEqual({
      'own name': '127.0.1.1 ai-node.example.org ai-node\n',
      peers: '10.0.0.5 x\nfd00::5 db.example.org db\n',
    });
    expect(manifest.symlinks?.['/etc/localtime']?.target).toBe(
      '/usr/share/zoneinfo/America/Argentina/Ushuaia',
    );
    expect(manifest.files?.['/etc/default/locale']?.content).toBe('LANG=de_DE.UTF-8\n');
    expect(manifest.files?.['/etc/locale.gen']?.content).toBe('de_DE.UTF-8 UTF-8\nen_US.UTF-8 UTF-8\n');
    expect(manifest.units?.['citadel-locales.service']?.restartOn).toContain('/etc/locale.gen');
  });

  it.each<[string, (host: Host) => unknown]>([
    ['"Europe/Berln" is not a time zone', (host) => new TimeZone(host, 'x', { zone: 'Europe/Berln' })],
    ['"../../etc/shadow" is not a time zone', (host) => new TimeZone(host, 'x', { zone: '../../etc/shadow' })],
    ['"web.example.org" is not a short host name', (host) => new Hostname(host, 'x', { name: 'web.example.org' })],
    ['"db" is not an IP address', (host) => new HostsEntries(host, 'x', { entries: { db: ['10.0.0.5'] } })],
    ['"en_US" is not a locale of UTF-8', (host) => new Locale(host, 'x', { locales: ['en_US'] })],
    ['domian: is not a property of this construct. Did you mean domain?', (host) => new Hostname(host, 'x', { domian: 'x' } as never)],
  ])('is refused: %s', (text, build) => {
    expect(problemsOf(build)).toEqual([expect.stringContaining(text)]);
  }); // prettier-ignore
});

describe('SshServer', () => {
  const build = (host: Host): unknown =>
    new SshServer(host, 'x', {
      passwordAuthentication: false,
      permitRootLogin: 'prohibit-password',
      allowUsers: ['ann', 'bob@10.0.0.*'],
      options: { MaxAuthTries: 3, AcceptEnv: ['LANG', 'LC_*'] },
    });

  it.skipIf(!hasTool('sshd'))('is read by sshd as it is meant', () => {
    const file = onDisk('/etc/ssh/sshd_config.d/20-x.conf', build);
    const key = `${file}.key`;
    tool('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    tool('mkdir', ['-p', '/run/sshd']);
    const { status, output } = tool('/usr/sbin/sshd', ['-T', '-f', file, '-h', key]);
    expect(status, output).toBe(0);
    expect(output).toMatch(/^passwordauthentication no$/m);
    expect(output).toMatch(/^maxauthtries 3$/m);
    expect(output).toMatch(/^allowusers ann\nallowusers bob@10\.0\.0\.\*$/m);
  });

  it('reloads the server, and refuses Match and what is more than a line', () => {
    const manifest = manifestOf(build);
    expect(manifest.units?.['ssh.service']?.reloadOn).toEqual(['/etc/ssh/sshd_config.d/20-x.conf']);
    const options = (each: Record<string, string>): string =>
      problemsOf((host) => new SshServer(host, 'x', { options: each })).join('\n');
    expect(options({ Match: 'User x' })).toContain('Give an option of sshd_config(5) other than Match');
    expect(options({ Banner: '/a\nPermitRootLogin yes' })).toContain('is not a value of one line');
    expect(options({})).toContain('Give at least one');
  });
});

describe('SudoRule', () => {
  it.skipIf(!hasTool('visudo'))('is read by visudo, with what separates commands escaped', () => {
    const file = onDisk(
      '/etc/sudoers.d/x',
      (host) =>
        new SudoRule(host, 'x', {
          who: '%ops',
          runAs: 'postgres:postgres',
          commands: ['/usr/bin/psql -c a:b=c,d', 'ALL', '!/bin/sh'],
          noPassword: true,
        }),
    );
    expect(tool('visudo', ['-c', '-f', file])).toMatchObject({ status: 0 });
  });

  it('is refused when sudo would read something else', () => {
    const rule = (props: object): string =>
      problemsOf((host) => new SudoRule(host, 'x', { who: 'ann', commands: ['/bin/true'], ...props })).join(
        '\n',
      );
    expect(rule({ who: 'ann ALL' })).toContain('is not a user');
    expect(rule({ commands: ['systemctl restart x'] })).toContain('is not an absolute command');
    expect(rule({ commands: ['/bin/true\nann ALL=(ALL) ALL'] })).toContain('is not an absolute command');
    expect(rule({ name: 'a.b' })).toContain('is not a name for its file');
    expect(rule({ commands: [] })).toContain('Give at least one');
  });
});

describe('journal, names and time', () => {
  it('limits the journal', () => {
    const path = '/etc/systemd/journald.conf.d/x.conf';
    const build = (host: Host): unknown =>
      new Journald(host, 'x', {
        storage: 'persistent',
        maxUse: Size.gibibytes(2),
        maxAge: Duration.days(30),
        rateLimit: { burst: 0, interval: Duration.seconds(30) },
        forwardToSyslog: false,
      });
    expect(contentOf(path, build)).toBe(
      '[Journal]\nStorage=persistent\nSystemMaxUse=2G\nMaxRetentionSec=30d\nRateLimitIntervalSec=30s\nRateLimitBurst=0\nForwardToSyslog=no\n',
    );
  });

  it('sends the journal elsewhere, with keys that the service gets from root', () => {
    const manifest = manifestOf(
      (host) =>
        new JournalUpload(host, 'x', {
          url: 'https://logs.example.org',
          authority: secret('authority'),
          certificate: { certificate: secret('certificate'), key: secret('key') },
        }),
    );
    const folder = '/etc/ssl/citadel';
    const credentials = '/run/credentials/systemd-journal-upload.service';
    expect(manifest.files?.['/etc/systemd/journal-upload.conf.d/citadel.conf']?.content).toBe(
      `[Upload]\nURL=https://logs.example.org\nTrustedCertificateFile=${credentials}/authority\nServerCertificateFile=${credentials}/certificate\nServerKeyFile=${credentials}/key\n`,
    );
    const dropIn = manifest.files?.['/etc/systemd/system/systemd-journal-upload.service.d/citadel.conf'];
    expect(dropIn?.content).toContain(
      `LoadCredential=authority:${folder}/journal-upload-authority.pem\nLoadCredential=certificate:${folder}/journal-upload/fullchain.pem\nLoadCredential=key:${folder}/journal-upload/privkey.pem\n`,
    );
    expect(manifest.files?.[`${folder}/journal-upload/privkey.pem`]?.mode).toBe('0600');
    expect(manifest.packages).toHaveProperty('systemd-journal-remote');
    const pair = { certificate: secret('certificate'), key: secret('key') };
    const upload =
      (url: string, certificate?: typeof pair) =>
      (host: Host): unknown =>
        new JournalUpload(host, 'x', { url, ...(certificate === undefined ? {} : { certificate }) });
    const settings = '/etc/systemd/journal-upload.conf.d/citadel.conf';
    expect(contentOf(settings, upload('https://[2001:db8::1]:443', pair))).toMatch(
      /^\[Upload\]\nURL=https:\/\/\[2001:db8::1\]:443\n(.*\n)*TrustedCertificateFile=\/etc\/ssl\/certs\/ca-certificates\.crt\n$/,
    );
    expect(contentOf(settings, upload('http://logs:1234'))).toBe('[Upload]\nURL=http://logs:1234\n');
    for (const url of ['logs.example.org', 'https://a b', 'https://x/upload', 'https://u:p@x', 'ftp://x'])
      expect(problemsOf(upload(url, pair)), url).toEqual([
        expect.stringContaining('is not the address of a receiver'),
      ]);
    expect(problemsOf(upload('https://logs'))).toEqual([
      expect.stringContaining('does not speak https without a certificate of its own'),
    ]);
  });

  it('asks name servers by the file or by resolved', () => {
    const servers = ['10.0.0.1', 'fd00::1'];
    expect(
      contentOf(
        '/etc/resolv.conf',
        (host) => new Resolver(host, 'x', { servers, search: ['example.org'], options: ['timeout:2'] }),
      ),
    ).toBe('nameserver 10.0.0.1\nnameserver fd00::1\nsearch example.org\noptions timeout:2\n');
    const manifest = manifestOf((host) => new Resolver(host, 'x', { servers, by: 'resolved' }));
    expect(manifest.symlinks?.['/etc/resolv.conf']?.target).toBe('/run/systemd/resolve/stub-resolv.conf');
    expect(manifest.packages).toHaveProperty('systemd-resolved');
    const refused = (props: object): string =>
      problemsOf((host) => new Resolver(host, 'x', { servers, ...props })).join('\n');
    expect(refused({ servers: ['dns.example.org'] })).toContain('is not an IP address');
    expect(refused({ servers: ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4'] })).toContain(
      'asks the first three',
    );
  });

  it('sets the clock with one program and takes the other away', () => {
    const chrony = manifestOf((host) => new TimeSync(host, 'x', { servers: ['ntp.example.org'] }));
    expect(chrony.packages).toEqual({ chrony: {}, 'systemd-timesyncd': { state: 'absent' } });
    expect(chrony.files?.['/etc/chrony/chrony.conf']?.validate).toEqual({
      command: ['chronyd', '-p', '-f', '%s'],
    });
    const other = manifestOf((host) => new TimeSync(host, 'x', { by: 'timesyncd', servers: ['10.0.0.1'] }));
    expect(other.packages).toEqual({ chrony: { state: 'absent' }, 'systemd-timesyncd': {} });
    expect(other.files?.['/etc/systemd/timesyncd.conf.d/x.conf']?.content).toBe('[Time]\nNTP=10.0.0.1\n');
  });
});

describe('NginxSite', () => {
  it('is a file, the link that enables it, and a reload of the one service', () => {
    const manifest = manifestOf((host) => {
      const key = new HostFile(host, 'key', { path: '/etc/ssl/private/x.pem', content: 'k', mode: '0600' });
      new NginxSite(host, 'www', {
        serverNames: ['www.example.org', '*.example.net'],
        proxyTo: 'http://127.0.0.1:8080',
        certificate: { certificate: '/etc/ssl/x.pem', key },
      });
      new NginxSite(host, 'other', { root: '/srv/www', isDefault: true, port: 8081 });
    });
    expect(manifest.files?.['/etc/nginx/sites-available/www']?.content).toBe(`server {
    listen 443 ssl;
    listen [::]:443 ssl;
    server_name www.example.org *.example.net;
    ssl_certificate /etc/ssl/x.pem;
    ssl_certificate_key /etc/ssl/private/x.pem;
    location / {
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_pass http://127.0.0.1:8080;
    }
}
server {
    listen 80;
    listen [::]:80;
    server_name www.example.org *.example.net;
    return 301 https://$host$request_uri;
}
`);
    expect(manifest.symlinks).toEqual({
      '/etc/nginx/sites-enabled/default': { target: '/etc/nginx/sites-available/other' },
      '/etc/nginx/sites-enabled/www': { target: '/etc/nginx/sites-available/www' },
    });
    expect(manifest.units?.['nginx.service']?.reloadOn).toContain('/etc/ssl/private/x.pem');
  });

  it.each<[object, string]>([
    [{}, 'has nothing to answer with'],
    [{ root: '/a b' }, 'is not a path without blanks'],
    [{ root: '/a', proxyTo: 'http://b' }, 'root and proxyTo are given'],
    [{ root: '/a', serverNames: ['a; return 200'] }, 'is not a name'],
    [{ proxyTo: 'localhost:80' }, 'Write it as http://127.0.0.1:8080'],
  ])('is refused: %j', (props, text) => {
    expect(problemsOf((host) => new NginxSite(host, 'x', props)).join('\n')).toContain(text);
  });
});

describe('apt', () => {
  it('has flat repositories, over http, for one architecture, with the bytes of a key', () => {
    const key = Uint8Array.from([0x99, 0x01, 0x0d, ...Array.from({ length: 60 }, (_, index) => index)]);
    const manifest = manifestOf((host) => {
      new AptRepository(host, 'cuda', { url: 'http://mirror.example.org/cuda/', suite: '/', architectures: ['amd64'], key }); // prettier-ignore
    });
    expect(manifest.files?.['/etc/apt/sources.list.d/cuda.sources']?.content).toBe(
      'Types: deb\nURIs: http://mirror.example.org/cuda/\nSuites: /\nArchitectures: amd64\nSigned-By: /etc/apt/keyrings/cuda.asc\n',
    );
    const armour = manifest.files?.['/etc/apt/keyrings/cuda.asc']?.content ?? '';
    const body = armour.split('\n').slice(2, -2).join('');
    expect(Uint8Array.from(Buffer.from(body, 'base64'))).toEqual(key);
  });

  it.each<[object, string]>([
    [{ suite: '/', components: ['main'] }, 'a flat repository (suite "/") has none'],
    [{ suite: 'stable', components: [] }, 'or a suite that ends with "/"'],
    [{ url: 'ftp://x' }, 'is not an http or https address'],
    [{ key: Uint8Array.from([1, 2, 3]) }, 'not a public key of OpenPGP'],
    [{ architectures: ['amd64, arm64'] }, 'is not a name of one word'],
  ])('refuses a repository: %j', (props, text) => {
    const given = { url: 'https://x', suite: 's', key: KEY, ...props };
    expect(problemsOf((host) => new AptRepository(host, 'x', given)).join('\n')).toContain(text);
  });

  it.skipIf(!hasTool('apt-cache'))('reads pins of versions, releases and origins', () => {
    const file = onDisk(
      '/etc/apt/preferences.d/x',
      (host) => new AptPin(host, 'x', { packages: ['nvidia-*', 'libcuda1'], version: '550.*' }),
    );
    const read = tool('apt-cache', ['-o', `Dir::Etc::preferences=${file}`, 'policy']);
    expect(read.status, read.output).toBe(0);
    const pin = (props: object): string =>
      problemsOf((host) => new AptPin(host, 'x', { packages: ['a*'], ...props })).join('\n');
    expect(pin({})).toContain('nothing says which version');
    expect(pin({ version: '1', origin: '' })).toContain('version and origin are given');
    expect(pin({ version: '1', priority: 0 })).toContain('is not a priority');
  });

  it.skipIf(!hasTool('apt-config'))('reads what may be upgraded unattended', () => {
    const file = onDisk(
      '/etc/apt/apt.conf.d/51citadel-upgrades',
      (host) => new UnattendedUpgrades(host, 'x', { except: ['^linux-'], rebootAt: '04:30' }),
    );
    const { status, output } = tool('apt-config', ['dump'], { env: { APT_CONFIG: file } });
    expect(status, output).toBe(0);
    expect(output).toContain('Unattended-Upgrade::Package-Blacklist:: "^linux-";');
    expect(output).toContain('Unattended-Upgrade::Automatic-Reboot-Time "04:30";');
    expect(output).toContain('codename=${distro_codename}-security,label=Debian-Security');
  });
});

it('adds to a unit that the stack declared before', () => {
  const manifest = manifestOf((host) => {
    SystemdUnit.fromPackage(host, 'ssh', { name: 'ssh.service', wave: 2 });
    new SshServer(host, 'x', { passwordAuthentication: false });
  });
  expect(manifest.units?.['ssh.service']).toMatchObject({
    wave: 2,
    reloadOn: ['/etc/ssh/sshd_config.d/20-x.conf'],
  });
});
