import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LabHost } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { daemonReloads, fingerprint, mainPid, Workbench } from './harness.js';
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

  it('restarts only the unit that it concerns, and reloads nobody’s manager for a plain file', async () => {
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
            content: service(`${name}, anew`),
          });
        }
      }),
    );
    expect(await daemonReloads(host, since)).toBe(1);
  });

  it('removes what left the configuration, its unit stopped first, and keeps what nobody managed', async () => {
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
});

function leave(draft: Draft): void {
  delete draft.directories['/srv/demo/conf.d'];
  delete draft.files[B];
  delete draft.files['/etc/systemd/system/demo-b.service'];
  delete draft.symlinks['/srv/demo/current'];
  delete draft.units['demo-b.service'];
}
