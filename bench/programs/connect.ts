// Connects to a host as the engine does and prints how many milliseconds that took. Argument: how, as JSON.
import { openTransport } from '../../lib/engine/targets/index.js';
import { loadSsh2 } from '../../lib/ssh/load.js';
import { sshTargetSchema } from '../../lib/manifest/index.js';

const target = sshTargetSchema.parse(JSON.parse(process.argv[2] ?? '{}'));
// Loading modules is not a part of the handshake.
await loadSsh2();
const start = performance.now();
const transport = await openTransport(target, { host: 'bench', home: '/', agentSocket: undefined });
process.stdout.write(`${String(performance.now() - start)}\n`);
await transport.close();
