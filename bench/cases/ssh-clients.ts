import type { Case } from '../bench.js';
import { connectMs } from '../connect-ms.js';
import { byTurns, medians } from '../measure.js';
import { ratio, time } from '../report.js';
import { workManifest } from '../work.js';

const SYSTEM = { client: 'system' } as const;
const ITEMS = 150;

/** What the operator's own OpenSSH costs in place of the built-in client. */
export const sshClients: Case = {
  name: 'ssh-clients',
  about: 'connect and diff of an unchanged host, by the built-in client and by the system’s OpenSSH',
  async run(bench) {
    await bench.forget('ai-node');
    const file = await bench.manifestFile(workManifest('ai-node', ITEMS, 0));
    await bench.apply([file]);
    const { folder } = bench.workbench;
    const system = await bench.workbench.writeInventory({ 'ai-node': SYSTEM }, `${folder}/system.yaml`);
    const proxy = await bench.lab.latencyProxy('ai-node', 0);
    try {
      const turns = await byTurns(
        {
          ssh: async () => (await bench.ssh('ai-node')).ms,
          connect: () => connectMs(bench, proxy.port),
          connectSystem: () => connectMs(bench, proxy.port, SYSTEM),
          diff: async () => (await bench.cli(['diff', '--manifest', file])).ms,
          diffSystem: async () => (await bench.cli(['diff', '--manifest', file], { inventory: system })).ms,
        },
        { rounds: bench.rounds },
      );
      const { ssh, connect, connectSystem, diff, diffSystem } = medians(turns);
      await bench.forget('ai-node');
      return [
        {
          what: 'connect by the system’s OpenSSH',
          measured: `${time(connectSystem)} = ${ratio(connectSystem, connect)} the built-in client, ${ratio(connectSystem, ssh)} ssh`,
          baseline: `built-in ${time(connect)}, ssh host true ${time(ssh)}`,
          wanted: 'at most 1.5× ssh host true',
          met: connectSystem <= 1.5 * ssh,
        },
        {
          what: `diff of an unchanged host, ${ITEMS} items, by the system’s OpenSSH`,
          measured: `${time(diffSystem)} = ${ratio(diffSystem, diff)} the built-in client`,
          baseline: `built-in ${time(diff)}`,
          wanted: 'at most one ssh host true more',
          met: diffSystem - diff <= ssh,
        },
      ];
    } finally {
      await proxy.stop();
    }
  },
};
