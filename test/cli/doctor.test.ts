import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXAMINE, parseExamination, type Examination } from '../../lib/cli/doctor/examination.js';
import { judgeExamination, judgeHostKeys, judgeState } from '../../lib/cli/doctor/judge.js';
import { CitadelError } from '../../lib/manifest/index.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { call } from './call.js';
import { observed, PIN } from './doubles.js';

const KEY = { type: 'ssh-ed25519', fingerprint: PIN };
const OTHER = { type: 'ecdsa-sha2-nistp256', fingerprint: `SHA256:${'B'.repeat(43)}` };
const WELL = `citadel-examine/1
time\t1700000001
uid\t0
system\tDebian GNU/Linux 12 (bookworm)
tool\ttar\tyes
tool\tflock\tyes
booted\tyes
systemd\t252
space\t/var\t9000000\t400000
space\t/opt\t90000000\t-
end
`;

const problem = (code: string, got: string, fix: string): CitadelError =>
  new CitadelError({ code, path: 'alpha', got, fix });

describe('doctor', () => {
  it('goes through everything on a host that is well', async () => {
    const { code, printed, engineDouble } = await call('doctor alpha', {
      engine: { keys: [OTHER, KEY], examination: WELL },
    });
    expect(printed.out).toBe(`inventory
  ✓ inventory: inv.yaml

alpha
  ✓ reach: 10.0.0.1:22 answers
  ✓ host key: pinned: ssh-ed25519 ${PIN}; it also has ecdsa-sha2-nistp256 ${OTHER.fingerprint}
  ✓ log-in: as agent0, with a key of the SSH agent
  ✓ privilege: agent0 becomes root
  ✓ system: Debian GNU/Linux 12 (bookworm)
  ✓ tools: all 2 there
  ✓ systemd: version 252
  ✓ clock: agrees with this machine
  ✓ space in /var: 8789 MiB free
  ✓ space in /opt: 85 GiB free
  ✓ transaction: none open; generation 4
`);
    expect(code).toBe(0);
    expect(engineDouble.calls).toEqual(['open alpha', 'read alpha citadel-examine', 'close alpha']);
    expect(engineDouble.scans).toEqual([]);
  });

  it.each([
    ['', { address: '10.0.0.5', port: 2222 }, 'web answers, at 10.0.0.5:2222'],
    ['port: 2200, ', { address: 'web', port: 2200 }, 'web:2200 answers'],
    ['', undefined, 'web answers'],
  ])('says where your own OpenSSH reached a name of ssh_config: %s%o', async (port, reached, words) => {
    const { printed } = await call('doctor web', {
      inventory: `hosts: { web: { address: web, ssh: { user: ops, client: system, ${port}hostKeys: [${PIN}] } } }\n`,
      engine: { examination: WELL, ...(reached !== undefined && { reached }) },
    });
    expect(printed.out).toContain(`  ✓ reach: ${words}\n`);
  });

  it('shows the key of a host that has no pin, from the one connection that it makes', async () => {
    const { code, printed, engineDouble } = await call('doctor beta', {
      engine: {
        keys: problem('test', 'a second connection', ''),
        open: { beta: problem('ssh.host-key', `it offers ssh-ed25519 ${PIN}`, `add "${PIN}" to hostKeys`) },
      },
    });
    expect(code).toBe(1);
    expect(printed.out).toContain(`beta
  ✓ reach: 10.0.0.2:22 answers
  ✗ host key: it offers ssh-ed25519 ${PIN}
      → add "${PIN}" to hostKeys (hosts.beta.ssh.hostKeys, inv.yaml:3:59)
  - log-in, sudo, tools, space: not tried
`);
    expect([engineDouble.calls, engineDouble.scans]).toEqual([['open beta'], []]);
  });

  it.each([
    ['', 'jump'],
    ['{ address: 10.0.9.1, user: ops, hostKeys: [x] }, ', 'jump[1]'],
  ])(
    'names the machine in between whose key is not pinned, and where its pins are (%s)',
    async (first, at) => {
      const hop = '{ address: 10.0.9.2, user: ops, hostKeys: [x] }';
      const jump = first === '' ? hop : `[${first}${hop}]`;
      const { code, printed } = await call('doctor alpha', {
        inventory:
          `hosts:\n  alpha:\n    address: 10.0.0.1\n    ssh: { user: ops, hostKeys: [x], jump: ${jump} }\n`.replaceAll(
            '[x]',
            `['${PIN}']`,
          ),
        engine: {
          open: {
            alpha: new CitadelError({
              code: 'ssh.host-key',
              path: 'alpha via jump host',
              got: 'ops@10.0.9.2:22: host key: it offers another',
              fix: 'Compare it',
            }),
          },
        },
      });
      expect(code).toBe(1);
      expect(printed.out.replace(/inv\.yaml:4:\d+/, 'inv.yaml:4')).toContain(`alpha
  ✗ jump host: ops@10.0.9.2:22: host key: it offers another
      → Compare it (hosts.alpha.ssh.${at}.hostKeys, inv.yaml:4)
  - reach, host key, log-in, sudo, tools, space: behind the jump host
`);
    },
  );

  it('judges the key of a host that nothing can be offered to', async () => {
    const identity = problem('ssh.identity', 'the SSH agent holds no keys', 'Add one');
    const { printed } = await call('doctor alpha', { engine: { keys: [KEY], open: { alpha: identity } } });
    expect(printed.out).toContain(`alpha
  ✓ reach: 10.0.0.1:22 answers
  ✓ host key: pinned: ssh-ed25519 ${PIN}
  ✗ log-in: the SSH agent holds no keys
      → Add one (hosts.alpha.ssh, inv.yaml:2:36)
  - sudo, tools, space: not tried
`);
  });

  it.each([
    [
      'a host that does not answer',
      { open: { alpha: problem('ssh.unreachable', 'nothing answers', 'Start sshd') } },
      '  ✗ reach: nothing answers\n      → Start sshd\n  - log-in, sudo, tools, space: not tried\n',
    ],
    [
      'an ssh_config that OpenSSH does not take',
      { open: { alpha: problem('ssh.local', 'it does not take it', 'Correct it') } },
      '  ✗ reach: it does not take it\n      → Correct it\n  - log-in, sudo, tools, space: not tried\n',
    ],
    [
      'a key that the host refuses',
      {
        keys: [KEY],
        open: { alpha: problem('ssh.auth', 'the key was refused', 'Add it to authorized_keys') },
      },
      '  ✗ log-in: the key was refused\n      → Add it to authorized_keys (hosts.alpha.ssh.user, inv.yaml:2:44)\n  - sudo, tools, space: not tried\n',
    ],
    [
      'an account without sudo',
      { keys: [KEY], examination: problem('ssh.sudo', 'cannot become root', 'Let it') },
      '  ✗ privilege: cannot become root\n      → Let it\n  - tools, space: not tried\n',
    ],
    [
      'a shell that prints a greeting',
      { keys: [KEY], examination: `Welcome!\n${WELL}` },
      '  ✗ examination: the host answered something else than asked: "Welcome!\\ncitadel-examine/1',
    ],
  ])('says how to fix %s', async (_name, engine, text) => {
    const { code, printed } = await call('doctor alpha', { engine });
    expect(code).toBe(1);
    expect(printed.out).toContain(text);
  });

  describe('warns of a monitoring server', () => {
    const finds = async (alertmanager: string, more = ''): Promise<string> => {
      const inventory = `hosts:
  alpha:
    address: 10.0.0.1
    root: /nowhere
    monitoring: { ${more} alertmanager: ${alertmanager}, grafana: { adminPassword: password, package: /grafana.deb } }
operator: { addresses: [10.0.0.9] }
secrets: { password: { env: PASSWORD } }
`;
      const { printed } = await call('doctor alpha', { inventory });
      return /^inventory\n([^]*?)\n\n/.exec(printed.out)?.[1] ?? printed.out;
    };

    it('that tells no one, and whose death no one would notice', async () => {
      expect(await finds('{}')).toBe(`  ✓ inventory: inv.yaml
  ! alerts: alpha tells no one of alerts
      → say whom: "webhook" or "receivers" under hosts.alpha.monitoring.alertmanager in inv.yaml
  ! dead man’s switch: nothing notices when alpha itself is dead
      → name a service outside of these hosts: "deadMansSwitch" under hosts.alpha.monitoring.alertmanager in inv.yaml`);
    });

    it('not when it can', async () => {
      const there = 'deadMansSwitch: { url: "https://alive.example.org/id" }';
      const pager = '{ operators: [{ webhook: { url: "http://10.0.0.9/a" } }] }';
      const published = 'runbookBaseUrl: "https://wiki.example.org/runbook",';
      const usual = 'critical at once, warning Monday to Friday 08:00 to 18:00 UTC, info not at all';
      const well = (whom: string): string =>
        `  ✓ inventory: inv.yaml\n  ✓ alerts: alpha can tell ${whom}: ${usual}\n  ✓ dead man’s switch: alpha reports to alive.example.org`;
      expect(await finds(`{ webhook: "http://10.0.0.9/a", ${there} }`, published)).toBe(
        well('operators (webhook)'),
      );
      expect(await finds(`{ receivers: ${pager}, ${there} }`, published)).toBe(well('operators'));
    });

    it('whose messages name a page that no one can open', async () => {
      expect(await finds('{ webhook: "http://10.0.0.9/a" }')).toContain(
        `  ! runbook: messages of alpha name docs/runbook.md, which is no link for the person who reads them
      → publish docs/runbook.md, and give its address: "runbookBaseUrl" under hosts.alpha.monitoring in inv.yaml`,
      );
    });
  });

  it('reports an inventory with mistakes, and asks no host', async () => {
    const { code, printed, engineDouble } = await call('doctor', { inventory: 'hosts: {}\n' });
    expect(code).toBe(1);
    expect(printed.out).toBe(`inventory
  ✗ inventory: inv.yaml:1:8: hosts: the map names no host
      → Wanted: The hosts, by name.
`);
    expect(engineDouble.calls).toEqual([]);
  });

  it('says what is missing of a host that no one can log in to', async () => {
    const { printed } = await call('doctor', { inventory: 'hosts: { alpha: { address: 10.0.0.1 } }\n' });
    expect(printed.out).toContain(
      '  ✗ way to the host: says no way to reach it\n      → Add "address" and "ssh" with a user, or "root" with a directory.\n',
    );
  });

  it('prints JSON', async () => {
    const { code, printed } = await call('doctor alpha --json', {
      engine: { keys: [KEY], examination: WELL },
    });
    expect(code).toBe(0);
    const report = JSON.parse(printed.out) as { hosts: { alpha: { checks: object[] } } };
    expect(report).toMatchObject({
      ok: true,
      inventory: { checks: [{ name: 'inventory', status: 'ok', found: 'inv.yaml' }] },
    });
    expect(report.hosts.alpha.checks[1]).toEqual({
      name: 'host key',
      status: 'ok',
      found: `pinned: ssh-ed25519 ${PIN}`,
    });
  });
});

