import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostManifest, ManifestFile } from '../../lib/manifest/index.js';
import { before, withFault } from '../engine/support/faults.js';
import type { HostName } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { EngineProcess } from './engine-process.js';
import {
  HERE,
  WAIT_THERE,
  expectOutcome,
  fingerprint,
  leftovers,
  rearm,
  scenario,
  settled,
} from './transaction-scenario.js';

const file = (content: string, mode = '0644'): ManifestFile => ({
  content,
  owner: 'root',
  group: 'root',
  mode,
});
const MIB = 1024 * 1024;

function withFiles(manifest: HostManifest, files: Readonly<Record<string, ManifestFile>>): HostManifest {
  return { ...manifest, files: { ...manifest.files, ...files } };
}

describeLab('a transaction that fails', (lab) => {
  describe.each(['dev-ops', 'ai-node'] as const)('on %s', (name: HostName) => {
    const host = lab.host(name);
    let engine: EngineProcess;
    let print: string;

    beforeAll(async () => {
      await host.reset();
      engine = new EngineProcess(lab);
      expectOutcome(await engine.apply(name, scenario(name, 'A')), 'committed');
      print = await fingerprint(host);
    });
    afterAll(() => engine.end());

    const pid = async (unit: string): Promise<string> =>
      (await host.mustExec(['systemctl', 'show', '-p', 'MainPID', '--value', unit])).trim();

    async function expectUntouched(): Promise<void> {
      await settled(host);
      expect(await fingerprint(host)).toBe(print);
      expect(await leftovers(host)).toBe('');
    }

    it('at a health check brings everything back, and services run as before', async () => {
      const bystander = await pid('cron.service');
      const b = scenario(name, 'B');
      const result = await engine.apply(name, {
        ...b,
        checks: {
          ...b.checks,
          sick: { kind: 'command', command: ['/bin/sh', '-c', 'echo sick; exit 3'], timeoutSec: 1, wave: 1 },
        },
        origins: { 'checks/sick': `${name}/app/health` },
      });
      expect(result).toMatchObject({
        outcome: 'rolled-back',
        generation: 1,
        failure: { step: 'checks', item: 'checks/sick', origin: `${name}/app/health`, output: 'sick' },
      });
      await expectUntouched();
      expect(await pid('cron.service')).toBe(bystander);
    });

    it.each([
      [
        'its last words when its last try hangs',
        '[ ! -e /run/e2e-tried ] || sleep 60; touch /run/e2e-tried; echo later; exit 1',
        'later',
      ],
      ['that it never ended', 'sleep 60', 'it did not end in time and said nothing'],
      ['the exit status of one that says nothing', 'exit 3', 'it ended with exit status 3 and said nothing'],
    ])('at a health check tells %s', async (_, script, output) => {
      const b = scenario(name, 'B');
      const result = await engine.apply(name, {
        ...b,
        checks: {
          ...b.checks,
          sick: { kind: 'command', command: ['/bin/sh', '-c', script], timeoutSec: 2, wave: 1 },
        },
      });
      await host.mustExec(['rm', '-f', '/run/e2e-tried']);
      expect(result.failure?.output).toBe(output);
      await expectUntouched();
    });

    it('at a unit that does not start says so in its own words', async () => {
      const unit = '[Service]\nExecStart=/bin/sh -c "echo I cannot; exit 7"\nType=oneshot\n';
      const b = scenario(name, 'B');
      const result = await engine.apply(name, {
        ...withFiles(b, { '/etc/systemd/system/e2e-broken.service': file(unit) }),
        units: {
          ...b.units,
          'e2e-broken.service': { enabled: null, state: 'running', restartOn: [], reloadOn: [], wave: 0 },
        },
      });
      expect(result).toMatchObject({
        outcome: 'rolled-back',
        failure: { step: 'units', item: 'units/e2e-broken.service' },
      });
      expect(result.failure?.output).toContain('I cannot');
      await expectUntouched();
    });

    it('only reloads on the way back what it only reloaded', async () => {
      const before = await pid('e2e-kept.service');
      const a = scenario(name, 'A');
      const result = await engine.apply(name, {
        ...withFiles(a, { '/opt/e2e/reloaded': file('another text\n') }),
        checks: { sick: { kind: 'command', command: ['/bin/false'], timeoutSec: 1, wave: 5 } },
      });
      expectOutcome(result, 'rolled-back');
      expect(await pid('e2e-kept.service')).toBe(before);
      await expectUntouched();
    });

    it('reloads the manager once, and touches no other unit', async () => {
      const bystander = await pid('cron.service');
      const mark = /^-- cursor: (.*)$/m.exec(await host.mustExec('journalctl -n 0 --show-cursor'))?.[1] ?? '';
      expectOutcome(await engine.apply(name, scenario(name, 'B')), 'committed');
      const log = await host.mustExec(['journalctl', '-o', 'cat', `--after-cursor=${mark}`, '_PID=1']);
      expect(log.split('\n').filter((line) => /^Reloading( requested.*)?\.(\.\.)?$/.test(line))).toHaveLength(
        1,
      );
      expect(await pid('cron.service')).toBe(bystander);
      expectOutcome(await engine.apply(name, scenario(name, 'B')), 'unchanged');
      expectOutcome(await engine.apply(name, scenario(name, 'A')), 'committed');
      await expectUntouched();
    });

    it('on a full disk leaves the host at one generation, wherever the room ends', async () => {
      const large = (letter: string): Record<string, ManifestFile> =>
        Object.fromEntries([1, 2, 3].map((n) => [`/opt/e2e/large-${n}`, file(letter.repeat(2 * MIB))]));
      const a = withFiles(scenario(name, 'A'), large('a'));
      const b = withFiles(scenario(name, 'B'), large('b'));
      expectOutcome(await engine.apply(name, a), 'committed');
      const full = await fingerprint(host);
      const outcomes = new Set<string>();
      for (const left of [0.5, 7, 12, 15, 17, 18, 19, 20, 21, 22, 23, 25]) {
        const disk = await host.fillDisk('/var', Math.round(left * MIB));
        try {
          const result = await engine.apply(name, b);
          expectOutcome(result, 'refused', 'rolled-back', 'committed');
          outcomes.add(result.outcome);
          if (result.outcome !== 'committed') expect(result.failure?.output).not.toBe('');
          await settled(host);
          if (result.outcome !== 'committed') expect(await fingerprint(host)).toBe(full);
        } finally {
          await disk.free();
        }
        if (outcomes.has('committed')) break;
      }
      // The switch itself renames what is staged and needs no room; all that needs some comes before it.
      expect([...outcomes]).toEqual(expect.arrayContaining(['refused', 'committed']));
      expectOutcome(await engine.apply(name, b), 'committed', 'unchanged');
      expectOutcome(await engine.apply(name, scenario(name, 'A')), 'committed');
      await expectUntouched();
    });

    it('on a full disk of another file system than ours brings back what was there', async () => {
      await host.mustExec('mkdir -p /opt/small && mount -t tmpfs -o size=64k small /opt/small');
      const small = (letter: string): Record<string, ManifestFile> => ({
        '/opt/small/one': file(letter.repeat(20_000)),
        '/opt/small/two': file(letter.repeat(30_000)),
      });
      expectOutcome(await engine.apply(name, withFiles(scenario(name, 'A'), small('a'))), 'committed');
      const result = await engine.apply(name, withFiles(scenario(name, 'B'), small('b')));
      expect(result).toMatchObject({ outcome: 'rolled-back', failure: { step: 'switch' } });
      expect(result.failure?.output).toContain('No space left on device');
      expect(await host.mustExec('cat /opt/small/* | tr -d a | wc -c')).toBe('0\n');
      expectOutcome(await engine.apply(name, scenario(name, 'A')), 'committed');
      await host.mustExec('umount /opt/small && rmdir /opt/small');
      await expectUntouched();
    });
  });
});

