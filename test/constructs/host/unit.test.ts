import { describe, expect, it } from 'vitest';
import {
  Duration,
  environment,
  exec,
  HostFile,
  Size,
  SystemdDropIn,
  SystemdUnit,
  type SystemdUnitProps,
} from '../../../lib/constructs/index.js';
import { suggest } from '../../../lib/text/suggest.js';
import { manifestOf, problemsOf } from './support.js';

const unitProblems = (props: object) =>
  problemsOf((host) => new SystemdUnit(host, 'u', { name: 'x.service', ...props }));

describe('SystemdUnit', () => {
  it('contributes its file and its state', () => {
    const { files, units } = manifestOf((host) => {
      const env = new HostFile(host, 'env', { path: '/etc/default/phi3', lines: ['A=1'] });
      const unit = new SystemdUnit(host, 'phi3', {
        name: 'citadel-phi3.service',
        unit: { Description: 'phi3, 100%', After: ['network-online.target'] },
        service: {
          ExecStart: exec(['/opt/citadel/bin/serve', '--port', 11403]),
          Environment: environment({ HF_HOME: '/opt/hf cache' }),
          RestartSec: Duration.seconds(90),
          MemoryMax: Size.gibibytes(16),
          CPUQuota: '150%',
          PrivateTmp: true,
          LimitNOFILE: 65536,
        },
        install: { WantedBy: 'multi-user.target' },
        restartOn: [env],
        wave: 1,
      });
      unit.addReloadOn('/etc/hosts.allow');
      unit.addRestartOn(env);
      new HostFile(host, 'allow', { path: '/etc/hosts.allow', content: '' });
    });
    expect(files?.['/etc/systemd/system/citadel-phi3.service']).toEqual({
      content: `[Unit]
Description=phi3, 100%%
After=network-online.target

[Service]
ExecStart=/opt/citadel/bin/serve --port 11403
Environment="HF_HOME=/opt/hf cache"
RestartSec=1m30s
MemoryMax=16G
CPUQuota=150%
PrivateTmp=yes
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
`,
      owner: 'root',
      group: 'root',
      mode: '0644',
      validate: 'systemd-unit',
    });
    expect(units).toEqual({
      'citadel-phi3.service': {
        enabled: true,
        state: 'running',
        restartOn: ['/etc/default/phi3', '/etc/systemd/system/citadel-phi3.service'],
        reloadOn: ['/etc/hosts.allow'],
        wave: 1,
      },
    });
  });

  it.each<[string, Partial<SystemdUnitProps>, object]>([
    ['with [Install]', { install: { WantedBy: 'x.target' } }, { enabled: true, state: 'running' }],
    ['without [Install]', {}, { enabled: null, state: 'any' }],
    [
      'that ends',
      { service: { Type: 'oneshot' }, install: { WantedBy: 'x.target' } },
      { enabled: true, state: 'any' },
    ],
    [
      'that ends and remains',
      { service: { Type: 'oneshot', RemainAfterExit: true }, install: { WantedBy: 'x.target' } },
      { enabled: true, state: 'running' },
    ],
    ['as told', { enabled: false, state: 'stopped' }, { enabled: false, state: 'stopped' }],
  ])('has a state of its own: %s', (_name, props, expected) => {
    const { units } = manifestOf(
      (host) => new SystemdUnit(host, 'u', { name: 'x.service', service: {}, ...props }),
    );
    expect(units?.['x.service']).toMatchObject(expected);
  });

  it('writes every kind of unit', () => {
    const { files } = manifestOf((host) => {
      new SystemdUnit(host, 'a', {
        name: 'a.timer',
        timer: { OnCalendar: ['daily', '*:0/15'], Persistent: true, RandomizedDelaySec: Duration.minutes(5) },
      });
      new SystemdUnit(host, 'b', { name: 'b.target', unit: { Wants: ['x.service', 'y.service'] } });
      new SystemdUnit(host, 'c', {
        name: 'mnt-c.mount',
        mount: { What: '/dev/sda1', Where: '/mnt/c', Type: 'ext4' },
      });
      new SystemdUnit(host, 'd', {
        name: 'd.socket',
        socket: { ListenStream: [80, '/run/d'], Accept: false },
      });
      new SystemdUnit(host, 'e', { name: 'e.path', path: { PathChanged: '/etc/e' } });
      new SystemdUnit(host, 'f', { name: 'f.slice', slice: { MemoryMax: Size.gibibytes(1) } });
      new SystemdUnit(host, 'g', {
        name: 'g.automount',
        automount: { Where: '/g' },
        unit: { 'X-Note': 'mine' },
      });
    });
    expect(Object.values(files ?? {}).map((file) => file.content)).toEqual([
      '[Timer]\nOnCalendar=daily\nOnCalendar=*:0/15\nPersistent=yes\nRandomizedDelaySec=5m\n',
      '[Unit]\nWants=x.service\nWants=y.service\n',
      '[Socket]\nListenStream=80\nListenStream=/run/d\nAccept=no\n',
      '[Path]\nPathChanged=/etc/e\n',
      '[Slice]\nMemoryMax=1G\n',
      '[Unit]\nX-Note=mine\n\n[Automount]\nWhere=/g\n',
      '[Mount]\nWhat=/dev/sda1\nWhere=/mnt/c\nType=ext4\n',
    ]);
  });

  it('knows a template by its name: a file, but nothing that runs', () => {
    const { files, units } = manifestOf((host) => {
      const template = new SystemdUnit(host, 't', {
        name: 'x@.service',
        service: { ExecStart: '/bin/true' },
        install: { WantedBy: 'multi-user.target' },
      });
      SystemdUnit.fromPackage(host, 'i', { name: 'x@a.service', restartOn: [template] });
      template.addDropIn('limits', { service: { LimitNOFILE: 5 } });
    });
    expect(Object.keys(files ?? {})).toEqual([
      '/etc/systemd/system/x@.service',
      '/etc/systemd/system/x@.service.d/limits.conf',
    ]);
    expect(units).toEqual({
      'x@a.service': {
        enabled: true,
        state: 'running',
        restartOn: ['/etc/systemd/system/x@.service'],
        reloadOn: [],
        wave: 0,
      },
    });
  });

  it.each<[object, string]>([
    [
      { service: { ExecStrat: '/bin/x' } },
      'service.ExecStrat: [Service] has no directive ExecStrat. Did you mean ExecStart?',
    ],
    [
      { service: { execstart: '/bin/x' } },
      'service.execstart: [Service] has no directive execstart. Did you mean ExecStart?',
    ],
    [
      { service: { OnCalendar: 'daily' } },
      'service.OnCalendar: [Service] has no directive OnCalendar. OnCalendar belongs into [Timer].',
    ],
    [
      { service: { Nonsense: 1 } },
      'service.Nonsense: [Service] has no directive Nonsense. Take it out, or call it X-… if it is a note of your own.',
    ],
    [
      { service: { toString: 'x' } },
      'service.toString: [Service] has no directive toString. Take it out, or call it X-… if it is a note of your own.',
    ],
    [
      { timer: { OnCalendar: 'daily' } },
      'timer: x.service has a section [Timer]. Only [Unit], [Install] and the section of a .service belong into it.',
    ],
    [
      { service: { PrivateTmp: 'maybe' } },
      'service.PrivateTmp: "maybe" is neither yes nor no. Give true or false.',
    ],
    [
      { service: { Type: ['simple', 'exec'] } },
      'service.Type: 2 values for a directive that holds one. Give one value.',
    ],
    [
      { service: { ExecStart: ['/bin/echo', 'x'] } },
      'service.ExecStart[1]: "x" does not begin with a program\'s path. Give each command as exec([program, …arguments]).',
    ],
    [
      { unit: { Description: 'a\n[Service]' } },
      'Unit.Description: "a\\n[Service]" has a line end inside. Give one line.',
    ],
  ])('refuses %j', (props, message) => {
    // What an unknown directive is told of `raw` stands below.
    expect(unitProblems(props)).toEqual([expect.stringContaining(`[ai-node/host/u] ${message}`)]);
  });

  it('refuses a secret in a unit: everybody may read units', () => {
    expect(unitProblems({ service: { Environment: 'TOKEN=@@secret:token@@' } })).toEqual([
      '[ai-node/host/u] files["/etc/systemd/system/x.service"].mode: "0644" lets everybody reach a file that holds a secret. Use "0600", or "0640" with the group that must read it.',
    ]);
  });
});

