import { hostname, userInfo } from 'node:os';
import type { Socket } from 'node:net';
import type { EnginePort } from './engine-port.js';
import { createGrpcServer, type MutualTls } from './plugin/grpc-server.js';
import { createLifetime } from './plugin/lifetime.js';
import { stderrLog } from './plugin/log.js';
import { CitadelProvider } from './provider.js';

export interface ServeOptions {
  /** Absent: plain connections. */
  readonly tls: MutualTls | undefined;
  /** True for a debug server, which outlives its clients. */
  readonly keepAlive: boolean;
}

/** Terraform connects within seconds of the handshake; one that is gone does not come back. */
const IDLE_MS = 60_000;
/** A client that is gone while a transaction runs: it goes on on the host, and this process need not. */
const GRACE_MS = 30 * 60_000;

/** The server with any engine. @returns takes over an accepted connection */
export function serveWith(
  engine: () => Promise<EnginePort>,
  options: ServeOptions,
): (socket: Socket) => void {
  // Terraform runs providers in the stack's folder, where documents are; other relative paths in a block are the project's.
  const folder = process.cwd();
  const project = process.env['CITADEL_PROJECT_DIR'];
  if (project !== undefined && project !== '') process.chdir(project);

  const provider = new CitadelProvider({
    engine,
    log: stderrLog,
    folder,
    who: `${userName()}@${hostname()} (terraform)`,
  });
  const exit = (): void => {
    const end = (): never => process.exit(0);
    setTimeout(end, 1_000).unref();
    provider.close().then(end, end);
  };
  const lifetime = createLifetime({ exit, idleMs: options.keepAlive ? 0 : IDLE_MS, graceMs: GRACE_MS });
  return createGrpcServer(provider, lifetime, options.tls);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'someone';
  }
}
