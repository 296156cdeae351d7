import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostManifest, validateManifest } from '../../lib/manifest/index.js';
import type { LabHost } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { CLIENTS } from '../ssh/support/clients.js';
import { type CliRun, Workbench } from './harness.js';

/** An account's name as long as Linux has them. */
const LONGEST = 'a23456789012345678901234567890bc';

/** How many times in a row; `npm run check:long ssh` sets it. */
const LONG = Number(process.env['CITADEL_SSH_DOCTORS'] ?? '0');

function document(text: string): HostManifest {
  return validateManifest({
    version: 1,
    host: 'ai-node',
    files: { '/srv/a.conf': { content: text, owner: 'root', group: 'root', mode: '0644' } },
  });
}

/** Accounts with the operator's key: names that a directory service has, and some that cannot run commands. */
const ACCOUNTS = `
set -eu
account() { # name, shell, home
  useradd --badname --create-home --home-dir "/home/$3" --shell "$2" "$1"
  install -d -m 0700 -o "$1" "/home/$3/.ssh"
  install -m 0600 -o "$1" /home/agent0/.ssh/authorized_keys "/home/$3/.ssh/authorized_keys"
}
may() { printf '%s ALL=(ALL) NOPASSWD: ALL\\n' "$1" >"/etc/sudoers.d/$2"; }
account first.last /bin/bash dotted; may first.last dotted
account Admin /bin/sh capital; may Admin capital
account user@realm /bin/bash realm; may 'user\\@realm' realm
account ${LONGEST} /bin/bash long; may ${LONGEST} long
account run0 /bin/bash run0
account asked /bin/bash asked
printf 'asked:%s\\n' "it's a word" | chpasswd
printf 'asked ALL=(ALL) ALL\\nDefaults:asked lecture=always\\n' >/etc/sudoers.d/asked
account untty /bin/bash untty; may untty untty
printf 'Defaults:untty requiretty\\n' >/etc/sudoers.d/vendor-tty
account overruled /bin/bash overruled
printf 'overruled:secret\\n' | chpasswd
printf 'overruled ALL=(ALL) ALL\\n' >/etc/sudoers.d/vendor-late
account false /bin/false false
account missing /bin/bash missing
printf 'exec zsh-missing\\n' >/home/missing/.bashrc
account path /bin/bash path; may path path
printf 'Defaults:path secure_path=/nowhere\\n' >/etc/sudoers.d/path-path
account expired /bin/bash expired; may expired expired
printf 'expired:secret\\n' | chpasswd
chage -d 0 expired
account sftp /bin/bash sftp
account told /bin/bash told
printf 'Match User sftp\\n  ForceCommand internal-sftp\\nMatch User told\\n  ForceCommand echo no commands here\\n' >/etc/ssh/sshd_config.d/accounts.conf
chmod 0440 /etc/sudoers.d/*
visudo -cq
systemctl reload ssh
`;