describe('judgeHostKeys', () => {
  it('wants the type in a pin that the host does not show first', () => {
    const rsa = { type: 'ssh-rsa', fingerprint: PIN };
    const other = { ...OTHER, type: 'ssh-ed25519' };
    const judged = judgeHostKeys('alpha', [rsa, other], [PIN], 'inv.yaml');
    expect(judged.status).toBe('warning');
    expect(judged.fix).toBe(`Say the type in hosts.alpha.ssh.hostKeys of inv.yaml: "ssh-rsa ${PIN}"`);
    expect(judgeHostKeys('alpha', [rsa, other], [`ssh-rsa ${PIN}`], 'inv.yaml').status).toBe('ok');
    expect(judgeHostKeys('alpha', [rsa], [PIN], 'inv.yaml').status).toBe('ok');
  });

  it('knows another key from the pinned one', () => {
    expect(judgeHostKeys('alpha', [OTHER], [PIN], 'inv.yaml')).toEqual({
      name: 'host key',
      status: 'failed',
      found: `the key is not the pinned one: another machine may be answering, or the host was reinstalled; it offers ecdsa-sha2-nistp256 ${OTHER.fingerprint}`,
      fix: `On the host's own console run "for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done" and compare. If equal, put ${OTHER.fingerprint} into hosts.alpha.ssh.hostKeys of inv.yaml in place of ${PIN}.`,
    });
    expect(judgeHostKeys('alpha', [], [PIN], 'inv.yaml').status).toBe('failed');
  });
});

