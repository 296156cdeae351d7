import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Construct, RootConstruct } from 'constructs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import {
  Directory,
  Duration,
  Host,
  HostFile,
  HostsEntries,
  Hostname,
  Journald,
  JournalUpload,
  KernelModule,
  Locale,
  NginxSite,
  RunOnce,
  secret,
  Size,
  SshServer,
  SudoRule,
  Symlink,
  Sysctl,
  SystemdUnit,
  TimeSync,
  TimeZone,
  UserAccount,
} from '../../lib/constructs/index.js';
import type { HostManifest } from '../../lib/manifest/index.js';
import { waitFor, type LabHost } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { Workbench } from './harness.js';

interface Choices {
  /** Whether what a person left on the host is to be absent. */
  readonly tidy?: boolean;
  /** Further lines of nginx's site. */
  readonly lines?: readonly string[];
  /** Of the authority of a receiver of logs on the host itself. */
  readonly authority?: string;
  /** What the job prints into its file; with another word it does not do its work. */
  readonly work?: string;
}

/** A plain web host, by constructs alone. */
function webHost({ lines = [], work = 'ran', authority, tidy = false }: Choices = {}): HostManifest {
  const host = new Host(new Construct(new RootConstruct(), 'web'), 'dev-ops');
  new Hostname(host, 'name', { domain: 'example.org' });
  new HostsEntries(host, 'peers', { entries: { '192.0.2.5': ['db.example.org', 'db'] } });
  new TimeZone(host, 'zone', { zone: 'Europe/Berlin' });
  new Locale(host, 'locale', { locales: ['C.UTF-8'] });
  new Sysctl(host, 'web', { settings: { 'net.ipv4.ip_forward': 1, '-net.not.there': 1 } });
  new KernelModule(host, 'pcspkr', { state: 'blocked' });
  new Journald(host, 'journal', { maxUse: Size.mebibytes(64), maxAge: Duration.days(7) });
  if (authority !== undefined)
    new JournalUpload(host, 'logs', {
      url: 'https://127.0.0.1:19999',
      authority,
      // The receiver's own: what it makes of the sender is not looked at here.
      certificate: { certificate: authority, key: secret('logs_key') },
    });
  new SshServer(host, 'sshd', { options: { MaxAuthTries: 5 } });
  new TimeSync(host, 'time', { servers: ['192.0.2.1', 'ntp.example.org'] });
  new UserAccount(host, 'webadmin', { shell: '/bin/sh', expires: '2037-01-31' });
  new SudoRule(host, 'webadmin-sudo', {
    who: 'webadmin',
    commands: ['/usr/bin/systemctl reload nginx.service', '/usr/bin/printf a\\,b:c'],
    noPassword: true,
  });
  new HostFile(host, 'index', { path: '/srv/www/index.html', lines: ['hello of the general host'] });
  const site = new NginxSite(host, 'www', { root: '/srv/www', isDefault: true, lines });
  site.nginx.listen(80, { from: 'any', check: { http: '/' } });
  if (tidy) {
    site.nginx.addReloadOn(
      new Symlink(host, 'left-site', { path: '/etc/nginx/sites-enabled/left', state: 'absent' }),
    );
    new Directory(host, 'left-folder', { path: '/srv/left', state: 'absent' });
    new UserAccount(host, 'left-user', { name: 'mallory', state: 'absent' });
    SystemdUnit.fromPackage(host, 'left-unit', { name: 'left.service', state: 'absent' });
  }
  new RunOnce(host, 'database', {
    command: [
      '/bin/sh',
      '-c',
      'echo "$1" >>/srv/once.log; [ "$1" != ran ] || echo made >/srv/once',
      'x',
      work,
    ],
    creates: '/srv/once',
    leaves: '/srv/once',
    after: ['nginx.service'],
  });
  return host.manifest();
}

