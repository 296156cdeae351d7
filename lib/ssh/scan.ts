import { HOST_KEY_ALGORITHMS, keyTypeOf } from './algorithms.js';
import { limitError } from './connect.js';
import { type OfferedHostKey, SshError } from './errors.js';
import { isPinned } from './host-key.js';
import { startLimit } from './limit.js';
import { loadSsh2 } from './load.js';
import { askHostKey, type Progress } from './session.js';
import { connected, openTcp, tcpFault } from './tcp.js';

/**
 * The host keys that a server offers, best first, for a person to compare. There is no log-in.
 *
 * Each key costs a connection that ends before authentication, and sshd punishes an address that makes many of those: they
 * are made one after the other, only for types that the server says it has, and end with the first key that is pinned.
 *
 * @param host the caller's name for the host, for messages
 * @param pins as in `SshEndpoint.hostKeys`
 * @throws SshError when the server cannot be reached or speaks no SSH
 */
export async function scanHostKeys(
  host: string,
  address: string,
  port: number,
  deadlineSec: number,
  pins: readonly string[] = [],
): Promise<OfferedHostKey[]> {
  const progress: Progress = { party: { host, user: 'anyone', address, port }, step: 'tcp connect' };
  const opened: { destroy(): void }[] = [];
  const limit = startLimit(deadlineSec, undefined, (kind) => limitError(kind, progress, deadlineSec));
  const work = async (): Promise<OfferedHostKey[]> => {
    const keys: OfferedHostKey[] = [];
    for (let left = [...HOST_KEY_ALGORITHMS]; left.length > 0;) {
      progress.step = 'tcp connect';
      const socket = openTcp(address, port);
      opened.push(socket);
      await connected(socket).catch((error: unknown): never => {
        throw new SshError(progress.party, tcpFault(error, progress.party.address), { cause: error });
      });
      const { key, offered } = await askHostKey(await loadSsh2(), socket, progress, left);
      socket.destroy();
      if (key === undefined) break;
      keys.push(key);
      if (isPinned(key, pins)) break;
      left = left.filter(
        (algorithm) => offered.includes(algorithm) && !keys.some(({ type }) => type === keyTypeOf(algorithm)),
      );
    }
    return keys;
  };
  try {
    const working = work();
    working.catch(() => undefined);
    return await Promise.race([working, limit.expired]);
  } finally {
    limit.stop();
    for (const socket of opened) socket.destroy();
  }
}
