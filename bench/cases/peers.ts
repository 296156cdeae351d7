import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HOST_NAMES, type HostName } from '../../test/lab/api.js';
import type { Bench, Case } from '../bench.js';
import { playbook, undoPlaybook } from '../ansible.js';
import { median, timed } from '../measure.js';
import { time, type Figure } from '../report.js';
import { workManifest } from '../work.js';

/** Of both hosts together. */
const ITEMS = 146;
const WANTED_FIRST_MS = 2200;
const WANTED_AGAIN_MS = 800;
/** Of those who take long fewer: more would tell no more. */
const ROUNDS = 5;
const SLOW_MS = 15_000;
const STRATEGIES = '/usr/lib/python3/dist-packages/ansible_mitogen/plugins/strategy';

interface Peer {
  readonly name: string;
  first(): Promise<number>;
  again(): Promise<number>;
  reset(): Promise<void>;
}

/** The same things, made on two hosts by us and by what people use today. */
export const peers: Case = {
  name: 'peers',
  about: `${ITEMS} items on two hosts, first and again: next to Ansible, tuned and with mitogen`,
  async run(bench) {
    for (const host of HOST_NAMES) await bench.forget(host);
    const contenders = [await ours(bench), ...(await ansible(bench))];
    const node: number[] = [];
    const first = new Map<Peer, number[]>();
    const again = new Map<Peer, number[]>();
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const peer of contenders) {
        // Once is enough to see what is far slower.
        if (round > 0 && median(first.get(peer) ?? []) > SLOW_MS) continue;
        bench.say(`peers: ${peer.name}, round ${round + 1} of ${ROUNDS}`);
        push(first, peer, await peer.first());
        push(again, peer, await peer.again());
        await peer.reset();
        node.push((await bench.node()).ms);
      }
    }
    const start = median(node);
    const timesOf = (peer: Peer | undefined): readonly [number, number] =>
      peer === undefined ? [NaN, NaN] : [median(first.get(peer) ?? []), median(again.get(peer) ?? [])];
    const [ourFirst, ourAgain] = timesOf(contenders[0]);
    return contenders.map((peer, n) => {
      const [firstMs, againMs] = timesOf(peer);
      const runs = `${first.get(peer)?.length ?? 0} and ${again.get(peer)?.length ?? 0} runs`;
      return n === 0
        ? {
            what: `apply of ${ITEMS} items on two hosts, first and again`,
            measured: `${time(firstMs)} and ${time(againMs)}; beyond Node’s start ${time(firstMs - start)} and ${time(againMs - start)}`,
            baseline: `node -e 0 ${time(start)}; ${runs}`,
            wanted: `${time(WANTED_FIRST_MS)} and ${time(WANTED_AGAIN_MS)} beyond`,
            met: firstMs - start <= WANTED_FIRST_MS && againMs - start <= WANTED_AGAIN_MS,
          }
        : {
            what: `the same by ${peer.name}`,
            measured: `${time(firstMs)} and ${time(againMs)}`,
            baseline: `${(firstMs / ourFirst).toFixed(1)}× and ${(againMs / ourAgain).toFixed(1)}× ours; ${runs}`,
            wanted: '',
          };
    }) satisfies Figure[];
  },
};

function push(map: Map<Peer, number[]>, peer: Peer, ms: number): void {
  map.set(peer, [...(map.get(peer) ?? []), ms]);
}

async function ours(bench: Bench): Promise<Peer> {
  const files = await Promise.all(
    HOST_NAMES.map((host) => bench.manifestFile(workManifest(host, ITEMS / 2), 'peers')),
  );
  return {
    name: 'citadel-iac apply',
    first: async () => (await bench.apply(files)).ms,
    again: async () => (await bench.apply(files)).ms,
    reset: async () => {
      await Promise.all(HOST_NAMES.map((host) => bench.forget(host)));
    },
  };
}

/** Ansible with what everybody turns on for speed, and the same with mitogen; none where it is not installed. */
async function ansible(bench: Bench): Promise<Peer[]> {
  const version = await timed(['ansible', '--version']).catch(() => undefined);
  if (version === undefined) {
    bench.say('peers: no Ansible here (apt-get install ansible-core ansible-mitogen): ours alone');
    return [];
  }
  const core = /core (\S+)\]/.exec(version.stdout)?.[1] ?? '?';
  const folder = join(bench.workbench.folder, 'ansible');
  await mkdir(folder);
  const hosts = HOST_NAMES.map((host) => inventoryLine(bench, host));
  await writeFile(join(folder, 'hosts'), `[lab]\n${hosts.join('\n')}\n`);
  await writeFile(join(folder, 'site.json'), JSON.stringify(playbook(ITEMS / 2)));
  await writeFile(join(folder, 'undo.json'), JSON.stringify(undoPlaybook(ITEMS / 2)));
  const tuned = { ANSIBLE_PIPELINING: 'True', ANSIBLE_SSH_ARGS: sshArgs(bench, folder) };
  const peer = (name: string, extra: Readonly<Record<string, string>>): Peer => {
    const play = async (file: string): Promise<number> => {
      const run = await bench.operator(['ansible-playbook', '-i', 'hosts', file], {
        cwd: folder,
        env: { ...process.env, ANSIBLE_LOCALHOST_WARNING: 'False', ...tuned, ...extra },
        timeoutMs: 300_000,
      });
      return run.ms;
    };
    return {
      name,
      first: () => play('site.json'),
      again: () => play('site.json'),
      reset: async () => {
        await play('undo.json');
      },
    };
  };
  const found = [peer(`Ansible ${core}, pipelining, no facts`, {})];
  if (!existsSync(STRATEGIES)) {
    bench.say('peers: no mitogen here (apt-get install ansible-mitogen)');
    return found;
  }
  const mitogen = { ANSIBLE_STRATEGY_PLUGINS: STRATEGIES, ANSIBLE_STRATEGY: 'mitogen_linear' };
  return [...found, peer(`Ansible ${core} with mitogen`, mitogen)];
}

function inventoryLine(bench: Bench, host: HostName): string {
  const words = {
    ansible_host: bench.lab.host(host).address,
    ansible_user: 'agent0',
    ansible_become: 'true',
    ansible_python_interpreter: '/usr/bin/python3',
    ansible_ssh_private_key_file: bench.lab.operator.identityFile,
  };
  return [host, ...Object.entries(words).map(([key, value]) => `${key}=${value}`)].join(' ');
}

/** One connection per run, as ours has: a master that lives longer would be started by someone, too. */
function sshArgs(bench: Bench, folder: string): string {
  return [
    `-o UserKnownHostsFile=${bench.lab.operator.knownHosts}`,
    '-o StrictHostKeyChecking=yes -o BatchMode=yes',
    `-o ControlMaster=auto -o ControlPersist=2s -o ControlPath=${join(folder, '%C')}`,
  ].join(' ');
}