describeLab('a general Debian host by constructs', (lab) => {
  let bench: Workbench;
  let host: LabHost;

  beforeAll(async () => {
    await lab.reset('dev-ops');
    bench = await Workbench.open(lab);
    host = lab.host('dev-ops');
    await host.mustExec('apt-get -qq update >/dev/null 2>&1 || true', { timeoutMs: 120_000 });
  });
  afterAll(() => bench.close());

  it('is made in one apply and then has nothing to do', async () => {
    await bench.apply(webHost());
    expect((await bench.diff(webHost())).changes).toEqual([]);
    const facts = await host.mustExec(`
      hostname; grep -h '^127.0.1.1 dev-ops.example.org dev-ops$' /etc/hosts; getent hosts db; date +%Z | grep -c '^CES\\?T$'; cat /etc/default/locale
      sshd -T | grep -i maxauthtries; sudo -l -U webadmin | grep -o NOPASSWD.*
      sudo -u webadmin sudo -n /usr/bin/printf 'a,b:c'; echo
      dpkg-query -W -f '\${db:Status-Status}\\n' chrony; dpkg-query -W -f '\${db:Status-Status}\\n' systemd-timesyncd 2>/dev/null | grep -c '^installed' || true
      cat /srv/once.log; systemctl is-active citadel-once-database.service
      bash -c 'exec 3<>/dev/tcp/127.0.0.1/80; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3' | grep hello`);
    expect(facts).toContain('dev-ops\n127.0.1.1 dev-ops.example.org dev-ops\n192.0.2.5');
    expect(facts).toMatch(
      /\n1\nLANG=C\.UTF-8\nmaxauthtries 5\nNOPASSWD: \/usr\/bin\/systemctl reload nginx\.service\n/,
    );
    expect(facts).toMatch(/\na,b:c\ninstalled\n0\n/);
    expect(facts).toMatch(/\nran\nactive\nhello of the general host\n$/);
  }, 240_000);

  it('refuses a site that nginx cannot read, before anything changes, with the words of nginx', async () => {
    const run = await bench.cli([
      'apply',
      '--yes',
      '--manifest',
      await bench.writeManifest(webHost({ lines: ['proxy_passs http://x;'] })),
    ]);
    expect([run.code, run.stdout + run.stderr]).toEqual([
      1,
      expect.stringContaining('unknown directive "proxy_passs"'),
    ]);
    expect(run.stdout + run.stderr).toContain('web/dev-ops/www/file');
    expect(await host.mustExec('cat /etc/nginx/sites-enabled/default')).not.toContain('passs');
  }, 120_000);

  it('takes away what is to be absent, finds it when it comes back, and puts it back when nothing says so', async () => {
    await host.mustExec(`
      useradd mallory && echo mallory:secret-4711 | chpasswd
      printf 'server { listen 8123; return 200 left; }\n' >/etc/nginx/left && ln -s ../left /etc/nginx/sites-enabled/left
      install -d -m 0711 -o webadmin /srv/left
      printf '[Service]\nExecStart=/bin/sleep infinity\nExecStop=/bin/touch /srv/left-stopped\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/left.service
      systemctl daemon-reload && systemctl -q enable --now left.service && systemctl reload nginx`);
    const facts = `
      readlink /etc/nginx/sites-enabled/left; stat -c '%a %U' /srv/left; systemctl is-enabled left.service; systemctl is-active left.service
      for _ in 1 2 3 4 5 6 7 8 9 10; do ss -Hltn sport = :8123 | grep -q "$LEFT" || break; sleep 0.5; done; ss -Hltn sport = :8123 | wc -l; ls /srv/left-stopped
      passwd -S mallory | cut -d ' ' -f 2; su mallory -c true >/dev/null 2>&1; echo $?; chage -l webadmin | grep -c 'Account expires.*Jan 31, 2037'`;
    await bench.apply(webHost({ tidy: true }));
    expect((await bench.diff(webHost({ tidy: true }))).changes).toEqual([]);
    expect((await host.exec(facts)).stdout).toBe('masked\ninactive\n0\n/srv/left-stopped\nL\n1\n1\n');
    await host.mustExec('ln -s ../left /etc/nginx/sites-enabled/left');
    expect((await bench.diff(webHost({ tidy: true }))).changes).toMatchObject([
      { section: 'symlinks', key: '/etc/nginx/sites-enabled/left', action: 'delete', cause: 'drift' },
    ]);
    await bench.apply(webHost());
    expect((await host.exec(facts)).stdout).toMatch(
      /^\.\.\/left\n711 webadmin\nenabled\ninactive\n\d+\n\/srv\/left-stopped\nP\n0\n1\n$/,
    );
    await host.mustExec('rm /etc/nginx/sites-enabled/left && systemctl reload nginx');
  }, 240_000);

  it('runs what is once on a host neither at another apply nor at a restart, and again when its work is gone', async () => {
    await bench.apply(webHost({ lines: ['autoindex on;'] }));
    await host.mustExec('systemctl restart citadel-once-database.service');
    expect(await host.mustExec('cat /srv/once.log')).toBe('ran\n');
    await host.mustExec('rm /srv/once && systemctl restart citadel-once-database.service');
    expect(await host.mustExec('cat /srv/once.log')).toBe('ran\nran\n');
  }, 120_000);

  it('sends its journal to a machine that proves who it is, and an apply fails where none receives it', async () => {
    const certificate = await host.mustExec(
      `apt-get -qq install -y haproxy systemd-journal-remote >/dev/null 2>&1
       mkdir -p /srv/received && cd /srv && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=receiver \\
         -addext subjectAltName=IP:127.0.0.1 -keyout receiver.pem.key -out receiver.pem 2>/dev/null && cat receiver.pem`,
      { timeoutMs: 120_000 },
    );
    const key = join(bench.folder, 'logs.key');
    await writeFile(key, await host.readFile('/srv/receiver.pem.key'), { mode: 0o600 });
    const inventory = parse(await readFile(bench.inventory, 'utf8')) as object;
    await writeFile(bench.inventory, stringify({ ...inventory, secrets: { logs_key: { file: key } } }));
    const document = await bench.writeManifest(webHost({ lines: ['autoindex on;'], authority: certificate }));
    const alone = await bench.cli(['apply', '--yes', '--manifest', document]);
    expect(alone.code, alone.stdout + alone.stderr).toBe(3);
    expect(alone.stdout + alone.stderr).toContain('systemd-journal-upload.service');
    await host.mustExec(
      // Debian's receiver speaks no TLS itself.
      `printf '%s\\n' 'defaults' ' mode tcp' ' timeout connect 5s' ' timeout client 1m' ' timeout server 1m' \\
         'listen tls' ' bind 127.0.0.1:19999 ssl crt /srv/receiver.pem' ' server receiver 127.0.0.1:19998' >/srv/tls.cfg
       systemd-run --quiet --unit=receiver /usr/lib/systemd/systemd-journal-remote --listen-http=127.0.0.1:19998 --split-mode=none --output=/srv/received/all.journal
       systemd-run --quiet --unit=receiver-tls /usr/sbin/haproxy -f /srv/tls.cfg
       for try in $(seq 100); do bash -c '</dev/tcp/127.0.0.1/19998 && </dev/tcp/127.0.0.1/19999' 2>/dev/null && break; sleep 0.2; done`,
    );
    await bench.apply(webHost({ lines: ['autoindex on;'], authority: certificate }));
    await host.mustExec('logger -t test-of-upload arrived');
    await waitFor('the line to arrive', 120_000, async () =>
      (await host.exec('journalctl --file=/srv/received/all.journal -t test-of-upload -o cat')).stdout ===
      'arrived\n'
        ? true
        : undefined,
    );
    await bench.apply(webHost({ lines: ['autoindex on;'] }));
    await host.mustExec('systemctl stop receiver.service receiver-tls.service');
  }, 300_000);

  it('takes an apply back whose command ended well without its work being done', async () => {
    await host.mustExec('rm -f /srv/once');
    const document = await bench.writeManifest(webHost({ work: 'idle' }));
    const run = await bench.cli(['apply', '--yes', '--manifest', document]);
    expect([run.code, run.stdout + run.stderr]).toEqual([3, expect.stringContaining('its work is not done')]);
  }, 120_000);
});