describe('drop-ins and units of packages', () => {
  it('put files next to the unit and restart it', () => {
    const { directories, files, units } = manifestOf((host) => {
      const unit = SystemdUnit.fromPackage(host, 'p', {
        name: 'prometheus.service',
        dropIns: { exec: { service: { ExecStart: ['', exec(['/usr/bin/prometheus', '--x'])] } } },
        enabled: null,
      });
      unit.addReloadOn('/etc/prometheus/prometheus.yml');
      new HostFile(host, 'config', { path: '/etc/prometheus/prometheus.yml', content: '' });
      new SystemdDropIn(host, 'more', { unit, name: '90-more', sections: { unit: { After: 'x.service' } } });
    });
    const folder = '/etc/systemd/system/prometheus.service.d';
    expect(directories).toEqual({ [folder]: { owner: 'root', group: 'root', mode: '0755' } });
    expect(files?.[`${folder}/exec.conf`]?.content).toBe(
      '[Service]\nExecStart=\nExecStart=/usr/bin/prometheus --x\n',
    );
    expect(files?.[`${folder}/90-more.conf`]).toMatchObject({ mode: '0644', validate: 'systemd-unit' });
    expect(units).toEqual({
      'prometheus.service': {
        enabled: null,
        state: 'running',
        restartOn: [`${folder}/90-more.conf`, `${folder}/exec.conf`],
        reloadOn: ['/etc/prometheus/prometheus.yml'],
        wave: 0,
      },
    });
  });

  it('refuse a unit that no one declares, and sections of another type', () => {
    expect(
      problemsOf(
        (host) =>
          new SystemdDropIn(host, 'd', { unit: 'nginx.service', sections: { socket: { Accept: true } } }),
      ),
    ).toEqual([
      '[ai-node/host/d] nginx.service is to restart when /etc/systemd/system/nginx.service.d/d.conf changes, but no construct of this host declares that unit. Declare it, for a package\'s unit with SystemdUnit.fromPackage(host, id, { name: "nginx.service" }).',
      '[ai-node/host/d] socket: nginx.service has a section [Socket]. Only [Unit], [Install] and the section of a .service belong into it.',
    ]);
  });
});

