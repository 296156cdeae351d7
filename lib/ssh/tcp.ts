import { connect, type Socket } from 'node:net';
import type { SshFault } from './errors.js';

/** Starts a TCP connection; the caller waits for {@link connected} and has other things to do meanwhile. */
export function openTcp(address: string, port: number): Socket {
  // Without noDelay, Nagle and delayed acknowledgements cost 40 ms at each of several steps.
  const socket = connect({
    host: address,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    // Of a name with several addresses Node gives each but the last 250 ms, which is less than a slow link's round trip.
    autoSelectFamilyAttemptTimeout: 3000,
  });
  // Whoever waits for the socket sees the error; between two waits it must not end the process.
  socket.on('error', () => undefined);
  return socket;
}

/** Resolves when the socket is connected; rejects with the system's error. */
export function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!socket.connecting && !socket.destroyed) {
      resolve();
      return;
    }
    socket.once('connect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });
}

const REFUSED = 'Start sshd there, or correct address and port';
const UNREACHABLE =
  'Check that the host is on, that the address is right, and the network and firewalls between';

/** A system error of `connect(2)` or of the resolver in our words. */
export function tcpFault(error: unknown): SshFault {
  const code = errorCode(error);
  const step = 'tcp connect';
  switch (code) {
    case 'EINVAL':
      return {
        step,
        kind: 'unreachable',
        got: 'no way to this address (EINVAL)',
        fix: 'A link-local address needs the network interface behind it: fe80::1%eth0',
      };
    case 'ECONNREFUSED':
      return { step, kind: 'refused', got: 'connection refused: nothing listens on this port', fix: REFUSED };
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
    case 'ENETDOWN':
    case 'EADDRNOTAVAIL':
      return { step, kind: 'unreachable', got: `no way to this address (${code})`, fix: UNREACHABLE };
    case 'ETIMEDOUT':
      return { step, kind: 'timeout', got: 'no answer (ETIMEDOUT)', fix: UNREACHABLE };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NODATA':
      return {
        step,
        kind: 'unknown-name',
        got: `the name does not resolve (${code})`,
        fix: 'Correct the address, or write an IP address. Names of ~/.ssh/config are not known here (docs/ssh.md)',
      };
    default: {
      const words = error instanceof Error ? error.message : String(error);
      return { step, kind: 'unreachable', got: words === '' ? code : words, fix: UNREACHABLE };
    }
  }
}

/** The system's name of an error (`ECONNRESET`), of several attempts' error the first one's; empty when there is none. */
export function errorCode(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return errorCode(error.errors[0]);
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
