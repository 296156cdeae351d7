import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { InventoryEntry, Lab } from '../../test/lab/api.js';
import { timed } from '../measure.js';
import { deployment, manifestOf, playbook } from './work.js';

/** What one run of a program cost on this side. */
export interface Cost {
  /** Seconds. */
  readonly wall: number;
  /** Seconds of processor time of the program and what it started. */
  readonly cpu: number;
  /** Peak memory of its largest process. */
  readonly mib: number;
}

/** How the hosts are reached in a run. */
export interface Way {
  /** The host that all others are behind. */
  readonly jump?: string;
}

/** A program that makes all hosts what the work says. */
export interface Contender {
  readonly name: string;
  run(edition: number, way: Way): Promise<Cost>;
}

type Hosts = Readonly<Record<string, InventoryEntry>>;

/** Longest that anything may take. */
const TIMEOUT_MS = 1_500_000;

/** @param folder for their files */
export async function contendersIn(
  lab: Lab,
  hosts: Hosts,
  folder: string,
  peers: string | undefined,
): Promise<Contender[]> {
  const cost = async (argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Cost> => {
    const file = join(folder, 'cost.json');
    await timed(lab.operator.argv(['python3', 'bench/programs/cpu.py', file, ...argv]), {
      env: { ...process.env, ...env },
      timeoutMs: TIMEOUT_MS,
    });
    return JSON.parse(await readFile(file, 'utf8')) as Cost;
  };
  const ours: Contender = {
    name: 'citadel-iac apply',
    run: async (edition, way) => {
      const inventory = join(folder, 'inventory.yaml');
      const documents = join(folder, 'documents.json');
      await writeFile(inventory, inventoryOf(hosts, way));
      const all = Object.keys(hosts).map((host) => [host, manifestOf(host, edition)]);
      await writeFile(documents, JSON.stringify({ hosts: Object.fromEntries(all) as object }));
      const words = ['apply', '--yes', '--inventory', inventory, '--manifest', documents, '--parallel', '25'];
      return cost(['node', 'bin/citadel-iac.mjs', ...words]);
    },
  };
  if (peers === undefined) return [ours];
  const sshConfig = join(folder, 'ssh_config');
  const ansible = (name: string, extra: Readonly<Record<string, string>>): Contender => ({
    name,
    run: async (edition, way) => {
      await writeFile(sshConfig, sshConfigOf(lab, hosts, way));
      const [list, play] = [join(folder, 'hosts.ini'), join(folder, 'site.json')];
      await writeFile(list, `[all]\n${Object.keys(hosts).map(ansibleLine).join('\n')}\n`);
      await writeFile(play, playbook(edition));
      return cost([join(peers, 'bin/ansible-playbook'), '-i', list, '-f', '25', play], {
        ANSIBLE_SSH_ARGS: `-F ${sshConfig} -o ControlMaster=auto -o ControlPersist=2s -o ControlPath=${folder}/%C`,
        ANSIBLE_PIPELINING: 'True',
        // A busy machine is no reason to leave a peer out.
        ANSIBLE_TIMEOUT: '120',
        ANSIBLE_LOCALHOST_WARNING: 'False',
        ...extra,
      });
    },
  });
  const pyinfra: Contender = {
    name: 'pyinfra 3.10',
    run: async (edition, way) => {
      await writeFile(sshConfig, sshConfigOf(lab, hosts, way));
      const [list, deploy] = [join(folder, 'hosts.py'), join(folder, 'deploy.py')];
      const data = `{"ssh_config_file": ${JSON.stringify(sshConfig)}, "ssh_known_hosts_file": ${JSON.stringify(lab.operator.knownHosts)}}`;
      await writeFile(
        list,
        `hosts = [${Object.keys(hosts)
          .map((host) => `(${JSON.stringify(host)}, ${data})`)
          .join(', ')}]\n`,
      );
      await writeFile(deploy, deployment(edition));
      return cost([join(peers, 'bin/pyinfra'), '-y', '--parallel', '25', list, deploy]);
    },
  };
  const [python = ''] = await readdir(join(peers, 'lib'));
  const strategies = join(peers, 'lib', python, 'site-packages/ansible_mitogen/plugins/strategy');
  const mitogen = { ANSIBLE_STRATEGY: 'mitogen_linear', ANSIBLE_STRATEGY_PLUGINS: strategies };
  return [ours, ansible('Ansible 2.21 with mitogen', mitogen), pyinfra];
}

function inventoryOf(hosts: Hosts, { jump }: Way): string {
  const entry = (name: string): object => {
    const { address, settleSec, ...ssh } = hosts[name] as InventoryEntry;
    const through = jump === undefined || name === jump ? undefined : hosts[jump];
    const { settleSec: _settle, ...way } = through ?? { settleSec: 0 };
    return { address, ssh: { ...ssh, timeouts: { settleSec }, ...(through !== undefined && { jump: way }) } };
  };
  const all = Object.keys(hosts).map((name) => [name, entry(name)]);
  return stringify({ hosts: Object.fromEntries(all) as object, operator: { addresses: ['192.168.10.1'] } });
}

function ansibleLine(host: string): string {
  return `${host} ansible_become=true ansible_python_interpreter=/usr/bin/python3`;
}

/** OpenSSH's settings for the peers: pinned keys, and a ProxyJump where there is a jump host. */
function sshConfigOf(lab: Lab, hosts: Hosts, { jump }: Way): string {
  return Object.entries(hosts)
    .map(([name, { address, user, identityFile }]) =>
      [
        `Host ${name}`,
        `  HostName ${address}`,
        `  User ${user}`,
        `  IdentityFile ${identityFile}`,
        '  IdentitiesOnly yes',
        `  UserKnownHostsFile ${lab.operator.knownHosts}`,
        '  GlobalKnownHostsFile /dev/null',
        '  StrictHostKeyChecking yes',
        '  BatchMode yes',
        '  ConnectTimeout 120',
        ...(jump === undefined || name === jump ? [] : [`  ProxyJump ${jump}`]),
        '',
      ].join('\n'),
    )
    .join('\n');
}