describe('judgeExamination', () => {
  const well = parseExamination(WELL, 'alpha');
  const judge = (change: Partial<Examination>, name: string, nowSec = well.time): object | undefined =>
    judgeExamination({ ...well, ...change }, nowSec, false).find((finding) => finding.name === name);
  const space = (freeKiB: number, freeInodes: number | null): Partial<Examination> => ({
    space: new Map([['/var', { freeKiB, freeInodes }]]),
  });

  it('names the packages of missing tools', () => {
    const tools = new Map([
      ['tar', false],
      ['flock', false],
      ['findmnt', false],
      ['curl', false],
    ]);
    expect(judge({ tools }, 'tools')).toEqual({
      name: 'tools',
      status: 'failed',
      found: 'missing: tar, flock, findmnt',
      fix: 'On the host: sudo apt-get install tar util-linux',
    });
    expect(judge({ tools: new Map([['curl', false]]) }, 'tools')).toMatchObject({
      status: 'warning',
      found: 'missing: curl (HTTP checks need it)',
    });
  });

  it('wants a running systemd that is not too old', () => {
    expect(judge({ booted: false }, 'systemd')).toMatchObject({
      status: 'failed',
      found: 'the host does not run systemd',
    });
    expect(judge({ systemd: 249 }, 'systemd')).toMatchObject({
      status: 'warning',
      found: 'version 249, older than 252',
    });
  });

  it('compares clocks', () => {
    expect(judge({}, 'clock', well.time + 4)).toMatchObject({ status: 'ok' });
    expect(judge({}, 'clock', well.time + 3600)).toMatchObject({
      status: 'warning',
      found: '3600 s behind this machine',
    });
    expect(judge({}, 'clock', well.time - 60.4)).toMatchObject({ found: '60 s ahead of this machine' });
  });

  it('wants room for what an apply keeps', () => {
    expect(judge(space(99 * 1024, null), 'space in /var')).toMatchObject({
      status: 'failed',
      found: '99 MiB free',
    });
    expect(judge(space(500 * 1024, null), 'space in /var')).toMatchObject({
      status: 'warning',
      found: '500 MiB free',
    });
    expect(judge(space(5e6, 10), 'space in /var')).toMatchObject({
      status: 'failed',
      found: '4882 MiB free, but room for only 10 more files',
    });
    expect(judge(space(Number.NaN, null), 'space in /var')).toMatchObject({ status: 'failed' });
  });

  it('asks no systemd and no clock of an offline root', () => {
    expect(judgeExamination(well, 0, true).map(({ name }) => name)).toEqual([
      'system',
      'tools',
      'space in /var',
      'space in /opt',
    ]);
  });
});

