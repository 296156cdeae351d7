import type { Bench } from './bench.js';

/** Milliseconds that our transport takes to be logged in; `way` replaces parts of the host's ssh entry. */
export async function connectMs(bench: Bench, port: number, way: object = {}): Promise<number> {
  const { lab } = bench;
  const entry = (await lab.inventory())['ai-node'];
  const options = { ...entry, address: '127.0.0.1', port, ...way };
  const run = await bench.operator([
    'node',
    '--import',
    'tsx',
    'bench/programs/connect.ts',
    JSON.stringify(options),
  ]);
  return Number(run.stdout);
}
