import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
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

/** The address answered, and nothing listens on the port. */
export const REFUSED: SshFault = {
  step: 'tcp connect',
  kind: 'refused',
  got: 'connection refused: nothing listens on this port',
  fix: 'Start sshd there, or correct address and port',
  about: ['port|address'],
};
const UNREACHABLE =
  'Check that the host is on, that the address is right, and the network and firewalls between';

/** An address of one network only, without the interface to it, or with one that this machine does not have. */
export function lacksInterface(address: string): boolean {
  const [, network] = /^fe[89ab][0-9a-f]:[^%]*(?:%(.*))?$/i.exec(address) ?? [];
  return /^fe[89ab][0-9a-f]:/i.test(address) && (network === undefined || !(network in networkInterfaces()));
}

export const NO_INTERFACE: SshFault = {
  step: 'tcp connect',
  kind: 'local',
  got: 'a link-local address with no network interface of this machine behind it: the same one may stand for a machine of each network',
  fix: 'Write an interface that there is behind the address, as "ip -6 neigh" and "ip link" show it: fe80::1%eth0',
  about: ['address'],
};

/** A system error of `connect(2)` or of the resolver in our words. */
export function tcpFault(error: unknown, address: string): SshFault {
  const code = errorCode(error);
  const step = 'tcp connect';
  if (code !== 'ECONNREFUSED' && lacksInterface(address)) return NO_INTERFACE;
  switch (code) {
    case 'EINVAL':
      return NO_INTERFACE;
    case 'ECONNREFUSED':
      return REFUSED;
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
        about: ['address'],
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
