import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { HostManifest } from '../../lib/manifest/index.js';
import type { Finished, LabHost } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { EngineProcess } from './engine-process.js';
import { Workbench } from './harness.js';
import { repositoryOf, REPOSITORY } from './package-repository.js';
import { installNodePrograms } from './node-programs.js';
import {
  expectOutcome,
  fingerprint,
  leftovers,
  scenario,
  settled,
  type Side,
} from './transaction-scenario.js';

const NAME = 'ai-node';
const DEB = '/root/e2e-rollback.deb';
const BUILD = `
  rm -rf /tmp/deb && mkdir -p /tmp/deb/DEBIAN /tmp/deb/usr/share/e2e-rollback && cd /tmp/deb
  printf 'Package: e2e-rollback\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: x <x@example.org>\\nDescription: x\\n' >DEBIAN/control
  echo there >usr/share/e2e-rollback/file
  dpkg-deb --root-owner-group --build /tmp/deb ${DEB} >/dev/null && rm -rf /tmp/deb`;
const SECRETS: Record<Side, string> = { A: 'first-value-of-all', B: 'second-value-of-all' };

/** Configuration, units, a mount, and on one side an account and a package; a secret whose value differs. */
function document(side: Side): HostManifest {
  const base = scenario(NAME, side, true);
  const more =
    side === 'A'
      ? {}
      : {
          packages: { 'e2e-rollback': { source: DEB } },
          users: { e2eperson: { home: '/home/e2eperson', shell: '/bin/sh', groups: ['adm'], system: false } },
        };
  const token = { secret: 'e2e_token', owner: 'root', group: 'root', mode: '0600' };
  const line = { content: `${side}: @@secret:e2e_token@@\n`, owner: 'root', group: 'root', mode: '0600' };
  return { ...base, ...more, files: { ...base.files, '/opt/e2e/token': token, '/opt/e2e/line': line } };
}

/** Accounts and packages next to what {@link fingerprint} sees. */
async function print(host: LabHost): Promise<string> {
  const more = await host.mustExec(`
    getent passwd e2eperson; id -nG e2eperson 2>/dev/null
    dpkg-query -W -f '\${Package} \${Version} \${db:Status-Status}\\n' e2e-rollback 2>/dev/null | grep installed
    true`);
  return `${await fingerprint(host)}\n${more}`;
}

