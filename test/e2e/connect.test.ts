import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { validateManifest } from '../../lib/manifest/index.js';
import type { HostManifest } from '../../lib/manifest/index.js';
import type { Endpoint, HostName, LabHost } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { fingerprint, Workbench, type CliRun } from './harness.js';

/** Commands that need a host, `MANIFEST` standing for the file of the manifest. */
const COMMANDS = {
  diff: ['diff', '--manifest', 'MANIFEST'],
  apply: ['apply', '--yes', '--manifest', 'MANIFEST'],
  doctor: ['doctor', 'ai-node'],
  history: ['history', 'ai-node'],
} as const;
type Command = keyof typeof COMMANDS;

/** What node, an import of everything and a busy machine may take on top of a deadline. */
const MARGIN_SEC = 12;
/** The deadline where the step is expected to answer, and where it is expected to hang. */
const PATIENT_SEC = 20;
const SHORT_SEC = 3;

interface WayCase {
  readonly name: string;
  /** Replaces parts of the host's way in the inventory. */
  readonly way: () => Promise<object> | object;
  /** `user@address:port` as the message has it. */
  readonly where?: () => string;
  /** All of them, in every command's words: the step, what was found and what to do. */
  readonly says: readonly RegExp[];
  /** Where `doctor` tells the same in other words. */
  readonly doctorSays?: readonly RegExp[];
  readonly deadlineSec: number;
}

function document(host: HostName, text: string): HostManifest {
  return validateManifest({
    version: 1,
    host,
    directories: { '/srv/demo': { owner: 'root', group: 'root', mode: '0755' } },
    files: { '/srv/demo/a.conf': { content: text, owner: 'root', group: 'root', mode: '0644' } },
  });
}

const UNPINNED = `SHA256:${'A'.repeat(43)}`;

/** Accounts of the host that let the operator's key in and then do something else than a shell should. */
const ACCOUNTS = `
set -eu
account() { # name, shell
  useradd --create-home --shell "$2" "$1"
  install -d -m 0700 -o "$1" -g "$1" "/home/$1/.ssh"
  install -m 0600 -o "$1" -g "$1" /home/agent0/.ssh/authorized_keys "/home/$1/.ssh/authorized_keys"
}
printf '#!/bin/sh\\nexec sleep 600\\n' >/usr/local/bin/sleeper
printf '#!/bin/sh\\n/bin/sh "$@" | { head -c 40; exec sleep 600; }\\n' >/usr/local/bin/staller
chmod 0755 /usr/local/bin/sleeper /usr/local/bin/staller
account plain /bin/bash
account sleeper /usr/local/bin/sleeper
account staller /usr/local/bin/staller
account forced /bin/bash
account nologin /usr/sbin/nologin
printf 'staller ALL=(ALL) NOPASSWD: ALL\\n' >/etc/sudoers.d/staller
chmod 0440 /etc/sudoers.d/staller
printf 'Match User forced\\n  ForceCommand sleep 600\\n' >/etc/ssh/sshd_config.d/forced.conf
# So many failures in so little time make sshd refuse this address for a while; a test of its own shows what is said then.
printf 'PerSourcePenalties no\n' >/etc/ssh/sshd_config.d/penalties.conf
systemctl reload ssh
`;

const PENALTIES = '/etc/ssh/sshd_config.d/penalties.conf';

