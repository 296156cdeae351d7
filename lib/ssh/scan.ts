import { HOST_KEY_ALGORITHMS } from './algorithms.js';
import { limitError } from './connect.js';
import { type OfferedHostKey, SshError } from './errors.js';
import { startLimit } from './limit.js';
import { loadSsh2 } from './load.js';
import { askHostKey, type Progress } from './session.js';
import { connected, openTcp, tcpFault } from './tcp.js';

/** `rsa-sha2-256` would show the same key as `rsa-sha2-512`. */
const ASKED = HOST_KEY_ALGORITHMS.filter((algorithm) => algorithm !== 'rsa-sha2-256');

/**
 * The host keys that a server offers, best first, for a person to compare. One connection per key type, at the same
 * time; each ends before authentication, and nobody is asked to log in.
 *
 * @param host the caller's name for the host, for messages
 * @throws SshError when the server cannot be reached or speaks no SSH
 */
export async function scanHostKeys(
  host: string,
  address: string,
  port: number,
  deadlineSec: number,
): Promise<OfferedHostKey[]> {
  const progress: Progress = { party: { host, user: 'anyone', address, port }, step: 'tcp connect' };
  const opened: { destroy(): void }[] = [];
  const limit = startLimit(deadlineSec, undefined, (kind) => limitError(kind, progress, deadlineSec));
  try {
    const asked = ASKED.map(async (algorithm) => {
      const socket = openTcp(address, port);
      opened.push(socket);
      const answer = connected(socket);
      answer.catch(() => undefined);
      const ssh2 = await loadSsh2();
      await answer.catch((error: unknown): never => {
        throw new SshError(progress.party, tcpFault(error), { cause: error });
      });
      return askHostKey(ssh2, socket, progress, algorithm);
    });
    const keys = await Promise.race([Promise.all(asked), limit.expired]);
    return keys.filter((key) => key !== undefined);
  } finally {
    limit.stop();
    for (const socket of opened) socket.destroy();
  }
}