describe('suggest', () => {
  it.each([
    ['RestartSecs', 'RestartSec'],
    ['ExecStrat', 'ExecStart'],
    ['wantedby', 'WantedBy'],
    ['Xyzzy', undefined],
    ['', undefined],
  ])('%s', (word, expected) => {
    expect(suggest(word, ['RestartSec', 'ExecStart', 'WantedBy'])).toBe(expected);
  });
});

describe('raw directives', () => {
  it('are written as given, over the typed ones, also of sections that have none', () => {
    const { files } = manifestOf((host) => {
      new SystemdUnit(host, 'u', {
        name: 'x.service',
        service: { ExecStart: exec(['/bin/true']), PrivateTmp: true },
        raw: { service: { RestartSteps: 5, PrivateTmp: 'disconnected' }, unit: { DebugInvocation: true } },
      });
    });
    expect(files?.['/etc/systemd/system/x.service']?.content).toBe(
      '[Unit]\nDebugInvocation=yes\n\n[Service]\nExecStart=/bin/true\nPrivateTmp=disconnected\nRestartSteps=5\n',
    );
  });

  it('are what an unknown directive is told about, and belong into a section of the unit', () => {
    expect(unitProblems({ service: { RestartSteps: 5 } })).toEqual([
      expect.stringContaining('write raw: { service: { RestartSteps: … } }'),
    ]);
    expect(unitProblems({ raw: { servcie: {} } })).toEqual([
      expect.stringContaining('raw.servcie: is not a property of this construct. Did you mean service?'),
    ]);
    expect(unitProblems({ raw: { timer: { OnBootSec: 1 } } })).toEqual([
      expect.stringContaining('x.service has a section [Timer]'),
    ]);
  });
});
