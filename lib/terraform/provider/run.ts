import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROVIDER_SOURCE } from '../address.js';
import { createServerIdentity } from './certificate.js';
import { handshakeLine, readHandshake, reattachValue } from './handshake.js';
import type * as ServerModule from './server.js';

type Server = Pick<typeof ServerModule, 'serve'>;

/**
 * The provider's process. Only what the handshake needs is loaded before its line is out; connections that
 * come meanwhile wait unread until the server proper is there.
 */
export function runProvider(loadServer: () => Promise<Server>): void {
  const debug = process.argv.includes('--debug');
  // Ctrl-C reaches the whole process group; Terraform says by StopProvider what it wants of us.
  process.on('SIGINT', () => (debug ? process.exit(130) : undefined));
  // An exit of our own runs the handler that removes the socket.
  process.on('SIGTERM', () => process.exit(143));

  const handshake = debug ? { kind: 'serve' as const, multiplex: false } : readHandshake(process.env);
  if (handshake.kind === 'refuse') {
    process.stderr.write(`${handshake.message}\n`);
    process.exitCode = 1;
    return;
  }
  const { clientCertificate } = handshake as { clientCertificate?: string };
  const tls =
    clientCertificate === undefined
      ? undefined
      : { identity: createServerIdentity(Date.now()), clientCertificate };

  const folder = mkdtempSync(join(tmpdir(), 'citadel-provider-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'socket');

  const waiting: Socket[] = [];
  let accept = (socket: Socket): void => void waiting.push(socket);
  const listener = createServer({ pauseOnConnect: true }, (socket) => accept(socket));
  listener.on('error', fail);
  listener.listen(path, () => {
    process.stdout.write(
      debug
        ? `TF_REATTACH_PROVIDERS='${reattachValue(PROVIDER_SOURCE, process.pid, path)}'\n`
        : handshakeLine(path, tls?.identity.certificate, handshake.multiplex),
    );
    // The line leaves first; loading would hold it back.
    setImmediate(() => {
      loadServer().then((server) => {
        accept = server.serve({ tls, keepAlive: debug });
        waiting.splice(0).forEach(accept);
      }, fail);
    });
  });
}

function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
}