describe('judgeState', () => {
  const open = { id: 'x', running: true, who: 'bob@x', since: '2026-01-01T00:00:00Z', state: 'switching' };
  it.each([
    [observed({ generation: null }), 'ok', 'none open; nothing was ever applied'],
    [observed({ open }), 'warning', 'bob@x is applying since 2026-01-01T00:00:00Z (switching)'],
    [
      observed({ open: { ...open, running: false } }),
      'failed',
      'one of bob@x, begun 2026-01-01T00:00:00Z, was interrupted (switching)',
    ],
    [observed({ debts: ['restart a.service'] }), 'failed', 'an earlier run still owes: restart a.service'],
  ] as const)('%#', (state, status, found) => {
    expect(judgeState('alpha', state)).toMatchObject([{ status, found }]);
  });
});

describe('examine.sh', () => {
  const examine = (root: string): Examination => {
    const { stdout, stderr, status } = spawnSync('/bin/sh', ['-c', EXAMINE.script, EXAMINE.name, root], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    return parseExamination(stdout, 'alpha');
  };

  it('examines this machine', () => {
    const found = examine('');
    expect(Math.abs(found.time - Date.now() / 1000)).toBeLessThan(10);
    expect(found.uid).toBe(process.getuid?.());
    expect(found.tools.get('sed')).toBe(true);
    expect(found.space.get('/var')?.freeKiB).toBeGreaterThan(0);
    expect(typeof found.booted).toBe('boolean');
  });

  it('examines an offline root, with spaces in its name and without /opt', () => {
    const root = temporaryFolder('citadel root ');
    mkdirSync(join(root, 'etc'));
    writeFileSync(join(root, 'etc/os-release'), 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n');
    const found = examine(root);
    expect(found.system).toBe('Debian GNU/Linux 13 (trixie)');
    expect(found.booted).toBeUndefined();
    expect(found.systemd).toBeUndefined();
    expect(found.space.get('/opt')?.freeKiB).toBeGreaterThan(0);
  });

  it('is clean', () => {
    const { stdout } = spawnSync('shellcheck', ['-s', 'sh', '-'], {
      input: EXAMINE.script,
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
  });
});
