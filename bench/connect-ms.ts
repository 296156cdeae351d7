import type { Bench } from './bench.js';

/** Milliseconds that our transport takes to be logged in. */
export async function connectMs(bench: Bench, port: number): Promise<number> {
  const { lab } = bench;
  const entry = (await lab.inventory())['ai-node'];
  const options = { ...entry, address: '127.0.0.1', port };
  const run = await bench.operator([
    'node',
    '--import',
    'tsx',
    'bench/programs/connect.ts',
    JSON.stringify(options),
  ]);
  return Number(run.stdout);
}
