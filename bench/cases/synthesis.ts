import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Case } from '../bench.js';
import { timed } from '../measure.js';
import type { Figure } from '../report.js';

/** Plain hosts, AI nodes of seven models each, and the seconds that they may take. */
const SIZES = [
  [2, 1, Infinity],
  [200, 30, 10],
  [500, 100, 30],
] as const;
const WANTED_MIB = 500;

/** What it costs to make the documents of many hosts, the program's start included. */
export const synthesis: Case = {
  name: 'synthesis',
  about: 'documents of 230 and of 600 hosts: time, processor time, memory',
  lab: false,
  async run(bench) {
    const folder = await mkdtemp(join(tmpdir(), 'citadel-synthesis-'));
    try {
      const figures: Figure[] = [];
      for (const [plain, nodes, seconds] of SIZES) {
        const { wall, cpu, mib } = await render(folder, plain, nodes);
        bench.say(`synthesis: ${plain} and ${nodes}: ${wall.toFixed(1)} s, ${cpu.toFixed(1)} s of CPU`);
        const wanted = Number.isFinite(seconds);
        figures.push({
          what: `documents of ${plain} plain hosts, ${nodes} AI nodes and their monitoring`,
          measured: `${cpu.toFixed(1)} s of CPU, ${mib.toFixed(0)} MiB`,
          baseline: `${wall.toFixed(1)} s of wall clock`,
          wanted: wanted ? `less than ${seconds} s of CPU and ${WANTED_MIB} MiB` : '',
          ...(wanted && { met: cpu < seconds && mib < WANTED_MIB }),
        });
      }
      return figures;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function render(
  folder: string,
  plain: number,
  nodes: number,
): Promise<{ readonly wall: number; readonly cpu: number; readonly mib: number }> {
  const [inventory, cost] = [join(folder, 'inventory.yaml'), join(folder, 'cost.json')];
  await writeFile(
    inventory,
    inventoryOf(await readFile('stacks/inventory/citadel.yaml', 'utf8'), plain, nodes),
  );
  const words = ['render', '--json', '--inventory', inventory];
  const argv = ['python3', 'bench/programs/cpu.py', cost, 'sh', '-c', 'exec "$@" >/dev/null', 'render'];
  await timed([...argv, 'node', 'bin/citadel-iac.mjs', ...words], { timeoutMs: 1_200_000 });
  return JSON.parse(await readFile(cost, 'utf8')) as { wall: number; cpu: number; mib: number };
}

/** The example's inventory with so many copies of its AI node, and hosts with nothing but what every host has. */
function inventoryOf(example: string, plain: number, nodes: number): string {
  const { hosts, ...rest } = parse(example) as { hosts: Record<string, { address: string; ssh: object }> };
  const { 'ai-node': node, ...others } = hosts as { 'ai-node': { address: string; ssh: object } };
  const address = (n: number): string => `10.20.${Math.floor(n / 200)}.${(n % 200) + 1}`;
  const many: Record<string, object> = { ...others };
  for (let n = 0; n < nodes; n += 1)
    many[`ai-node${n === 0 ? '' : String(n)}`] = { ...node, address: address(n) };
  for (let n = 0; n < plain; n += 1)
    many[`web${String(n)}`] = { address: address(nodes + n), ssh: { user: 'agent0', hostKeys: [] } };
  return stringify({ ...rest, hosts: many }, { aliasDuplicateObjects: false });
}