describeLab('a firewall that locks the operator out', (lab) => {
  const name = 'dev-ops';
  const host = lab.host(name);
  let engine: EngineProcess;

  const firewall = (rules: string): HostManifest => ({
    version: 1,
    host: name,
    files: {
      '/etc/nftables.conf': {
        ...file(
          `#!/usr/sbin/nft -f\nflush ruleset\ntable inet e2e {\n  chain input {\n    type filter hook input priority 0;\n${rules}  }\n}\n`,
        ),
        validate: 'nftables',
      },
    },
    units: {
      'nftables.service': {
        enabled: true,
        state: 'running',
        restartOn: ['/etc/nftables.conf'],
        reloadOn: [],
        wave: 0,
      },
    },
  });
  const OPEN = firewall('    tcp dport 9999 drop\n');
  const CLOSED = firewall('    tcp dport 22 drop\n');
  const rules = (): Promise<string> => host.mustExec('nft list ruleset');

  beforeAll(async () => {
    await host.reset();
    engine = new EngineProcess(lab);
  });
  afterAll(() => engine.end());

  it('is confirmed over a new connection when it is harmless', async () => {
    const result = await engine.apply(name, OPEN, { options: { confirmTimeoutSec: 20 } });
    expectOutcome(result, 'committed');
    expect(engine.said.some((said) => 'progress' in said && said.progress.kind === 'confirm')).toBe(true);
    expect(await rules()).toContain('9999');
  });

  it('is undone by the host itself within its deadline', async () => {
    const started = Date.now();
    const result = await engine.apply(name, CLOSED, { options: { confirmTimeoutSec: 6 } });
    expect(result).toMatchObject({ outcome: 'rolled-back', generation: 1, failure: { step: 'confirm' } });
    expect(result.next).toContain('the host undid it by itself');
    expect(Date.now() - started).toBeLessThan(60_000);
    expect(await rules()).toContain('9999');
    expect(await rules()).not.toContain('dport 22');
    expect(await leftovers(host)).toBe('');
  });

  it('is undone before health checks are asked, and before other units start', async () => {
    const asked = '/run/e2e-asked';
    await host.mustExec(['rm', '-f', asked]);
    const result = await engine.apply(
      name,
      {
        ...CLOSED,
        checks: {
          slow: { kind: 'command', command: ['/usr/bin/touch', asked], timeoutSec: 60, wave: 0 },
        },
        files: {
          ...CLOSED.files,
          '/etc/systemd/system/e2e-other.service': file(
            `[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/touch ${asked}\n`,
          ),
        },
        units: {
          ...CLOSED.units,
          'e2e-other.service': { enabled: null, state: 'running', restartOn: [], reloadOn: [], wave: 0 },
        },
      },
      { options: { confirmTimeoutSec: 4 } },
    );
    expect(result).toMatchObject({ outcome: 'rolled-back', failure: { step: 'confirm' } });
    expect((await host.exec(['test', '-e', asked])).code).toBe(1);
    expect(await leftovers(host)).toBe('');
  });

  it('is undone as well when nothing tells beforehand that it locks out', async () => {
    const folder = { owner: 'agent0', group: 'agent0', mode: '0777' };
    const before = await host.mustExec('stat -c %a /home/agent0');
    const result = await engine.apply(
      name,
      {
        ...OPEN,
        directories: { '/home/agent0': folder },
        assumedAccounts: { users: ['agent0'], groups: ['agent0'] },
      },
      { options: { confirmTimeoutSec: 4 } },
    );
    expect(result).toMatchObject({ outcome: 'rolled-back', failure: { step: 'confirm' } });
    expect(engine.said.find((said) => 'planned' in said)).toMatchObject({ planned: { risky: false } });
    expect(await host.mustExec('stat -c %a /home/agent0')).toBe(before);
    expect(await leftovers(host)).toBe('');
  });

  it('is asked about a second time where an account goes after that', async () => {
    const group = { ...OPEN, groups: { e2egoes: { system: true } } };
    expectOutcome(await engine.apply(name, group), 'committed');
    expectOutcome(await engine.apply(name, OPEN), 'committed');
    const asked = engine.said.filter((said) => 'progress' in said && said.progress.kind === 'confirm');
    expect(asked).toHaveLength(2);
  });

  it('is undone at a boot in between, before its rules are read', async () => {
    await rearm(host);
    const transactionScript = withFault(before('state:confirming', WAIT_THERE));
    await engine.begin(name, CLOSED, {
      transactionScript,
      options: { confirmTimeoutSec: 60, reconnectSec: 90 },
    });
    await expect.poll(rules, { timeout: 60_000 }).toContain('dport 22');
    await expect
      .poll(async () => (await host.exec(['test', '-e', '/var/lib/e2e-fault'])).code, { timeout: 20_000 })
      .toBe(0);
    await host.crash();
    expectOutcome(await engine.result(), 'rolled-back');
    await settled(host);
    expect(await rules()).toContain('9999');
    expect(await rules()).not.toContain('dport 22');
    expect(await host.mustExec('journalctl -b -o cat -u nftables.service')).not.toContain('Failed');
  });

  it('leaves no dead man’s switch behind that could not be stopped at once', async () => {
    const transactionScript = withFault(`systemctl() {
      case "$*" in "stop citadel-iac-deadman"*) ! mkdir /run/e2e-once 2>/dev/null || return 1 ;; esac
      command systemctl "$@"
    }`);
    expectOutcome(
      await engine.apply(
        name,
        { ...OPEN, directories: { '/srv/once': { owner: 'root', group: 'root', mode: '0755' } } },
        { transactionScript, options: { confirmTimeoutSec: 20 } },
      ),
      'committed',
    );
    expect(await leftovers(host)).toBe('');
    await host.mustExec('rmdir /run/e2e-once');
    expectOutcome(await engine.apply(name, OPEN), 'committed');
  });

  it('is undone by the dead man’s switch when the transaction hangs', async () => {
    await rearm(host);
    const hang = 'while :; do sleep 1; done';
    const transactionScript = withFault(
      before('ask_confirmation', `say note '${HERE}'; trap '' TERM; ${hang}`),
    );
    await engine.begin(name, CLOSED, {
      transactionScript,
      options: { confirmTimeoutSec: 2, applyTimeoutSec: 10, reconnectSec: 60 },
    });
    const result = await engine.result();
    expectOutcome(result, 'rolled-back');
    expect(await rules()).toContain('9999');
    await settled(host);
    expect(await leftovers(host)).toBe('');
  });
});
