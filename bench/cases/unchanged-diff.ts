import type { Bench, Case } from '../bench.js';
import { connectMs } from '../connect-ms.js';
import { byTurns, least, medians } from '../measure.js';
import { ratio, time, type Figure } from '../report.js';
import { workManifest } from '../work.js';

const CHECKS = 4;
const ITEMS = 150;
const FAR_MS = 100;

/** The command that is typed most: is the host still as it should be? */
export const unchangedDiff: Case = {
  name: 'diff',
  about: `diff of an unchanged host with ${ITEMS} items, near and ${FAR_MS} ms away`,
  async run(bench) {
    await bench.forget('ai-node');
    const file = await bench.manifestFile(workManifest('ai-node', ITEMS, CHECKS));
    await bench.apply([file]);
    const figures = [...(await near(bench, file)), ...(await far(bench, file))];
    await bench.forget('ai-node');
    return figures;
  },
};

const DIFF = ['diff', '--manifest'] as const;

async function near(bench: Bench, file: string): Promise<Figure[]> {
  const turns = await byTurns(
    {
      node: async () => (await bench.node()).ms,
      ssh: async () => (await bench.ssh('ai-node')).ms,
      sshFast: async () => (await bench.ssh('ai-node', '-o', 'KexAlgorithms=curve25519-sha256')).ms,
      diff: async () => (await bench.cli([...DIFF, file])).ms,
    },
    { rounds: bench.rounds, warmUp: 2 },
  );
  const { node, ssh, sshFast, diff } = medians(turns);
  const beyond = diff - node;
  const counted = await count(bench, file);
  return [
    {
      what: `diff of an unchanged host, ${ITEMS} items`,
      measured: `${time(diff)}; beyond Node’s start ${time(beyond)} = ${ratio(beyond, ssh)} ssh`,
      baseline: `ssh host true ${time(ssh)} (curve25519: ${time(sshFast)}), node -e 0 ${time(node)}`,
      wanted: 'at most 2× ssh + node',
      met: diff <= 2 * ssh + node,
    },
    {
      what: 'what it does to the host',
      measured: `${counted.connections} connection, ${counted.programs} exec`,
      baseline: 'a proxy’s count, sudo’s journal',
      wanted: '1 connection, 1 exec',
      met: counted.connections === 1 && counted.programs === 1,
    },
  ];
}

/** Connections by a proxy that adds nothing, programs by what sudo writes into the host's journal. */
async function count(bench: Bench, file: string): Promise<{ connections: number; programs: number }> {
  const proxy = await bench.lab.latencyProxy('ai-node', 0);
  try {
    const inventory = await bench.viaProxy('ai-node', proxy, 'count');
    const host = bench.lab.host('ai-node');
    const cursor = (await host.mustExec('journalctl -n 0 --show-cursor'))
      .replace(/^[^]*-- cursor: /, '')
      .trim();
    await bench.cli([...DIFF, file], { inventory });
    const lines = await host.mustExec(
      `journalctl --sync; journalctl -o cat --no-pager --after-cursor '${cursor}' _COMM=sudo | grep -c COMMAND= || true`,
    );
    return { connections: (await proxy.stats()).connections, programs: Number(lines.trim()) };
  } finally {
    await proxy.stop();
  }
}

/** Round trips are what the added distance costs, divided by the distance. */
async function far(bench: Bench, file: string): Promise<Figure[]> {
  const { lab } = bench;
  const [zero, distant] = [await lab.latencyProxy('ai-node', 0), await lab.latencyProxy('ai-node', FAR_MS)];
  try {
    const inventories = {
      near: await bench.viaProxy('ai-node', zero, 'near'),
      far: await bench.viaProxy('ai-node', distant, 'far'),
    };
    const ssh = (port: number): Promise<number> =>
      bench
        .ssh('ai-node', '-o', 'HostName=127.0.0.1', '-o', 'HostKeyAlias=ai-node', '-p', String(port))
        .then(({ ms }) => ms);
    const diff = (inventory: string): Promise<number> =>
      bench.cli([...DIFF, file], { inventory }).then(({ ms }) => ms);
    const turns = await byTurns(
      {
        connectNear: () => connectMs(bench, zero.port),
        connectFar: () => connectMs(bench, distant.port),
        sshNear: () => ssh(zero.port),
        sshFar: () => ssh(distant.port),
        near: () => diff(inventories.near),
        far: () => diff(inventories.far),
      },
      { rounds: Math.max(3, Math.floor(bench.rounds / 2)) },
    );
    const at = least(turns);
    const trips = (farMs: number, nearMs: number): number => (farMs - nearMs) / FAR_MS;
    const handshake = trips(at.connectFar, at.connectNear);
    const ours = trips(at.far, at.near);
    return [
      {
        what: `the same, ${FAR_MS} ms away`,
        measured: `${time(at.far)}: ${ours.toFixed(1)} round trips, handshake ${handshake.toFixed(1)} + ${(ours - handshake).toFixed(1)}`,
        baseline: `ssh host true ${time(at.sshFar)}: ${trips(at.sshFar, at.sshNear).toFixed(1)} round trips`,
        wanted: 'handshake + 2 round trips',
        met: Math.round((ours - handshake) * 2) / 2 <= 2,
      },
    ];
  } finally {
    await Promise.all([zero.stop(), distant.stop()]);
  }
}
