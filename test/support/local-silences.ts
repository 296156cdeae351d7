import { spawn } from 'node:child_process';
import type { Fleet } from '../../lib/cli/fleet.js';
import { Silences } from '../../lib/cli/silence/silences.js';
import { askAlertmanager } from '../../lib/engine/silence/ask-alertmanager.js';
import type { RemoteProgram, Transport } from '../../lib/engine/transport.js';

/** Runs the host's program here, as sshd would. */
const here = {
  description: 'here',
  run: (program: RemoteProgram, input: Buffer) =>
    new Promise((resolve) => {
      const child = spawn('sh', ['-c', program.script], { stdio: 'pipe' });
      const out: Buffer[] = [];
      let stderr = '';
      child.stdout.on('data', (data: Buffer) => out.push(data));
      child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
      child.once('close', (exitCode) => resolve({ exitCode, stdout: Buffer.concat(out), stderr }));
      child.stdin.end(input);
    }),
} as unknown as Transport;

/** As much of a fleet as silences need. */
const fleet = {
  readOptions: () => ({ signal: new AbortController().signal }),
  transport: () => Promise.resolve(here),
  engine: { askAlertmanager },
} as unknown as Fleet;

/** The silences of an Alertmanager of this machine, as `citadel-iac` asks for those of a host. */
export const localSilences = (url: string): Silences => new Silences(fleet, { host: 'dev-ops', url });
