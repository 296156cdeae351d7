import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LabHost } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import type { HostManifest, ManifestCheck, ManifestUnit } from '../../lib/manifest/index.js';
import { daemonReloads, fingerprint, mainPid, Workbench, type CliRun } from './harness.js';
import { lines, sample, service, type Draft } from './manifests.js';

const A = '/srv/demo/a.conf';
const B = '/srv/demo/b.conf';

function withLine(path: string, text: string): (draft: Draft) => void {
  return (draft) => {
    Object.assign(draft.files[path] ?? {}, { content: lines({ 5: text }) });
  };
}

describeLab('a change', (lab) => {
  let bench: Workbench;
  let host: LabHost;

  beforeAll(async () => {
    await lab.reset('ai-node');
    bench = await Workbench.open(lab);
    host = lab.host('ai-node');
    await bench.apply(sample());
  });

  afterAll(() => bench.close());

  const now = async (): Promise<string> => (await host.mustExec('sleep 1; date +"%F %T"')).trim();

  it('restarts only the unit that it concerns, and reloads no one’s manager for a plain file', async () => {
    const before = [await mainPid(host, 'demo-a'), await mainPid(host, 'demo-b')];
    const since = await now();
    await bench.apply(sample(withLine(A, 'for a')));
    const after = [await mainPid(host, 'demo-a'), await mainPid(host, 'demo-b')];
    expect(after[0]).not.toBe(before[0]);
    expect(after[1]).toBe(before[1]);
    expect(await daemonReloads(host, since)).toBe(0);
  });

  it('reloads where a reload is enough', async () => {
    const before = await mainPid(host, 'demo-b');
    const since = await now();
    await bench.apply(
      sample((draft) => {
        withLine(A, 'for a')(draft);
        withLine(B, 'for b')(draft);
      }),
    );
    expect(await mainPid(host, 'demo-b')).toBe(before);
    expect(await host.mustExec(`journalctl --since "${since}" -u demo-b -o cat --no-pager`)).toContain(
      'Reloaded',
    );
  });

  it('reloads the manager once for two unit files', async () => {
    const since = await now();
    await bench.apply(
      sample((draft) => {
        for (const name of ['demo-a', 'demo-b']) {
          Object.assign(draft.files[`/etc/systemd/system/${name}.service`] ?? {}, {
            content: service(`${name}, again`),
          });
        }
      }),
    );
    expect(await daemonReloads(host, since)).toBe(1);
  });

  it('removes what left the configuration, its unit stopped first, and keeps what no one managed', async () => {
    await host.mustExec('echo mine >/srv/demo/conf.d/mine.conf; echo mine >/srv/demo/mine');
    const { code, changes } = await bench.diff(
      sample((draft) => {
        leave(draft);
      }),
    );
    expect(code).toBe(2);
    expect(
      changes.filter(({ action }) => action === 'delete').map(({ section, key }) => `${section} ${key}`),
    ).toEqual(
      expect.arrayContaining([
        `files ${B}`,
        'files /etc/systemd/system/demo-b.service',
        'symlinks /srv/demo/current',
        'units demo-b.service',
      ]),
    );
    await bench.apply(
      sample((draft) => {
        leave(draft);
      }),
    );
    expect(
      (
        await host.exec(
          `[ -e ${B} ] || [ -e /etc/systemd/system/demo-b.service ] || [ -L /srv/demo/current ]`,
        )
      ).code,
    ).toBe(1);
    expect((await host.exec('systemctl -q is-active demo-b')).code).not.toBe(0);
    expect(await host.mustExec('find /etc/systemd -name "demo-b*"')).toBe('');
    expect(await host.mustExec('cat /srv/demo/conf.d/mine.conf /srv/demo/mine')).toBe('mine\nmine\n');
    const stopped = await host.mustExec('journalctl -u demo-b -o cat --no-pager | tail -n 1');
    expect(stopped).toMatch(/Stopped|Deactivated/);
  });

  it('adopts a host that has the files already: a line diff first, and what it replaced is kept', async () => {
    await lab.reset('ai-node');
    await host.mustExec(
      `mkdir -p /srv/demo && seq -f 'line %g' 1 20 | sed 's/^line 4$/line IV/' >${A} && chmod 0600 ${A}`,
    );
    const before = await fingerprint(host, { mtimes: true, record: true });
    const { changes } = await bench.diff(sample());
    const adopted = changes.find(({ key }) => key === A);
    expect(adopted).toMatchObject({ action: 'update', cause: 'config' });
    expect(adopted?.diff).toContain('-line IV\n+line 4\n');
    expect(await fingerprint(host, { mtimes: true, record: true })).toBe(before);
    await bench.apply(sample());
    expect(await host.mustExec(`cat /var/lib/citadel-iac/generations/1/undo/a.tree${A}`)).toContain(
      'line IV',
    );
  });

  it('keeps every generation and goes back to one', async () => {
    await bench.apply(sample(withLine(A, 'the third')));
    const history = await bench.cli(['history', 'ai-node', '--json']);
    expect(history.code).toBe(0);
    expect(history.stdout).toContain('"generation": 2');
    const back = await bench.cli(['rollback', 'ai-node', '--to', '1', '--yes']);
    expect(back.stderr).not.toContain('Error');
    expect(back.code).toBe(0);
    expect(await host.mustExec(`sed -n 5p ${A}`)).toBe('line 5\n');
    expect(await host.mustExec('readlink /var/lib/citadel-iac/current')).toBe('generations/3\n');
  });

  it('deploys a template and an instance of it, and takes both away again', async () => {
    const template = '/etc/systemd/system/demo-job@.service';
    const withTemplate = sample((draft) => {
      const content = `${service('Job %i')}DefaultInstance=main\n`;
      draft.files[template] = { content, owner: 'root', group: 'root', mode: '0644' };
      const quiet = { restartOn: [], reloadOn: [], wave: 0 };
      draft.units['demo-job@.service'] = { enabled: true, state: 'any', ...quiet };
      draft.units['demo-job@a.service'] = { enabled: null, state: 'running', ...quiet };
    });
    await bench.apply(withTemplate);
    expect((await bench.diff(withTemplate)).changes).toEqual([]);
    await host.mustExec('systemctl disable --quiet demo-job@.service');
    const drift = (await bench.diff(withTemplate)).changes;
    expect(drift.map(({ section, key, cause }) => [section, key, cause])).toEqual([
      ['units', 'demo-job@.service', 'drift'],
    ]);
    await bench.apply(withTemplate);
    expect(await host.mustExec('systemctl is-enabled demo-job@.service')).toBe('enabled\n');
    await bench.apply(sample());
    expect((await bench.diff(sample())).changes).toEqual([]);
    expect(await host.mustExec('find /etc/systemd -name "demo-job*"')).toBe('');
    expect((await host.exec('systemctl -q is-active demo-job@a')).code).not.toBe(0);
  });

  const own = { owner: 'root', group: 'root', mode: '0644' };
  const unitFile = (draft: Draft, name: string, text: string): void => {
    draft.files[`/etc/systemd/system/${name}`] = { content: text, ...own };
  };
  const unit = (more: Partial<ManifestUnit> = {}): ManifestUnit => ({
    enabled: null,
    state: 'running',
    restartOn: [],
    reloadOn: [],
    wave: 0,
    ...more,
  });
  const failing: ManifestCheck = { kind: 'command', command: ['/bin/false'], timeoutSec: 1, wave: 9 };
  const tried = async (manifest: HostManifest): Promise<CliRun> =>
    bench.cli(['apply', '--yes', '--manifest', await bench.writeManifest(manifest)]);
  const notes = async (manifest: HostManifest): Promise<string> =>
    (await bench.cli(['diff', '--manifest', await bench.writeManifest(manifest)])).stdout;

  it('is undone when a service dies a moment after its check held', async () => {
    const dies = '[Service]\nExecStart=/bin/sh -c "sleep 1; echo out of memory; exit 1"\n';
    for (const restart of ['', 'Restart=always\nRestartSec=100ms\n']) {
      const run = await tried(
        sample((draft) => {
          unitFile(draft, 'demo-dies.service', dies + restart);
          draft.units['demo-dies.service'] = unit({ settleSec: 4 });
          draft.checks['dies'] = { kind: 'unit', unit: 'demo-dies.service', timeoutSec: 5, wave: 0 };
        }),
      );
      expect(run.code).toBe(3);
      expect(run.stdout + run.stderr).toMatch(/settle[^]*demo-dies\.service[^]*out of memory/);
    }
    expect((await bench.diff(sample())).changes).toEqual([]);
  });

  it('is undone when a service dies that was restarted along with its own, unless that was sick before', async () => {
    const wanted = (text: string): HostManifest =>
      sample((draft) => {
        unitFile(draft, 'demo-lead.service', service(text));
        unitFile(
          draft,
          'demo-tail.service',
          `[Unit]\nStartLimitIntervalSec=0\nPartOf=demo-lead.service\n[Service]\nRestart=always\nRestartSec=300ms\nExecStart=/bin/sh -c "[ ! -e /run/demo-sick ] || { sleep 1; exit 1; }; exec sleep infinity"\n`,
        );
        draft.units['demo-lead.service'] = unit({
          restartOn: ['/etc/systemd/system/demo-lead.service'],
          settleSec: 4,
        });
        draft.units['demo-tail.service'] = unit({ state: 'any', settleSec: 4 });
      });
    await bench.apply(wanted('first'));
    await host.mustExec('systemctl start demo-tail; sleep 1; touch /run/demo-sick');
    const run = await tried(wanted('second'));
    expect(run.code).toBe(3);
    expect(run.stdout + run.stderr).toMatch(/settle[^]*demo-tail\.service/);
    // It loops now, by no fault of the next change.
    await host.mustExec(
      'until [ "$(systemctl show -p NRestarts --value demo-tail)" -gt 1 ]; do sleep 0.2; done; until systemctl -q is-active demo-tail; do sleep 0.1; done',
    );
    await bench.apply(wanted('second'));
    await host.mustExec('rm /run/demo-sick');
    await bench.apply(sample());
  });

  it('takes a crash loop for drift, and tells of a drop-in of others', async () => {
    const crash = '[Service]\nExecStart=\nExecStart=/bin/false\nRestart=on-failure\nRestartSec=100s\n';
    await host.mustExec(
      `mkdir /etc/systemd/system/demo-a.service.d && printf '${crash}' >/etc/systemd/system/demo-a.service.d/hand.conf
       systemctl daemon-reload && systemctl restart demo-a; sleep 1; systemctl show -p SubState demo-a`,
    );
    const { changes } = await bench.diff(sample());
    expect(changes).toMatchObject([
      { section: 'units', key: 'demo-a.service', cause: 'drift', before: { state: 'crash loop' } },
    ]);
    expect(await notes(sample())).toContain('also reads /etc/systemd/system/demo-a.service.d/hand.conf');
    await host.mustExec('rm -r /etc/systemd/system/demo-a.service.d && systemctl daemon-reload');
    await bench.apply(sample());
    expect((await bench.diff(sample())).changes).toEqual([]);
  });

  it('leaves alone what a condition keeps from running, and says so', async () => {
    const wanted = sample((draft) => {
      unitFile(
        draft,
        'demo-cond.service',
        '[Unit]\nConditionPathExists=/nowhere\n[Service]\nExecStart=/usr/bin/sleep infinity\n',
      );
      draft.units['demo-cond.service'] = unit();
    });
    await bench.apply(wanted);
    const { code, changes } = await bench.diff(wanted);
    expect([code, changes]).toEqual([0, []]);
    expect(await notes(wanted)).toContain('demo-cond.service does not run: a condition of it does not hold');
  });

  it('restarts instances of a template, and begins no job a second time', async () => {
    const job = '/run/demo-jobs';
    const wanted = (text: string): HostManifest =>
      sample((draft) => {
        unitFile(draft, 'demo-work@.service', service(text));
        draft.units['demo-work@a.service'] = unit();
        unitFile(
          draft,
          'demo-job.service',
          `[Unit]\nDescription=${text}\n[Service]\nType=oneshot\nExecStart=/bin/sh -c "echo begun >>${job}; sleep 600"\n`,
        );
        draft.units['demo-job.service'] = unit({
          state: 'any',
          restartOn: ['/etc/systemd/system/demo-job.service'],
        });
      });
    await bench.apply(wanted('first'));
    await host.mustExec(`systemctl start --no-block demo-job; until [ -s ${job} ]; do sleep 0.1; done`);
    const before = [await mainPid(host, 'demo-work@a'), await mainPid(host, 'demo-job')];
    await bench.apply(wanted('second'));
    expect(await mainPid(host, 'demo-work@a')).not.toBe(before[0]);
    expect(await mainPid(host, 'demo-job')).toBe(before[1]);
    // The template leaves while instances run, one of them by hand; so does the job.
    await host.mustExec('systemctl start demo-work@b');
    await bench.apply(sample());
    expect(
      await host.mustExec(
        'systemctl list-units --plain --no-legend --state=active,activating "demo-work@*" "demo-job*"',
      ),
    ).toBe('');
  });

  it('moves a socket whose service runs, back as well, and stops both as they leave', async () => {
    const serve =
      'import socket,time; s=socket.socket(fileno=3); [c[0].close() for c in iter(s.accept, None)]';
    const wanted = (port: number, checks: Draft['checks'] = {}): HostManifest =>
      sample((draft) => {
        unitFile(draft, 'demo-echo.socket', `[Socket]\nListenStream=127.0.0.1:${port}\n`);
        unitFile(draft, 'demo-echo.service', `[Service]\nExecStart=/usr/bin/python3 -c "${serve}"\n`);
        draft.units['demo-echo.socket'] = unit({ restartOn: ['/etc/systemd/system/demo-echo.socket'] });
        draft.units['demo-echo.service'] = unit({ state: 'any' });
        Object.assign(draft.checks, checks);
      });
    const connect = (port: number): Promise<{ code: number }> =>
      host.exec(['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${port} && cat <&3`]);
    await bench.apply(wanted(7701));
    expect((await connect(7701)).code).toBe(0);
    await host.mustExec('systemctl is-active demo-echo.service');
    await bench.apply(wanted(7702));
    expect([(await connect(7702)).code, (await connect(7701)).code]).toEqual([0, 1]);
    await host.mustExec('systemctl is-active demo-echo.service');
    expect((await tried(wanted(7703, { failing }))).code).toBe(3);
    expect([(await connect(7702)).code, (await connect(7703)).code]).toEqual([0, 1]);
    await host.mustExec('systemctl is-active demo-echo.service demo-echo.socket');
    await bench.apply(sample());
    expect((await host.exec('systemctl is-active demo-echo.service demo-echo.socket')).stdout).toBe(
      'inactive\ninactive\n',
    );
  });

  it('starts a group again at once on the way back, each once', async () => {
    const order = '/run/demo-order';
    const names = ['demo-l1', 'demo-l2', 'demo-l3'];
    const wanted = (text: string, checks: Draft['checks'] = {}): HostManifest =>
      sample((draft) => {
        unitFile(
          draft,
          'demo-all.target',
          `[Unit]\nDescription=all\nWants=${names.join('.service ')}.service\n`,
        );
        draft.units['demo-all.target'] = unit();
        for (const name of names) {
          const load = `/bin/sh -c "echo begin >>${order}; sleep 2; echo end >>${order}"`;
          unitFile(
            draft,
            `${name}.service`,
            `[Unit]\nDescription=${text}\nPartOf=demo-all.target\n[Service]\nExecStartPre=${load}\nExecStart=/usr/bin/sleep infinity\n`,
          );
          draft.units[`${name}.service`] = unit({ restartOn: [`/etc/systemd/system/${name}.service`] });
        }
        Object.assign(draft.checks, checks);
      });
    await bench.apply(wanted('first'));
    await host.mustExec(`rm ${order}`);
    expect((await tried(wanted('second', { failing }))).code).toBe(3);
    const one = `${'begin\n'.repeat(3)}${'end\n'.repeat(3)}`;
    expect(await host.mustExec(`cat ${order}`)).toBe(one + one);
    expect(await host.mustExec(`systemctl show -p Description --value ${names.join(' ')}`)).toBe(
      'first\n\nfirst\n\nfirst\n',
    );
    await bench.apply(sample());
  });

  it('is not held up by a check that failed before it and that it does not concern', async () => {
    const peer = '/run/demo-peer';
    const check: ManifestCheck = {
      kind: 'command',
      command: ['/usr/bin/test', '-e', peer],
      timeoutSec: 2,
      wave: 0,
    };
    const wanted = (text: string): HostManifest => {
      const { origins, checks, ...rest } = sample(withLine(B, text));
      return {
        ...rest,
        checks: { ...checks, peer: check },
        origins: { ...origins, 'checks/peer': 'ai-node/peer/health' },
      };
    };
    await host.mustExec(['touch', peer]);
    await bench.apply(wanted('with its peer'));
    await host.mustExec(['rm', peer]);
    const run = await bench.apply(wanted('without its peer'));
    expect(run.stdout + run.stderr).toContain('check peer fails already, before this change');
    // One that is new counts.
    expect((await tried(sample((draft) => Object.assign(draft.checks, { failing })))).code).toBe(3);
    await bench.apply(sample());
  });
});

function leave(draft: Draft): void {
  delete draft.directories['/srv/demo/conf.d'];
  delete draft.files[B];
  delete draft.files['/etc/systemd/system/demo-b.service'];
  delete draft.symlinks['/srv/demo/current'];
  delete draft.units['demo-b.service'];
}
