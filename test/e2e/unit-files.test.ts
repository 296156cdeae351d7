import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LabHost } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import type { ManifestUnit } from '../../lib/manifest/index.js';
import { mainPid, Workbench } from './harness.js';
import { document, files, type Parts } from './validator-cases.js';

const unit = (more: Partial<ManifestUnit> = {}): ManifestUnit => ({
  enabled: null,
  state: 'running',
  restartOn: [],
  reloadOn: [],
  wave: 0,
  ...more,
});
const sleeping = (seconds: number | string, description = 'ours'): string =>
  `[Unit]\nDescription=${description}\n[Service]\nExecStart=/usr/bin/sleep ${String(seconds)}\n[Install]\nWantedBy=multi-user.target\n`;
const ETC = '/etc/systemd/system';
const LOCAL = '/usr/local/lib/systemd/system';

/** Units run by the files that count: what leaves goes back to what was there before, and what concerned a unit still does. */
describeLab('the files of a unit', (lab) => {
  let bench: Workbench;
  let host: LabHost;

  beforeAll(async () => {
    await lab.reset('ai-node');
    bench = await Workbench.open(lab);
    host = lab.host('ai-node');
    await host.mustExec(
      `printf '${sleeping(4000, 'theirs').replaceAll('\n', '\\n')}' >${ETC}/theirs.service
       systemctl daemon-reload && systemctl -q enable --now theirs`,
    );
  });

  afterAll(() => bench.close());

  const apply = async (parts: Parts): Promise<string> =>
    (await bench.apply(document('ai-node', parts))).stdout;
  const state = async (name: string): Promise<string> =>
    (
      await host.mustExec(
        `systemctl show -p ActiveState -p UnitFileState -p Description --value ${name} | paste -s -d ' '`,
      )
    ).trim();

  it('that cover those of a package or a person leave them as they were, running by the files of before', async () => {
    const ours = files({
      [`${ETC}/cron.service`]: sleeping('infinity'),
      [`${ETC}/theirs.service`]: sleeping(3000),
    });
    const both: Parts = {
      files: ours,
      units: Object.fromEntries(
        ['cron.service', 'theirs.service'].map((name) => [
          name,
          unit({ enabled: true, restartOn: [`${ETC}/${name}`] }),
        ]),
      ),
    };
    const before = [await state('cron'), await state('theirs')];
    await apply({});
    await apply(both);
    expect([await state('cron'), await state('theirs')]).toEqual([
      'ours active enabled',
      'ours active enabled',
    ]);
    // The unit stays in the document, its file does not.
    await apply({ units: { 'cron.service': unit({ enabled: true }) } });
    expect([await state('cron'), await state('theirs')]).toEqual(before);
    await host.mustExec('pgrep -x cron && pgrep -f "sleep 4000" && ! pgrep -f "sleep (3000|infinity)"');
    // Both leave at once, by the operator and by the host itself.
    for (const leave of [
      (): Promise<unknown> => apply({}),
      (): Promise<unknown> => host.mustExec('/bin/sh /var/lib/citadel-iac/current/bin/back.sh - to 1 --yes'),
    ]) {
      await apply(both);
      expect(await state('cron')).toBe('ours active enabled');
      await leave();
      expect([await state('cron'), await state('theirs')]).toEqual(before);
      await host.mustExec('pgrep -x cron && pgrep -f "sleep 4000" && ! pgrep -f "sleep (3000|infinity)"');
    }
  });

  it('and what it reads restart it when they leave, by the operator and by the host itself', async () => {
    const conf = '/opt/demo.conf';
    const dropIn = `${ETC}/demo.service.d/more.conf`;
    const bare: Parts = {
      files: files({ [`${ETC}/demo.service`]: sleeping('infinity') }),
      units: { 'demo.service': unit({ restartOn: [`${ETC}/demo.service`] }) },
    };
    const more = (extra: Record<string, string>): Parts => ({
      files: { ...bare.files, ...files(extra) },
      units: {
        'demo.service': unit({ restartOn: [`${ETC}/demo.service`, ...Object.keys(extra)].sort() }),
      },
    });
    await apply(bare);
    const generation = (await host.mustExec('readlink /var/lib/citadel-iac/current')).trim().split('/').pop();
    for (const extra of [{ [conf]: 'x\n' }, { [dropIn]: '[Service]\nEnvironment=A=1\n' }]) {
      await apply(more(extra));
      const first = await mainPid(host, 'demo');
      expect(await apply(bare)).toContain('restarts demo.service');
      const second = await mainPid(host, 'demo');
      await apply(more(extra));
      const third = await mainPid(host, 'demo');
      await host.mustExec(`/bin/sh /var/lib/citadel-iac/current/bin/back.sh - to ${generation ?? ''} --yes`);
      expect(new Set([first, second, third, await mainPid(host, 'demo')]).size).toBe(4);
    }
  });

  it('count wherever systemd looks for them: instances restart, and nothing runs on without a file', async () => {
    const parts = (seconds: number): Parts => ({
      files: files({
        [`${LOCAL}/work@.service`]: sleeping(seconds),
        [`${LOCAL}/lone.service`]: sleeping(1000),
        '/opt/linked.service': sleeping(1001),
      }),
      symlinks: { [`${ETC}/linked.service`]: { target: '/opt/linked.service' } },
      units: { 'work@a.service': unit(), 'lone.service': unit({ state: 'any' }) },
    });
    await apply(parts(1002));
    await host.mustExec('systemctl start lone linked work@b');
    expect(await apply(parts(1003))).toContain('restarts work@a.service');
    await host.mustExec('pgrep -f "sleep 1003" && systemctl is-active lone linked work@b');
    await apply({});
    expect(await host.exec('pgrep -f "sleep 100[0-3]"')).toMatchObject({ code: 1 });
  });

  it('take the unit with them also where it ran by them before it was named, by the operator and by the host itself', async () => {
    const own: Parts = { files: files({ [`${LOCAL}/later.service`]: sleeping(1010) }) };
    const both: Parts = { ...own, units: { 'later.service': unit({ enabled: true }) } };
    await apply({});
    const bare = (await host.mustExec('readlink /var/lib/citadel-iac/current')).trim().split('/').pop() ?? '';
    for (const leave of [
      (): Promise<string> => apply({}),
      (): Promise<string> =>
        host.mustExec(`/bin/sh /var/lib/citadel-iac/current/bin/back.sh - to ${bare} --yes`),
    ]) {
      await apply(own);
      await host.mustExec('systemctl start later');
      await apply(both);
      expect(await state('later')).toBe('ours active enabled');
      expect(await leave()).not.toContain('it ran before it was managed');
      expect(await host.exec('pgrep -f "sleep 10[1]0"')).toMatchObject({ code: 1 });
      await host.mustExec('! test -L /etc/systemd/system/multi-user.target.wants/later.service');
    }
  });

  it('in /etc leave one of /usr/local/lib or of a template running that they covered, by the operator and by the host itself', async () => {
    await host.mustExec(
      `mkdir -p ${LOCAL} && printf '${sleeping(4010, 'theirs').replaceAll('\n', '\\n')}' | tee ${LOCAL}/local.service >${LOCAL}/many@.service
       systemctl daemon-reload && systemctl -q enable --now local many@a`,
    );
    const names = ['local.service', 'many@a.service'];
    const covering: Parts = {
      files: files({
        [`${ETC}/local.service`]: sleeping(3010),
        [`${ETC}/many@.service`]: sleeping(3010),
      }),
      units: Object.fromEntries(names.map((name) => [name, unit({ enabled: true })])),
    };
    const states = (): Promise<string[]> => Promise.all(names.map(state));
    const before = await states();
    await apply({});
    const bare = (await host.mustExec('readlink /var/lib/citadel-iac/current')).trim().split('/').pop() ?? '';
    for (const leave of [
      (): Promise<string> => apply({}),
      (): Promise<string> =>
        host.mustExec(`/bin/sh /var/lib/citadel-iac/current/bin/back.sh - to ${bare} --yes`),
    ]) {
      await apply(covering);
      expect(await states()).toEqual(['ours active enabled', 'ours active enabled']);
      await leave();
      expect(await states()).toEqual(before);
      await host.mustExec('test "$(pgrep -fc "sleep 40[1]0")" = 2 && ! pgrep -f "sleep 30[1]0"');
    }
  });
});