describeLab('a host that cannot be worked on', (lab) => {
  let bench: Workbench;
  let host: LabHost;
  let silent: Endpoint;
  let strangerKey: string;

  beforeAll(async () => {
    await lab.reset();
    bench = await Workbench.open(lab);
    host = lab.host('ai-node');
    await bench.apply(document('ai-node', 'before\n'));
    await host.mustExec(ACCOUNTS);
    silent = await lab.silentListener();
    strangerKey = join(bench.folder, 'stranger');
    await lab.operator.mustExec(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', strangerKey]);
  });

  afterAll(async () => {
    await silent.stop();
    await bench.close();
  });

  /** An inventory in which ai-node is reached in another way. */
  async function inventoryWith(way: object, more: object = {}): Promise<string> {
    return bench.writeInventory({ 'ai-node': way, ...more }, join(bench.folder, 'other.yaml'));
  }

  async function timed(
    command: Command,
    inventory: string,
  ): Promise<{ readonly run: CliRun; readonly seconds: number }> {
    const manifest = await bench.writeManifest(document('ai-node', 'after\n'));
    const args = COMMANDS[command].map((word) => (word === 'MANIFEST' ? manifest : word));
    const start = performance.now();
    const run = await bench.cli(args, { inventory });
    return { run, seconds: (performance.now() - start) / 1000 };
  }

  function expectClearError(run: CliRun): string {
    const words = run.stdout + run.stderr;
    expect(run.timedOut, words).toBe(false);
    expect(run.code, words).toBe(1);
    expect(words).toContain('ai-node');
    expect(words).not.toMatch(/^ +at |internal error|node:internal|UnhandledPromise|undefined|\[object/m);
    return words;
  }

  const CASES: readonly WayCase[] = [
    {
      name: 'a wrong host key',
      way: () => ({ hostKeys: [UNPINNED] }),
      says: [/host key/, /another machine may/i, /ssh-keygen -lf/],
      deadlineSec: PATIENT_SEC,
    },
    {
      name: 'an unknown host key',
      way: () => ({ hostKeys: [] }),
      says: [/no host key( is)? pinned/, /it offers \S+ SHA256:/, /ssh-keygen -lf/, /hostKeys/],
      deadlineSec: PATIENT_SEC,
    },
    {
      name: 'a user that does not exist',
      way: () => ({ user: 'nobody0' }),
      where: () => `nobody0@${host.address}:22`,
      says: [/authentication/, /does not let user "nobody0" in/, /~nobody0\/\.ssh\/authorized_keys/],
      deadlineSec: PATIENT_SEC,
    },
    {
      name: 'a key that the host refuses',
      way: () => ({ identityFile: strangerKey }),
      says: [/does not let user "agent0" in/, /stranger/, /authorized_keys/],
      deadlineSec: PATIENT_SEC,
    },
    {
      name: 'a key file that is not there',
      way: () => ({ identityFile: '/nonexistent/key' }),
      says: [/\/nonexistent\/key/, /does not exist/],
      deadlineSec: PATIENT_SEC,
    },
    {
      name: 'an account that may not sudo',
      way: () => ({ user: 'plain' }),
      where: () => `plain@${host.address}:22`,
      says: [/cannot become root without a password/, /sudo/, /NOPASSWD/],
      deadlineSec: PATIENT_SEC,
    },
    {
      name: 'an account without a shell',
      way: () => ({ user: 'nologin' }),
      where: () => `nologin@${host.address}:22`,
      says: [/no login shell/, /usermod --shell \/bin\/bash nologin/],
      deadlineSec: PATIENT_SEC,
    },
    {
      name: 'a port where nothing listens',
      way: () => ({ port: 2222 }),
      where: () => `${host.address}:2222`,
      says: [/tcp connect/, /connection refused/, /Start sshd there/],
      deadlineSec: PATIENT_SEC,
    },
    {
      name: 'an address that does not resolve',
      way: () => ({ address: 'no-such-host.invalid' }),
      where: () => 'no-such-host.invalid:22',
      says: [/tcp connect/, /does not resolve/, /Correct the address/],
      deadlineSec: PATIENT_SEC,
    },
    {
      name: 'something that accepts TCP and says nothing',
      way: () => ({ address: silent.address, port: silent.port, timeouts: { connectSec: SHORT_SEC } }),
      where: () => `${silent.address}:${String(silent.port)}`,
      says: [/key exchange/, /no answer within 3 s/, /nothing speaks SSH there/],
      deadlineSec: SHORT_SEC,
    },
    {
      name: 'a host that hangs after the log-in',
      way: () => ({ user: 'sleeper', timeouts: { connectSec: PATIENT_SEC, readSec: SHORT_SEC } }),
      where: () => `sleeper@${host.address}:22`,
      says: [/exec/, /no result within 3 s/, /look at its load/],
      deadlineSec: SHORT_SEC,
    },
    {
      name: 'a host whose sshd forces another command',
      way: () => ({ user: 'forced', timeouts: { connectSec: PATIENT_SEC, readSec: SHORT_SEC } }),
      where: () => `forced@${host.address}:22`,
      says: [/exec/, /no result within 3 s/],
      deadlineSec: SHORT_SEC,
    },
    {
      name: 'a host that hangs in the middle of its answer',
      way: () => ({ user: 'staller', timeouts: { connectSec: PATIENT_SEC, readSec: SHORT_SEC } }),
      where: () => `staller@${host.address}:22`,
      says: [/exec/, /no result within 3 s/],
      deadlineSec: SHORT_SEC,
    },
  ];

  describe.each(CASES)('$name', ({ way, where, says, doctorSays, deadlineSec }) => {
    it.each(Object.keys(COMMANDS) as Command[])('%s', async (command) => {
      const inventory = await inventoryWith(await way());
      const before = await fingerprint(host, { mtimes: true, record: true });
      const { run, seconds } = await timed(command, inventory);
      const words = expectClearError(run);
      const wanted = command === 'doctor' ? (doctorSays ?? says) : says;
      for (const part of wanted) expect(words).toMatch(part);
      expect(words).toContain(where?.() ?? `${host.address}:22`);
      expect(seconds).toBeLessThan(deadlineSec + MARGIN_SEC);
      expect(await fingerprint(host, { mtimes: true, record: true })).toBe(before);
    });
  });

  it('doctor shows the key that the host really has, and what to do with it', async () => {
    const inventory = await inventoryWith({ hostKeys: [] });
    const run = await bench.cli(['doctor', 'ai-node', '--json'], { inventory });
    expect(run.code).toBe(1);
    const { hosts } = run.json() as {
      hosts: Record<string, { checks: { name: string; status: string; found: string; fix?: string }[] }>;
    };
    const found = hosts['ai-node']?.checks.find(({ name }) => name === 'host key');
    const onHost = await host.mustExec(
      'for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf "$key"; done',
    );
    expect(found?.status).toBe('failed');
    const [offered = ''] = /SHA256:[A-Za-z0-9+/]{43}/.exec(found?.found ?? '') ?? [];
    expect(onHost).toContain(` ${offered} `);
    expect(found?.fix).toContain(`add "${offered}" to hostKeys (hosts.ai-node.ssh.hostKeys, `);

    // What it says to do helps.
    const pinned = await bench.cli(['doctor', 'ai-node'], {
      inventory: await inventoryWith({ hostKeys: [offered] }),
    });
    expect(pinned.code, pinned.stdout).toBe(0);
  });

  it('sshd that refuses this address after failed log-ins', async () => {
    await host.mustExec(
      `echo 'PerSourcePenalties authfail:20s min:1s' >${PENALTIES} && systemctl reload ssh`,
    );
    try {
      const stranger = await inventoryWith({ identityFile: strangerKey });
      await bench.cli(['history', 'ai-node'], { inventory: stranger });
      const run = await bench.cli(['history', 'ai-node']);
      expect(expectClearError(run)).toMatch(
        /key exchange: sshd takes no connection from this address now \(PerSourcePenalties or MaxStartups\)/,
      );
    } finally {
      await host.mustExec(`echo 'PerSourcePenalties no' >${PENALTIES} && systemctl restart ssh`);
    }
  });

  it('a host that stops answering while it works is given up in time', async () => {
    const proxy = await lab.latencyProxy('ai-node', 0);
    try {
      const inventory = await inventoryWith({
        address: proxy.address,
        port: proxy.port,
        timeouts: { connectSec: SHORT_SEC, readSec: SHORT_SEC },
      });
      await proxy.stall();
      const { run, seconds } = await timed('diff', inventory);
      expect(expectClearError(run)).toMatch(/no answer within 3 s/);
      expect(seconds).toBeLessThan(SHORT_SEC + MARGIN_SEC);
    } finally {
      await proxy.stop();
    }
  });

  describe('over a jump host', () => {
    let jump: Record<string, unknown>;

    beforeAll(async () => {
      const { address, user, hostKeys, identityFile } = (await lab.inventory())['dev-ops'] ?? {};
      jump = { address, user, hostKeys, identityFile };
    });

    it('works, and the host sees the jump host', async () => {
      const inventory = await inventoryWith({ jump });
      const { run } = await timed('diff', inventory);
      expect(run.code, run.stderr).toBe(2);
      expect(run.stdout).toContain('+after');
      const doctor = await bench.cli(['doctor', 'ai-node'], { inventory });
      expect(doctor.code, doctor.stdout).toBe(0);
      const from = await host.mustExec('journalctl -u ssh -o cat --no-pager | grep Accepted | tail -n 1');
      expect(from).toContain(`from ${lab.host('dev-ops').address} `);
    });

    it.each(Object.keys(COMMANDS) as Command[])(
      'names the jump host when its key is wrong: %s',
      async (command) => {
        const { run } = await timed(
          command,
          await inventoryWith({ jump: { ...jump, hostKeys: [UNPINNED] } }),
        );
        const words = expectClearError(run);
        expect(words).toContain(`agent0@${lab.host('dev-ops').address}:22`);
        expect(words).toMatch(/host key/);
        if (command !== 'doctor') expect(words).toContain('ai-node via jump host');
      },
    );

    it('names the host behind it when that one is wrong', async () => {
      const { run } = await timed('diff', await inventoryWith({ jump, hostKeys: [UNPINNED] }));
      const words = expectClearError(run);
      expect(words).toContain(`agent0@${host.address}:22`);
      expect(words).not.toContain('via jump host');
      expect(words).toMatch(/host key/);
    });

    it('says that the jump host cannot reach the host', async () => {
      const { run } = await timed('diff', await inventoryWith({ jump, port: 2222 }));
      const words = expectClearError(run);
      expect(words).toContain(`${host.address}:2222`);
      expect(words).toContain(`the jump host ${lab.host('dev-ops').address} cannot reach it`);
    });
  });

  describe('one of two hosts is down', () => {
    let manifests: string[];

    beforeAll(async () => {
      // The cable goes first: its address answers no one, as that of a machine without power.
      await host.kill();
      manifests = [];
      for (const name of ['ai-node', 'dev-ops'] as const) {
        const path = join(bench.folder, `both-${name}.json`);
        await writeFile(path, JSON.stringify(document(name, 'after\n')));
        manifests.push('--manifest', path);
      }
      await inventoryWith({ timeouts: { connectSec: SHORT_SEC } });
    });

    afterAll(async () => {
      await host.start();
      await Promise.all(manifests.filter((word) => word !== '--manifest').map((path) => rm(path)));
    });

    const both = (...args: string[]): Promise<CliRun> =>
      bench.cli(args, { inventory: join(bench.folder, 'other.yaml') });

    it.each(Object.keys(COMMANDS) as Command[])('%s of the one that is down', async (command) => {
      const { run, seconds } = await timed(command, join(bench.folder, 'other.yaml'));
      const words = expectClearError(run);
      expect(words).toContain(`${host.address}:22`);
      expect(words).toMatch(/tcp connect: no (answer|way)/);
      expect(words).toMatch(/Check that the host is on/);
      expect(seconds).toBeLessThan(SHORT_SEC + MARGIN_SEC);
    });

    it('diff shows the other', async () => {
      const run = await both('diff', ...manifests);
      expect(expectClearError(run)).toMatch(/tcp connect/);
      expect(run.stdout).toContain('dev-ops');
      expect(run.stdout).toContain('+after');
    });

    it('history and doctor show the other', async () => {
      for (const command of ['history', 'doctor']) {
        const run = await both(command);
        expect(expectClearError(run)).toMatch(/tcp connect/);
        expect(run.stdout).toMatch(/^dev-ops/m);
      }
    });

    it('apply changes the other, and says which one was left alone', async () => {
      const run = await both('apply', '--yes', ...manifests);
      expect(expectClearError(run)).toMatch(/tcp connect/);
      expect(run.stderr).toMatch(/ai-node .*left alone/);
      expect(await lab.host('dev-ops').mustExec('cat /srv/demo/a.conf')).toBe('after\n');
    });

    it('leaves the one that was down as it was', async () => {
      await host.start();
      expect(await host.mustExec('cat /srv/demo/a.conf')).toBe('before\n');
      expect(await host.mustExec('readlink /var/lib/citadel-iac/current')).toBe('generations/1\n');
    });
  });
});