describeLab('going back on the host itself', (lab) => {
  const host = lab.host(NAME);
  const prints = new Map<Side, string>();
  let engine: EngineProcess;
  let bench: Workbench;

  const rollback = (words: string): Promise<Finished> =>
    host.exec(`citadel-rollback ${words}`, { user: 'agent0', timeoutMs: 180_000 });
  const current = async (): Promise<number> =>
    Number((await host.mustExec('basename "$(readlink /var/lib/citadel-iac/current)"')).trim());

  async function diffCauses(side: Side): Promise<string[]> {
    const inventory: unknown = parse(await readFile(bench.inventory, 'utf8'));
    const secrets = { e2e_token: { command: ['printf', '%s', SECRETS[side]] } };
    await writeFile(bench.inventory, stringify({ ...(inventory as object), secrets }));
    return [...new Set((await bench.diff(document(side))).changes.map(({ cause }) => cause))];
  }

  beforeAll(async () => {
    await host.reset();
    await installNodePrograms(host);
    await host.mustExec(BUILD);
    engine = new EngineProcess(lab);
    bench = await Workbench.open(lab);
    for (const side of ['A', 'B'] as const) {
      const secrets = { e2e_token: SECRETS[side] };
      expectOutcome(await engine.apply(NAME, document(side), { secrets }), 'committed');
      prints.set(side, await print(host));
    }
  }, 300_000);
  afterAll(async () => {
    await engine.end();
    await bench.close();
  });

  it('says before what would change and what cannot be undone, and touches nothing', async () => {
    const run = await rollback('to 1 --dry-run');
    expect(run.code, run.stderr).toBe(0);
    for (const words of [
      'From generation 2 to generation 1',
      '- packages    e2e-rollback',
      '- users       e2eperson  (the home directory /home/e2eperson is kept)',
      '- mounts      /mnt/citadel-models  (is unmounted; what is on the disk stays)',
      '! restart     e2e-kept.service',
      'What this cannot take back:',
      'package e2e-rollback is removed',
      'user e2eperson goes; the home directory and its files stay',
      'what programs have written since stays as it is',
      'generation 1 has no citadel-rollback',
    ])
      expect(run.stdout).toContain(words);
    for (const value of Object.values(SECRETS)) expect(run.stdout).not.toContain(value);
    expect(await print(host)).toBe(prints.get('B'));
    expect(await current()).toBe(2);
  });

  it.each([
    ['back', 1, 'A'],
    ['forward', 2, 'B'],
    ['back to what went back', 3, 'A'],
    ['forward again', 4, 'B'],
  ] as const)('goes %s, to generation %i, and the operator sees why', async (_name, to, side) => {
    const before = await current();
    const run = await rollback(`to ${to} --old-secrets --yes`);
    expect(run.code, `${run.stdout}\n${run.stderr}`).toBe(0);
    expect(run.stdout).toContain(`the host is at generation ${before + 1}, which equals generation ${to}.`);
    expect(await print(host)).toBe(prints.get(side));
    expect(await host.mustExec('cat /opt/e2e/token')).toBe(SECRETS[side]);
    expect(await leftovers(host)).toBe('');

    // Nothing differs from what the generation was made of; everything else is the configuration's wish, not drift.
    expect(await diffCauses(side)).toEqual([]);
    expect(await diffCauses(side === 'A' ? 'B' : 'A')).toEqual(['config']);
    const secrets = { e2e_token: SECRETS[side] };
    expectOutcome(await engine.apply(NAME, document(side), { secrets }), 'unchanged');
    const history = await bench.cli(['history', NAME]);
    expect(history.stdout).toMatch(
      new RegExp(`\\* ${before + 1} .*rollback to ${to} on the host by agent0@ai-node: \\d+ changes: `),
    );
  });

  it('undoes itself when the old generation is not healthy', async () => {
    const here = await current();
    // Generation 1's service cannot run any more: something else has taken its program away.
    await host.mustExec(
      'mkdir -p /etc/systemd/system/e2e-only-a.service.d; printf "[Service]\\nExecStartPre=/bin/false\\n" >/etc/systemd/system/e2e-only-a.service.d/bad.conf',
    );
    const run = await rollback('to 1 --old-secrets --yes');
    expect(run.code, run.stdout).toBe(1);
    expect(run.stdout).toContain(`The host undid everything and is at generation ${here}.`);
    await host.mustExec('rm -r /etc/systemd/system/e2e-only-a.service.d; systemctl daemon-reload');
    expect(await print(host)).toBe(prints.get('B'));
    expect(await leftovers(host)).toBe('');
  });

  it('is kept out by a transaction that runs, and says by whom', async () => {
    const holder = host.exec('flock /var/lib/citadel-iac/lock sleep 6');
    await new Promise((resolve) => setTimeout(resolve, 500));
    const run = await rollback('to 1 --old-secrets --yes');
    expect(run.code, run.stdout).toBe(75);
    await holder;
  });

  it('refuses what is not there any more, before it touches anything', async () => {
    const absent = await rollback('to 99 --yes');
    expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining('there is no generation 99')]);
    const folder = '/var/lib/citadel-iac/generations/1';
    await host.mustExec(`mv ${folder}/secrets /root/kept-secrets`);
    const run = await rollback('to 1 --old-secrets --yes');
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(
      'Missing: the secret e2e_token, which /opt/e2e/line and 1 more needs\n  Nothing was changed.',
    );
    // Another generation has a value of it, and a newer one.
    expect((await rollback('list')).stdout).not.toContain('cannot be gone back to');
    await host.mustExec(`mv /root/kept-secrets ${folder}/secrets`);
    expect(await print(host)).toBe(prints.get('B'));
  });

  it('keeps everything for root alone', async () => {
    const modes = await host.mustExec(
      'stat -c "%a %U" /var/lib/citadel-iac /var/lib/citadel-iac/generations/1/secrets /var/lib/citadel-iac/generations/1/secrets/*',
    );
    expect(modes).toBe('700 root\n700 root\n600 root\n');
    const run = await host.exec(['grep', '-rlF', SECRETS.A, '/var/lib/citadel-iac']);
    const places = run.stdout
      .trim()
      .split('\n')
      .filter((it) => !/\/(secrets|undo)\//.test(it));
    expect(places).toEqual([]);
  });

  it.each([
    ['its program is killed', 'kill'],
    ['the host reboots', 'boot'],
  ] as const)('is at one of the two when %s in the middle', async (_name, how) => {
    const before = await current();
    const slow = `/etc/systemd/system/e2e-only-a.service.d`;
    // Generation 1's own service takes long to start, so that there is a middle.
    await host.mustExec(
      `mkdir -p ${slow}; printf '[Service]\\nExecStartPre=/bin/sleep 20\\n' >${slow}/slow.conf`,
    );
    const running = rollback('to 1 --old-secrets --yes');
    await expect
      .poll(async () => (await host.exec('grep -qs switched /var/lib/citadel-iac/open/state')).code, {
        timeout: 60_000,
      })
      .toBe(0);
    if (how === 'kill') {
      await host.mustExec(
        `kill -9 "$(systemctl show -p MainPID --value "$(systemctl list-units --state=active --plain --no-legend 'citadel-iac-*.service' | cut -d ' ' -f 1)")"`,
      );
      await running;
    } else {
      await host.reboot();
      await running.catch(() => undefined);
    }
    await settled(host);
    await host.mustExec(`rm -r ${slow}; systemctl daemon-reload`);
    expect(await current()).toBe(before);
    expect(await print(host)).toBe(prints.get('B'));
    const again = await rollback('to 1 --old-secrets --yes');
    expect(again.code, `${again.stdout}\n${again.stderr}`).toBe(0);
    expect(await print(host)).toBe(prints.get('A'));
    expect((await rollback('to 2 --old-secrets --yes')).code).toBe(0);
    expect(await leftovers(host)).toBe('');
  });

  it('is gone back to from the operator’s side as well, after the same words', async () => {
    await diffCauses('A');
    const run = await bench.cli(['rollback', NAME, '--to', '1', '--yes', '--allow-secret', 'e2e_token'], {
      timeoutMs: 180_000,
    });
    expect(run.code, run.stdout + run.stderr).toBe(0);
    for (const words of [
      'cannot be undone: package e2e-rollback is removed',
      'cannot be undone: user e2eperson goes; the home directory and its files stay',
      'cannot be undone: /mnt/citadel-models is unmounted; what is on the disk stays as it is',
    ])
      expect(run.stdout).toContain(words);
    expect(await print(host)).toBe(prints.get('A'));
  });

  it('takes away again what a generation wants absent, and asks apt before for what one wants', async () => {
    await host.mustExec(repositoryOf(['1.0', '2.0'].map((version) => ({ name: 'e2e-versioned', version }))));
    const versioned = async (): Promise<string> =>
      (await host.exec("dpkg-query -W -f '${Version} ${db:Status-Status}' e2e-versioned")).stdout;
    const secrets = { e2e_token: SECRETS.A };
    const numbers: number[] = [];
    for (const wanted of [{ version: '1.0' }, { state: 'absent' as const }, { version: '2.0' }]) {
      const packages = { 'e2e-versioned': wanted };
      expectOutcome(await engine.apply(NAME, { ...document('A'), packages }, { secrets }), 'committed');
      numbers.push(await current());
    }
    const [first, absent, second] = numbers;
    const dry = await rollback(`to ${String(absent)} --dry-run`);
    expect(dry.stdout).toContain('- packages    e2e-versioned  (2.0 is removed)');
    expect(dry.stdout).toContain('package e2e-versioned is removed');
    const run = await rollback(`to ${String(absent)} --yes`);
    expect(run.code, `${run.stdout}\n${run.stderr}`).toBe(0);
    expect(await versioned()).not.toContain(' installed');
    // A person brings it: it differs from what is wanted, here and for who looks from afar.
    await host.mustExec('apt-get -q -y install e2e-versioned=2.0');
    expect((await rollback(`to ${String(await current())} --dry-run`)).stdout).toContain(
      '- packages    e2e-versioned',
    );
    // From the operator's side as well; and onwards, to a generation that wants it.
    expect((await rollback(`to ${String(second)} --yes`)).code).toBe(0);
    await diffCauses('A');
    const options = ['--to', String(absent), '--yes', '--allow-secret', 'e2e_token'];
    const remote = await bench.cli(['rollback', NAME, ...options], { timeoutMs: 180_000 });
    expect(remote.code, remote.stdout + remote.stderr).toBe(0);
    expect(await versioned()).not.toContain(' installed');
    // Its first version is not to be had any more: refused before anything is touched, in both ways.
    await host.mustExec(
      `cd ${REPOSITORY} && rm e2e-versioned_1.0.deb && sed -i '/^Package: /,/^$/{/^Version: 1.0$/s/1.0/0.9/}' Packages && apt-get -q update`,
    );
    const there = await current();
    const lost = await rollback(`to ${String(first)} --yes`);
    expect([lost.code, lost.stdout]).toEqual([
      1,
      expect.stringContaining("Version '1.0' for 'e2e-versioned' was not found"),
    ]);
    expect(lost.stdout).toContain('Nothing was changed');
    options[1] = String(first);
    const far = await bench.cli(['rollback', NAME, ...options], { timeoutMs: 180_000 });
    expect([far.code, far.stdout + far.stderr]).toEqual([
      1,
      expect.stringContaining("Version '1.0' for 'e2e-versioned' was not found"),
    ]);
    expect(await current()).toBe(there);
    await settled(host);
    expect(await leftovers(host)).toBe('');
  });

  it('pins, and says where it is', async () => {
    expect((await rollback('pin 1')).stdout).toBe('Generation 1 is kept for good.\n');
    expect((await rollback('list')).stdout).toMatch(/^ {2}1 +pinned /m);
    const pinned = await bench.cli(['history', NAME, '--unpin', '1']);
    expect([pinned.code, pinned.stdout.includes('pinned')]).toEqual([0, false]);
    const status = JSON.parse((await rollback('status --json')).stdout) as { generation: { number: number } };
    expect(status.generation.number).toBe(await current());
  });
});

