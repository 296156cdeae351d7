import type { RunRecord } from '../model.js';
import { Fields } from '../observe/fields.js';
import { runReader, type ReadOptions } from '../observe/observe-host.js';
import { RUNS } from '../observe/programs.js';
import type { ReadTransport } from '../transport.js';

/**
 * The commands that were run on a host, oldest first.
 *
 * @throws CitadelError when the host cannot be reached or its record cannot be read
 */
export async function readRuns(transport: ReadTransport, options: ReadOptions = {}): Promise<RunRecord[]> {
  const output = await runReader(transport, RUNS, Buffer.alloc(0), options);
  const fields = new Fields(output, transport.description);
  fields.expect('citadel-runs/1');
  const records: RunRecord[] = [];
  for (let name = fields.take(); name !== 'end'; name = fields.take()) {
    const [time, who, user, status, count] = [
      fields.take(),
      fields.take(),
      fields.take(),
      fields.take(),
      fields.take(),
    ];
    if (!/^\d{1,4}$/.test(count)) throw fields.unreadable(`a command of ${JSON.stringify(count)} arguments`);
    const command = Array.from({ length: Number(count) }, () => fields.takeText().text);
    records.push({ time, who, user, command, exitCode: /^\d{1,3}$/.test(status) ? Number(status) : null });
  }
  fields.end();
  return records;
}