describeLab('SSH as teams have it', (lab) => {
  let bench: Workbench;
  let host: LabHost;

  beforeAll(async () => {
    await lab.reset();
    bench = await Workbench.open(lab);
    host = lab.host('ai-node');
    await host.mustExec(ACCOUNTS);
  });
  afterAll(() => bench.close());

  async function inventoryWith(way: object, secrets: object = {}): Promise<string> {
    const path = await bench.writeInventory({ 'ai-node': way }, join(bench.folder, 'other.yaml'));
    await appendFile(path, stringify({ secrets }));
    return path;
  }

  const said = (run: CliRun): string => run.stdout + run.stderr;

  async function doctor(way: object, secrets: object = {}): Promise<CliRun> {
    return bench.cli(['doctor', 'ai-node'], { inventory: await inventoryWith(way, secrets) });
  }

  async function deploy(inventory: string, text: string): Promise<void> {
    const manifest = await bench.writeManifest(document(text));
    const run = await bench.cli(['apply', '--yes', '--manifest', manifest], { inventory });
    expect(run.code, said(run)).toBe(0);
    expect(await host.mustExec('cat /srv/a.conf; stat -c %U /srv/a.conf')).toBe(`${text}root\n`);
  }

  describe('doctors in a row', () => {
    const CONFIG = '/etc/ssh/sshd_config.d/99-start-ups.conf';
    const cases = [
      { name: 'a stock sshd of Debian 13', line: '', count: 6 },
      { name: 'MaxStartups 2:50:4', line: 'MaxStartups 2:50:4', count: 2 },
    ].flatMap((each) =>
      (LONG > 0 ? CLIENTS : CLIENTS.slice(0, 1)).map((client) => ({ ...each, by: client.name })),
    );
    it.each(cases)(
      'all pass at $name, by the $by client',
      { timeout: 3_600_000 },
      async ({ line, count, by }) => {
        await host.mustExec(`echo '${line}' >${CONFIG} && systemctl restart ssh`);
        const inventory = await inventoryWith({ client: by });
        const since = (await host.mustExec('date +%s')).trim();
        for (let run = 0; run < (LONG > 0 ? LONG : count); run += 1) {
          const ended = await bench.cli(['doctor', 'ai-node'], { inventory });
          expect([run, ended.code], said(ended)).toEqual([run, 0]);
        }
        const penalties = `journalctl -u ssh --since @${since} -o cat --no-pager | grep -ci penalt || true`;
        expect((await host.mustExec(penalties)).trim()).toBe('0');
        await host.mustExec(`rm ${CONFIG} && systemctl restart ssh`);
      },
    );
  });

  describe.each(CLIENTS)('by the $name client', ({ name: client }) => {
    it.each(client === 'system' ? ['user@realm'] : ['first.last', 'Admin', 'user@realm', LONGEST])(
      'the account %s is logged in to, and becomes root',
      async (user) => {
        const run = await doctor({ user, client });
        expect(run.code, said(run)).toBe(0);
      },
    );

    it('an address may be link-local, with its interface', async () => {
      const own = await host.mustExec('ip -6 -o addr show dev eth0 scope link');
      const address = `${/fe80::[0-9a-f:]+/.exec(own)?.[0] ?? ''}%eth0`;
      const run = await doctor({ address, client });
      expect(run.code, said(run)).toBe(0);
    });
  });

  it.each(CLIENTS)('a name whose first address is dead is reached, by the $name client', async ({ name }) => {
    // The one next to the operator's own is asked first (RFC 6724, rule 9); its packets vanish.
    const dead = '192.168.10.2';
    const names = join(bench.folder, 'hosts');
    await writeFile(names, `127.0.0.1 localhost\n${dead} two.test\n${host.address} two.test\n`);
    const inventory = await inventoryWith({ address: 'two.test', client: name });
    const neighbour = ['ip', 'neigh', 'replace', dead, 'lladdr', '02:00:00:00:00:99', 'dev', 'eth0'];
    await lab.operator.mustExec([...neighbour, 'nud', 'permanent']);
    try {
      const script =
        'mount --bind "$1" /etc/hosts && exec node bin/citadel-iac.mjs doctor ai-node --inventory "$2"';
      const run = await lab.operator.exec(['unshare', '-m', 'sh', '-c', script, 'sh', names, inventory]);
      expect(run.code, run.stdout + run.stderr).toBe(0);
    } finally {
      await lab.operator.exec(['ip', 'neigh', 'del', dead, 'dev', 'eth0']);
    }
  });

  it('run0 makes an account root once it has what the refusal says', async () => {
    await host.mustExec('apt-get -qq -y install polkitd >/dev/null 2>&1', { timeoutMs: 180_000 });
    const inventory = await inventoryWith({ user: 'run0', become: 'run0' });
    const refused = await bench.cli(['doctor', 'ai-node', '--json'], { inventory });
    const { hosts } = refused.json() as {
      hosts: Record<string, { checks: { name: string; found: string; fix?: string }[] }>;
    };
    const found = hosts['ai-node']?.checks.find(({ name }) => name === 'privilege');
    expect(found?.found).toMatch(/"run0" cannot become root by run0 \(.*Interactive authentication required/);
    await host.mustExec(/On the host, as root: (.*), or connect as root/.exec(found?.fix ?? '')?.[1] ?? '');
    await host.mustExec('systemctl restart polkit');
    await deploy(inventory, 'first\n');
    await deploy(inventory, 'by run0\n');
    const back = await bench.cli(['rollback', 'ai-node', '--yes'], { inventory });
    expect(back.code, said(back)).toBe(0);
  });

  it('sudo gets the password of a secret, and may lecture', async () => {
    const file = join(bench.folder, 'word');
    await writeFile(file, "it's a word");
    const way = { user: 'asked', sudoPassword: 'ops_sudo' };
    await deploy(await inventoryWith(way, { ops_sudo: { file } }), 'by sudo\n');
    const none = await doctor({ user: 'asked' });
    expect(said(none)).toMatch(/cannot become root without a password \(sudo: .*required/);
    expect(said(none)).toContain('name the password’s secret as sudoPassword under ssh');
    await writeFile(file, 'wrong');
    expect(said(await doctor(way, { ops_sudo: { file } }))).toContain('sudo did not take the password');
    const told = await host.mustExec('journalctl --no-pager -o cat; cat /var/log/* 2>/dev/null || true');
    expect(told).not.toContain("it's a word");
  });

  it('requiretty is told as what it is, and what is said against it helps', async () => {
    const run = await doctor({ user: 'untty' });
    expect(said(run)).toContain('sorry, you must have a tty to run sudo');
    await host.mustExec(/On the host, as root: (.*), or connect as root/.exec(said(run))?.[1] ?? '');
    const again = await doctor({ user: 'untty' });
    expect(again.code, said(again)).toBe(0);
  });

  it.each(['System is going down. For technical details, see pam_nologin(8).', 'Back at noon.'])(
    'a file that lets only root in is named: %s',
    async (text) => {
      await host.mustExec(`echo '${text}' >/run/nologin`);
      try {
        for (const { name } of CLIENTS)
          expect(said(await doctor({ client: name }))).toContain('/run/nologin');
      } finally {
        // sshd of Debian 13 counts these log-ins as failed ones, and soon takes no more from this address.
        await host.mustExec('rm /run/nologin; systemctl restart ssh');
      }
    },
  );

  it('what is said against a password helps where a later file asks for one', async () => {
    const run = await doctor({ user: 'overruled' });
    const advice = /On the host, as root: (.* chmod 0440 \S+)/.exec(said(run))?.[1] ?? '';
    await host.mustExec(advice);
    const again = await doctor({ user: 'overruled' });
    expect(again.code, said(again)).toBe(0);
  });

  it.each([
    ['false', 'does not run commands: it ended with status 1 and said nothing, as /bin/false does'],
    ['missing', 'zsh-missing: not found'],
    ['expired', 'the account may run nothing until its password is changed ('],
    ['path', 'a tool that it needs is not in the PATH (citadel-examine: 1: head: not found)'],
    ['sftp', 'sshd allows the account no commands (This service allows sftp connections only.)'],
    ['told', 'no commands here'],
  ])('an account that cannot run commands (%s) is told with what was said: %s', async (user, words) => {
    const run = await doctor({ user });
    expect(run.code).toBe(1);
    expect(said(run)).toContain(words);
    expect(said(run)).not.toContain('another machine');
  });
});