describeLab('going back on Debian 13', (lab) => {
  const host = lab.host('dev-ops');

  it('goes back and forward, and stops everything', async () => {
    await host.reset();
    await installNodePrograms(host);
    const engine = new EngineProcess(lab);
    const seen: string[] = [];
    for (const side of ['A', 'B'] as const) {
      expectOutcome(await engine.apply('dev-ops', scenario('dev-ops', side, true)), 'committed');
      seen.push(await fingerprint(host));
    }
    for (const number of [1, 2]) {
      const run = await host.exec(`citadel-rollback to ${number} --yes`, {
        user: 'agent0',
        timeoutMs: 120_000,
      });
      expect(run.code, run.stdout + run.stderr).toBe(0);
      expect(await fingerprint(host)).toBe(seen[number - 1]);
    }
    expectOutcome(await engine.apply('dev-ops', scenario('dev-ops', 'B', true)), 'unchanged');
    await engine.end();
    await host.mustExec(
      'systemd-run -q --unit=citadel-test -p TimeoutStopSec=infinity -p Restart=always sh -c "trap : TERM; while :; do sleep 1; done"',
    );
    const stopped = await host.exec('citadel-rollback emergency', { user: 'agent0' });
    expect(stopped.code, stopped.stdout + stopped.stderr).toBe(0);
    expect(stopped.stdout).toContain('stopped  citadel-test.service');
    expect((await host.exec('systemctl -q is-active citadel-test.service')).code).not.toBe(0);
  }, 300_000);
});
