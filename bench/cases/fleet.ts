import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lab, requireLab, smallHosts } from '../../test/lab/api.js';
import type { Case } from '../bench.js';
import { contendersIn, type Contender, type Cost } from '../fleet/contenders.js';
import { delayOfTheRest } from '../fleet/hung.js';
import { median } from '../measure.js';
import type { Figure } from '../report.js';

const COUNT = Number(process.env['CITADEL_BENCH_HOSTS'] ?? '8');
/** A virtual environment with ansible-core 2.21, mitogen and pyinfra 3.10. */
const PEERS = process.env['CITADEL_BENCH_PEERS'];
const ROUNDS = 3;
/** Of what takes longer than this many seconds one run tells as much. */
const SLOW = 60;
const WANTED_CPU_MS = 35;
const WANTED_DELAY_MS = 300;
const WANTED_TIMES = 10;

const PHASES = ['first apply', 'nothing to do', 'one line changed', 'all behind one jump host'] as const;
type Costs = Record<(typeof PHASES)[number], Cost>;

/** The same work on many hosts, by us and by those whom people use for it. */
export const fleet: Case = {
  name: 'fleet',
  about: `21 files and a service on ${COUNT} small hosts (CITADEL_BENCH_HOSTS), next to mitogen and pyinfra (CITADEL_BENCH_PEERS)`,
  lab: false,
  async run(bench) {
    const gate = requireLab();
    if (!gate.available) return [];
    const lab = Lab.named('bench-fleet');
    const folder = await mkdtemp(join(tmpdir(), 'citadel-fleet-'));
    try {
      await lab.up({ hosts: smallHosts(COUNT), progress: bench.say });
      const contenders = await contendersIn(lab, await lab.inventory(), folder, PEERS);
      const costs = new Map<Contender, Costs>();
      for (const one of contenders) costs.set(one, await measure(lab, one, bench.say));
      const delay = await delayOfTheRest(lab, folder);
      return [
        ...figuresOf(costs),
        { ...delay, wanted: `at most ${WANTED_DELAY_MS} ms`, met: delay.ms <= WANTED_DELAY_MS },
      ];
    } finally {
      await lab.down();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function measure(lab: Lab, contender: Contender, say: (line: string) => void): Promise<Costs> {
  const hosts = smallHosts(COUNT);
  const { name } = contender;
  const bare =
    'systemctl disable --now bench-fleet 2>/dev/null; rm -rf /srv/bench /etc/systemd/system/bench-fleet.service /var/lib/citadel-iac; systemctl daemon-reload';
  for (const host of hosts) await lab.host(host).mustExec(bare);
  const costs: Partial<Costs> = {};
  const note = (phase: (typeof PHASES)[number], cost: Cost): void => {
    costs[phase] = cost;
    say(
      `fleet: ${name}, ${phase}: ${cost.wall.toFixed(1)} s, ${cost.cpu.toFixed(2)} s of CPU, ${cost.mib.toFixed(0)} MiB`,
    );
  };
  note('first apply', await contender.run(1, {}));
  const idle = [await contender.run(1, {})];
  while (idle.length < ROUNDS && (idle[0] as Cost).wall < SLOW) idle.push(await contender.run(1, {}));
  note('nothing to do', {
    wall: median(idle.map(({ wall }) => wall)),
    cpu: median(idle.map(({ cpu }) => cpu)),
    mib: Math.max(...idle.map(({ mib }) => mib)),
  });
  note('one line changed', await contender.run(2, {}));
  note('all behind one jump host', await contender.run(2, { jump: hosts[0] as string }));
  return costs as Costs;
}

function figuresOf(costs: ReadonlyMap<Contender, Costs>): Figure[] {
  const [[, ours]] = [...costs] as [[Contender, Costs]];
  const start = ours['nothing to do'];
  const perHost = (start.cpu * 1000) / COUNT;
  const mitogen = [...costs].find(([{ name }]) => name.includes('mitogen'))?.[1];
  const times = mitogen === undefined ? undefined : mitogen['nothing to do'].cpu / start.cpu;
  const rows = [...costs].flatMap(([{ name }, cost], n) =>
    PHASES.map((phase): Figure => {
      const { wall, cpu, mib } = cost[phase];
      const against = `${(wall / ours[phase].wall).toFixed(1)}× the time, ${(cpu / ours[phase].cpu).toFixed(1)}× the CPU of ours`;
      return {
        what: `${String(COUNT)} hosts, ${phase}: ${name}`,
        measured: `${wall.toFixed(1)} s, ${cpu.toFixed(2)} s of CPU, ${mib.toFixed(0)} MiB`,
        baseline: n === 0 ? '' : against,
        wanted: '',
      };
    }),
  );
  return [
    ...rows,
    {
      what: 'CPU of this side for each host with nothing to do, Node’s start included',
      measured: `${perHost.toFixed(0)} ms`,
      baseline: '',
      wanted: `at most ${WANTED_CPU_MS} ms`,
      met: perHost <= WANTED_CPU_MS,
    },
    ...(times === undefined
      ? []
      : [
          {
            what: 'CPU of mitogen with nothing to do, against ours',
            measured: `${times.toFixed(1)}×`,
            baseline: '',
            wanted: `at least ${WANTED_TIMES}×`,
            met: times >= WANTED_TIMES,
          },
        ]),
  ];
}
